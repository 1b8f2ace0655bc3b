"""Adds a LoRA to the library: reads and checks the file, converts it once, keeps what it says.

Imports numpy and ONNX, so only the command line imports this.
"""

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot.common.failpoints import hit
from bot.loras.manifest import MAX_STRENGTH, MAX_TEXT, MAX_TRIGGERS, LoraManifest, StoredFile
from bot.loras.metadata import Suggestion, check_triggers, suggest
from bot.loras.names import check_name, name_from
from bot.loras.scan import manifest_path, read_manifest
from bot.loras.shelf import Shelf
from pipeline.disk import at
from pipeline.errors import InputError, ModelError, StorageError
from pipeline.lora.recipe import NO_RECIPE, Recipe
from pipeline.prepare.lora.adapter import Converted, convert
from pipeline.prepare.lora.file import LoraFile
from pipeline.prepare.lora.linear_layers import LinearLayers
from pipeline.rating import Rating

_SLOW_RANK: Final = 128
_MAX_SOURCE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What the operator says. None: taken from the file."""

    file: Path
    name: str | None = None
    triggers: tuple[str, ...] | None = None
    strength: float = 1.0
    rating: Rating = Rating.SAFE
    licence: str | None = None
    source: str = ""
    author: str | None = None
    preview: Path | None = None
    recipe: Recipe = NO_RECIPE
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The new entry. `warnings`: what the operator should know, a sentence each. `convolutions`:
    it changes some, so the model has to be prepared for that."""

    name: str
    manifest: LoraManifest
    warnings: tuple[str, ...]
    convolutions: bool = False


def parse_strength(typed: str) -> float:
    """`0.8` or `0,8`, in any width. InputError `lora_default_strength`."""
    plain = unicodedata.normalize("NFKC", typed).replace("\u2212", "-").strip()
    try:
        value = float(plain.replace(",", ".") if "." not in plain else plain)
    except ValueError:
        value = math.nan
    if not abs(value) <= MAX_STRENGTH:
        raise InputError("lora_default_strength", typed=repr(typed[:40]), most=f"{MAX_STRENGTH:g}")
    return value


def add_lora(
    folder: Path,
    addition: Addition,
    layers: LinearLayers,
    *,
    now: float,
    progress: Callable[[int, int], None],
) -> Added:
    """Add the file for models with these `layers`. `now`: seconds since the epoch.

    Raises InputError for what the operator said, ModelError for the file, StorageError for the
    folder; nothing is added then.
    """
    name = check_name(addition.name) if addition.name is not None else name_from(addition.file.stem)
    _check_texts(addition)
    addition.recipe.check()
    if addition.draft and addition.recipe.num_inference_steps is None:
        raise InputError("lora_draft_steps")
    if addition.preview is not None:
        from bot.loras.preview import make_preview

        preview = make_preview(addition.preview)
    else:
        preview = None
    with Shelf.opened(folder) as shelf:
        shelf.demand_free(name)
        if addition.draft:
            shelf.demand_no_draft()
        file = LoraFile(addition.file.expanduser(), products=True)
        found = suggest(file.metadata)
        try:
            converted = _convert(file, layers, shelf, progress)
            hit("lora_converted")
            manifest = _manifest(file, converted, addition, found)
            manifest = replace(
                manifest,
                added=now,
                family=layers.family,
                adapter=_stored(shelf.draft, converted),
            )
            warnings = tuple(_warnings(shelf, manifest, converted, found))
            shelf.put(name, manifest, preview)
        except BaseException:
            shelf.draft.unlink(missing_ok=True)
            raise
    return Added(
        name=name,
        manifest=manifest,
        warnings=warnings,
        convolutions=converted.convolutions > 0,
    )


def _check_texts(addition: Addition) -> None:
    check_triggers(addition.triggers or (), MAX_TRIGGERS)
    for text, most, option in (
        (addition.licence or "", MAX_TEXT, "--licence"),
        (addition.author or "", MAX_TEXT, "--author"),
        (addition.source, _MAX_SOURCE, "--source"),
    ):
        if len(text) > most or not text.isprintable():
            raise InputError("lora_text", option=option, most=most)


def _convert(
    file: LoraFile, layers: LinearLayers, shelf: Shelf, progress: Callable[[int, int], None]
) -> Converted:
    """The error of a file for another kind of model names that, where the file itself says so."""
    try:
        with at(shelf.folder):
            return convert(file, layers, shelf.draft, progress=progress)
    except ModelError as error:
        model = suggest(file.metadata).other_model
        if model and error.key in {"lora_unfit", "lora_unknown_keys"}:
            keys = str(error.data.get("keys") or error.data.get("layer"))
            raise ModelError("lora_model", name=file.name, model=model, keys=keys) from error
        raise


def _stored(draft: Path, converted: Converted) -> StoredFile:
    stat = draft.stat()
    return StoredFile(
        name=f"{converted.sha256}.safetensors",
        sha256=converted.sha256,
        size_bytes=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
    )


def _manifest(
    file: LoraFile, converted: Converted, addition: Addition, found: Suggestion
) -> LoraManifest:
    original = StoredFile(
        name=file.path.name[:_MAX_SOURCE],
        sha256=file.sha256(),
        size_bytes=file.path.stat().st_size,
    )
    return LoraManifest(
        adapter=original,
        original=original,
        values_sha256=file.values_sha256(),
        triggers=found.triggers if addition.triggers is None else addition.triggers,
        strength=addition.strength,
        recipe=addition.recipe,
        draft=addition.draft,
        rating=addition.rating,
        licence=found.licence if addition.licence is None else addition.licence,
        source=addition.source,
        author=found.author if addition.author is None else addition.author,
        base=found.base,
        rank=converted.rank,
        layers=converted.layers,
    )


def _warnings(
    shelf: Shelf, manifest: LoraManifest, converted: Converted, found: Suggestion
) -> list[str]:
    warnings: list[str] = []
    if found.other_model:
        warnings.append(f"The file says it was made for {found.other_model}, though it fits.")
    elif found.is_anime is False:
        warnings.append(
            f"It was made for {found.base}, not for an anime model such as Animagine, Illustrious "
            "or Pony, so it may do less here. Try it before you recommend it."
        )
    elif found.is_anime is None:
        what = f"{found.base!r}, which Ekaki does not know" if found.base else "an unknown model"
        warnings.append(
            f"It was made for {what}: see on its page that it is for SDXL anime models."
        )
    if found.v_prediction:
        warnings.append("It was made for a model with v-prediction, so colours may be off here.")
    if converted.is_zero:
        warnings.append("Its weights are zero: it changes nothing.")
    if converted.rank > _SLOW_RANK:
        warnings.append(f"Its rank is {converted.rank}, which makes drawing slower.")
    if not manifest.licence:
        warnings.append("No licence is known: say it with --licence, so that members can see it.")
    same = [name for name in shelf.names() if _digest_of(shelf, name) == manifest.adapter.sha256]
    if same:
        warnings.append(f"It has the same weights as {', '.join(same)}.")
    return warnings


def _digest_of(shelf: Shelf, name: str) -> str:
    try:
        return read_manifest(manifest_path(shelf.folder, name)).adapter.sha256
    except StorageError:
        return ""
