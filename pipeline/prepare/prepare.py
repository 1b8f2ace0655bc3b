"""Turns a downloaded model into one that this machine runs well: written separately, checked, and
swapped in.

`prepare_model` may be killed at any moment and started again. The result of an earlier run stays in
use until the new one has passed its check.
"""

import contextlib
import errno
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from pipeline.card import Sampler
from pipeline.disk import disk_error, has_size, is_about_files, replace_json
from pipeline.engine.samplers.make import make_sampler
from pipeline.engine.vae.decoder import VaeDecoder
from pipeline.engine.vae.preview import FILE_NAME, PreviewMap
from pipeline.errors import ModelError, StorageError
from pipeline.model.configs import read_json
from pipeline.model.consistency import check_consistency
from pipeline.model.folder import COMPONENTS, Component, ModelFolder
from pipeline.model.options import IN_BF16, Variant
from pipeline.onnx.shallow import write_shallow
from pipeline.onnx.skeleton import Weights
from pipeline.onnx.weight_files import GRAPH_NAME
from pipeline.plan.prepared import (
    FORMAT,
    FileNote,
    Manifest,
    home_of,
    old_of,
    recover,
    runtime_version,
    save_choice,
    save_stamps,
)
from pipeline.prepare.convert import IN_OPENVINO, ROWS_ALONE, convert
from pipeline.prepare.lora.lora import merges_for
from pipeline.prepare.lora.merged import merged_weights
from pipeline.prepare.naming import hash_with, name_with
from pipeline.prepare.options import Prepared, PrepareOptions, Reporter
from pipeline.prepare.recipes import Conversion, same
from pipeline.prepare.small_decoder import carry_over
from pipeline.prepare.sources import check_hashes
from pipeline.prepare.verify import Verifier
from pipeline.prepare.write import ComponentWriter, plan
from pipeline.runtime.openvino import openvino_version
from pipeline.runtime.sessions import SessionFactory

SPARE_BYTES: Final = 256 * 2**20
"""What must stay free on the disk afterwards."""

_STATE: Final = "state.json"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_COPIED: Final = ("*.json", "*.txt", "*.md", "LICENSE*")
_PRECISIONS: Final[dict[Variant, str]] = {
    "fp32": "fp32 (fused)",
    "fp16": "fp16",
    "int8": "int8",
    "bf16": "bf16 (OpenVINO)",
    "int8-bf16": "int8-bf16 (OpenVINO)",
}


def prepare_model(
    source: ModelFolder,
    models_dir: Path,
    options: PrepareOptions,
    *,
    factory: SessionFactory,
    report: Reporter,
) -> Prepared:
    """Prepare `source` below `models_dir` as `options` says; `factory` makes the check's sessions.

    Raises ModelError `model_config_wrong`, `model_not_sdxl`, `scheduler_unsupported`,
    `source_altered`, `model_incomplete`, `prepare_disk_too_small`, `prepare_disk_full`,
    `prepare_check_failed`, `prepare_busy`, `variant_unfit`, what `merges_for` raises;
    StorageError `storage_failed`.
    """
    check_consistency(source)
    for sampler in Sampler:
        make_sampler(sampler, source.scheduler, 2)
    home = home_of(models_dir, source)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / ".lock", timeout=0):
            return _Preparation(source, home, options, factory, report).run()
    except Timeout as error:
        raise ModelError("prepare_busy", path=str(home)) from error
    except OSError as error:
        if error.errno in _FULL:
            raise ModelError("prepare_disk_full", path=str(home)) from error
        if is_about_files(error):
            raise disk_error(error, home) from error
        raise StorageError("storage_failed", path=str(home), problem=str(error)) from error


class _Preparation:
    """One run. `_part` is where it is written, `_path` where it goes."""

    def __init__(
        self,
        source: ModelFolder,
        home: Path,
        options: PrepareOptions,
        factory: SessionFactory,
        report: Reporter,
    ) -> None:
        self._source = source
        self._home = home
        self._options = options
        self._factory = factory
        self._report = report
        self._path = home / options.variant
        self._part = home / f".{options.variant}.part"
        self._components: list[Component] = [name for name in COMPONENTS if source.has(name)]
        self._merges = merges_for(source, options.loras)
        self._loras = tuple(lora.note() for lora in options.loras)
        self._hash = hash_with(source, self._loras)
        self._conversions: dict[Component, Conversion] = {}
        self._done_bytes = 0
        self._total_bytes = 0

    def run(self) -> Prepared:
        recover(self._path)
        state = self._state()
        self._check_space()
        if not state["components"]:
            check_hashes(self._source, progress=self._report.line)
        self._report.line(f"Writing {self._total_bytes / 1e9:.2f} GB ...")
        for name in self._components:
            self._write(name, state)
        self._copy_small_files()
        made = ModelFolder.open(self._part)
        errors = self._check(made)
        self._fit_preview(made)
        manifest = self._manifest(state, errors)
        self._swap(manifest)
        return Prepared(path=self._path, manifest=manifest)

    def _check(self, made: ModelFolder) -> dict[str, float]:
        """The errors compared with the source including LoRAs; a failed result is discarded."""
        with merged_weights(self._source, self._merges, self._part / ".merged") as instead:
            verifier = Verifier(
                self._source, self._factory, instead=instead, progress=self._report.line
            )
            try:
                return verifier.errors(made, self._options.variant)
            except ModelError:
                shutil.rmtree(self._part)
                raise

    def _state(self) -> dict[str, Any]:
        """What an earlier run with the same options finished; removes what other options left."""
        key = self._key()
        self._part.mkdir(exist_ok=True)
        with contextlib.suppress(ModelError):
            state: dict[str, Any] = read_json(self._part / _STATE)
            if state.get("key") == key:
                return state
        shutil.rmtree(self._part)
        self._part.mkdir()
        state = {"key": key, "components": {}}
        replace_json(self._part / _STATE, state, sync=True)
        return state

    def _key(self) -> str:
        """Changes with everything that changes what is written."""
        files = [
            (file.name, file.stat().st_size, file.stat().st_mtime_ns)
            for name in self._components
            for file in self._source.weight_files[name].paths
        ]
        loras = [[note.sha256, note.strength] for note in self._loras]
        options = self._options
        how = [options.variant, options.full_range, options.branch, loras]
        content = [FORMAT, self._hash, files, how]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def _check_space(self) -> None:
        self._total_bytes = sum(plan(self._convert(name)).size_bytes for name in self._components)
        here = sum(file.stat().st_size for file in self._part.rglob("*") if file.is_file())
        merged = sum(
            same(tensor).size_bytes
            for name, merges in self._merges.items()
            for tensor in self._convert(name).model.graph.initializer
            if tensor.name in merges
        )
        need = max(0, self._total_bytes - here) + merged + SPARE_BYTES
        free = shutil.disk_usage(self._home).free
        if free < need:
            raise ModelError(
                "prepare_disk_too_small",
                need_gb=f"{need / 1e9:.1f}",
                have_gb=f"{free / 1e9:.1f}",
                path=str(self._home),
            )

    def _convert(self, name: Component) -> Conversion:
        """The conversion of a component, computed once: graphs are small without their weights."""
        if name not in self._conversions:
            conversion = convert(
                self._source.onnx_file(name),
                name,
                self._options.variant,
                full_range=self._options.full_range,
                branch=self._options.branch,
            )
            conversion.merges.update(self._merges.get(name, {}))
            self._conversions[name] = conversion
        return self._conversions[name]

    def _write(self, name: Component, state: dict[str, Any]) -> None:
        """Write one component, unless an earlier run has finished it."""
        folder = self._part / name
        known: dict[str, list[Any]] | None = state["components"].get(name)
        if known and all(has_size(folder / file, note[1]) for file, note in known.items()):
            self._tell(sum(note[1] for note in known.values()))
            return
        weights = Weights(self._source.onnx_file(name).parent)
        try:
            written = ComponentWriter(self._convert(name), weights, folder, self._tell).write()
        finally:
            weights.close()
            self._conversions.pop(name, None)  # writing changes its graph
        if name == "unet" and (shallow := write_shallow(folder / GRAPH_NAME)) is not None:
            content = shallow.read_bytes()
            written[shallow.name] = (hashlib.sha256(content).hexdigest(), len(content))
        state["components"][name] = {file: list(note) for file, note in written.items()}
        replace_json(self._part / _STATE, state, sync=True)

    def _tell(self, count: int) -> None:
        self._done_bytes += count
        self._report.written(min(self._done_bytes, self._total_bytes), self._total_bytes)

    def _copy_small_files(self) -> None:
        """Copy everything that is not a weight, and add a card that says what this folder is."""
        for folder in (".", "scheduler", "tokenizer", "tokenizer_2", *self._components):
            for pattern in _COPIED:
                for file in (self._source.path / folder).glob(pattern):
                    target = self._part / folder / file.name
                    target.parent.mkdir(exist_ok=True)
                    if target.name not in {_STATE, FILE_NAME}:
                        shutil.copyfile(file, target)
        carry_over(self._source, self._part)
        card = self._part / "ekaki.json"
        said = read_json(card) if card.is_file() else {}
        said |= {
            "name": name_with(self._source, self._loras),
            "notice": self._source.notice,
            "precision": _PRECISIONS[self._options.variant],
            "rows_alone": self._options.variant in ROWS_ALONE,
            "fused": self._options.variant not in IN_BF16,  # whose attention OpenVINO fuses
            "openvino": sorted(IN_OPENVINO) if self._options.variant in IN_BF16 else [],
            "hash": self._hash,
            "size_multiple": self._source.size_multiple,
            "upscale_strength": self._source.upscale_strength,
            "upscale_pixels": self._source.upscale_pixels,
        }
        card.write_text(json.dumps(said, indent=2), encoding="utf-8")

    def _fit_preview(self, made: ModelFolder) -> None:
        """Fit the colours of previews, so that the first picture need not wait for that."""
        fitted = PreviewMap.fit(
            VaeDecoder(made, self._factory.open(made, "vae_decoder")),
            latent_channels=made.latent_channels,
            vae_scale_factor=made.vae_scale_factor,
        )
        fitted.save(self._part / FILE_NAME, model_hash=made.content_hash)

    def _manifest(self, state: dict[str, Any], errors: dict[str, float]) -> Manifest:
        files = {
            f"{name}/{file}": FileNote(sha256=note[0], size_bytes=note[1])
            for name, notes in state["components"].items()
            for file, note in notes.items()
        }
        return Manifest(
            variant=self._options.variant,
            source_hash=self._source.content_hash,
            source_name=self._source.name,
            revision=self._options.revision,
            onnxruntime=runtime_version(),
            openvino=openvino_version() if self._options.variant in IN_BF16 else "",
            full_range=self._options.full_range and self._options.variant == "int8",
            loras=self._loras,
            errors=errors,
            files=files,
        )

    def _swap(self, manifest: Manifest) -> None:
        """Rename the new folder to its final name; `recover` repairs a crash in between."""
        manifest.save(self._part)
        save_stamps(self._part, manifest)
        (self._part / _STATE).unlink()
        old = old_of(self._path)
        shutil.rmtree(old, ignore_errors=True)
        if self._path.exists():
            self._path.rename(old)
        self._part.rename(self._path)
        shutil.rmtree(old, ignore_errors=True)
        save_choice(self._home, self._options.variant, self._options.why)
