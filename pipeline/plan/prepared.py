"""Where prepared models are, what is known about each, and which one an engine uses.

`models_dir/prepared/NAME-HASH/` belongs to one source (by its content hash): one folder per
variant, in the same layout as the source, and `choice.json`, which says what `auto` means.
"""

import contextlib
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pipeline.disk import replace_json
from pipeline.errors import ModelError
from pipeline.model.configs import read_json
from pipeline.model.folder import ModelFolder
from pipeline.model.options import IN_BF16, VARIANTS, Variant, Wanted
from pipeline.runtime.cpu import multiplies_int8_safely, this_cpu
from pipeline.runtime.openvino import computes_bf16, openvino_version
from pipeline.runtime.providers import CPU

FORMAT: Final = 4
"""Changes whenever the same source would be written differently."""

MANIFEST: Final = "ekaki_prepared.json"
STAMPS: Final = "ekaki_stamps.json"
CHOICE: Final = "choice.json"
CALIBRATION: Final = "calibration.json"

_CHUNK: Final = 2**22


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNote:
    """The expected properties of a prepared model's file."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraNote:
    """A merged LoRA: its file's name and hash, and its strength."""

    name: str
    sha256: str
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """How a prepared model was made. `errors`: the relative errors found by its check, by
    component.

    `full_range`: int8 weights use all eight bits, which needs a processor that does not overflow.
    """

    variant: Variant
    source_hash: str
    source_name: str
    revision: str
    onnxruntime: str
    openvino: str = ""
    full_range: bool
    loras: tuple[LoraNote, ...] = ()
    errors: dict[str, float] = field(default_factory=dict[str, float])
    files: dict[str, FileNote] = field(default_factory=dict[str, FileNote])
    format: int = FORMAT

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        text = json.dumps(asdict(self), indent=2, sort_keys=True)
        (folder / MANIFEST).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read it. Raises ModelError `prepared_damaged`."""
        try:
            raw: dict[str, Any] = read_json(folder / MANIFEST)
            raw["loras"] = tuple(LoraNote(**note) for note in raw["loras"])
            raw["files"] = {name: FileNote(**note) for name, note in raw["files"].items()}
            return cls(**raw)
        except (ModelError, KeyError, TypeError, AttributeError) as error:
            raise ModelError("prepared_damaged", name=MANIFEST) from error


def home_of(models_dir: Path, source: ModelFolder) -> Path:
    """The folder of everything that was prepared from `source`."""
    name = re.sub(r"[^\w.-]+", "-", source.name, flags=re.ASCII).strip("-") or "model"
    return models_dir / "prepared" / f"{name}-{source.content_hash}"


def find(models_dir: Path, source: ModelFolder, wanted: Wanted, provider: str) -> ModelFolder:
    """The folder to draw with: a prepared one of `source`, or `source` itself for `source`, and for
    `auto` if nothing was prepared that this machine can run.

    Raises ModelError `prepared_missing`, `prepared_damaged`, `variant_unfit`.
    """
    home = home_of(models_dir, source)
    variant = _chosen_here(home, provider) if wanted == "auto" else wanted
    if variant is None or variant == "source":
        return source
    path = home / variant
    recover(path)
    if not path.is_dir():
        raise ModelError("prepared_missing", variant=variant)
    manifest = Manifest.load(path)
    check_fit(variant, provider, full_range=manifest.full_range)
    check_files(path, manifest)
    try:
        return ModelFolder.open(path)
    except ModelError as error:  # its text is about a model that was downloaded or copied
        name = error.data.get("name", "model_index.json")
        raise ModelError("prepared_damaged", name=name) from error


def why_not(home: Path, provider: str) -> str:
    """Why the model prepared last can't be used with `provider`; empty if it can or is missing."""
    last = chosen(home)
    if last is None or not (home / last).is_dir():
        return ""
    try:
        check_fit(last, provider, full_range=Manifest.load(home / last).full_range)
    except ModelError as error:
        return str(error.data.get("reason", "")) if error.key == "variant_unfit" else ""
    return ""


def _chosen_here(home: Path, provider: str) -> Variant | None:
    """What `auto` means with `provider`: the last prepared one that it can run."""
    last = chosen(home)
    for variant in (last, *VARIANTS):
        path = home / str(variant)
        if variant is None:
            continue
        recover(path)
        if variant != last and not path.is_dir():
            continue
        try:
            if path.is_dir():
                check_fit(variant, provider, full_range=Manifest.load(path).full_range)
        except ModelError as error:
            if error.key == "variant_unfit" or variant != last:
                continue
            raise
        return variant
    return None


def chosen(home: Path) -> Variant | None:
    """What `model prepare` made last for this source; None if nothing was prepared."""
    variant = _noted(home / CHOICE).get("variant")
    return next((each for each in VARIANTS if each == variant), None)


def reason(home: Path) -> str:
    """Why it was chosen, for people; empty if nothing was prepared."""
    return str(_noted(home / CHOICE).get("why", ""))


def chosen_elsewhere(home: Path) -> bool:
    """Whether it was chosen on another processor or with another ONNX Runtime."""
    here = {"cpu": this_cpu().model, "onnxruntime": runtime_version()}
    return bool(_noted(home / CHOICE)) and any(
        _noted(home / CHOICE).get(k) != v for k, v in here.items()
    )


def save_choice(home: Path, variant: Variant, why: str) -> None:
    """Make `auto` mean `variant`."""
    choice = {
        "variant": variant,
        "why": why,
        "cpu": this_cpu().model,
        "onnxruntime": runtime_version(),
    }
    replace_json(home / CHOICE, choice, indent=2)


def runtime_version() -> str:
    """The version of the ONNX Runtime that is installed, under either of its names."""
    for name in ("onnxruntime-gpu", "onnxruntime"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return ""


def _noted(path: Path) -> dict[str, object]:
    """The content of a small file; nothing if it is missing or damaged."""
    with contextlib.suppress(ModelError):
        return read_json(path)
    return {}


def check_fit(variant: Variant, provider: str, *, full_range: bool = False) -> None:
    """Whether `provider` can run `variant` well. Raises ModelError `variant_unfit`."""
    if variant == "fp16" and provider == CPU:
        raise ModelError("variant_unfit", variant=variant, reason="it is for NVIDIA cards")
    if variant == "int8" and provider != CPU:
        raise ModelError("variant_unfit", variant=variant, reason="it is for processors")
    if variant in IN_BF16:
        _check_openvino(variant, provider)
    if variant == "int8" and full_range and not multiplies_int8_safely():
        reason = "it was made for a processor with VNNI, which this one lacks"
        raise ModelError("variant_unfit", variant=variant, reason=reason)


def _check_openvino(variant: Variant, provider: str) -> None:
    reason = ""
    if provider != CPU:
        reason = "it is for processors"
    elif not openvino_version():
        reason = "it needs OpenVINO: pip install 'ekaki[openvino]', or in this folder '.[openvino]'"
    elif not computes_bf16(this_cpu()):
        reason = "this processor has no bfloat16 (AVX512-BF16 or AMX)"
    if reason:
        raise ModelError("variant_unfit", variant=variant, reason=reason)


def check_files(path: Path, manifest: Manifest) -> None:
    """Check that every file is unchanged. A file is read only if its size or time has changed since
    it was last read. Raises ModelError `prepared_damaged`."""
    known = _noted(path / STAMPS)
    found: dict[str, list[int]] = {}
    for name, note in manifest.files.items():
        try:
            status = (path / name).stat()
        except OSError as error:
            raise ModelError("prepared_damaged", name=name) from error
        found[name] = [status.st_size, status.st_mtime_ns]
        if status.st_size != note.size_bytes:
            raise ModelError("prepared_damaged", name=name)
        if known.get(name) != found[name] and sha256_of(path / name) != note.sha256:
            raise ModelError("prepared_damaged", name=name)
    if found != known:
        save_stamps(path, manifest)


def save_stamps(path: Path, manifest: Manifest) -> None:
    """Record size and time of each file, if the folder can be written."""
    stamps: dict[str, list[int]] = {}
    for name in manifest.files:
        status = (path / name).stat()
        stamps[name] = [status.st_size, status.st_mtime_ns]
    with contextlib.suppress(OSError):
        replace_json(path / STAMPS, stamps)


def recover(path: Path) -> None:
    """Restore what a crash between two renames left next to `path`."""
    old = old_of(path)
    if old.is_dir() and not path.exists():
        os.replace(old, path)  # noqa: PTH105 - a folder, as everywhere here


def old_of(path: Path) -> Path:
    """Where the previous folder is kept while the new one takes its name."""
    return path.with_name(f".{path.name}.old")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()
