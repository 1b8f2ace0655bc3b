"""What is stored about a LoRA beside its weights: `NAME.json`, parsed as if anybody had written it.

Operators may edit it, so whatever can't be used is named.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from bot.common.jsontext import as_object, parsed
from pipeline.card import (
    MAX_GUIDANCE,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    SCHEDULERS,
    Sampler,
)
from pipeline.lora.recipe import NO_RECIPE, Recipe
from pipeline.rating import Rating

FORMAT: Final = 1
MAX_BYTES: Final = 256 * 1024
MAX_STRENGTH: Final = 2.0
MAX_TRIGGERS: Final = 20
_LATEST: Final = 2**37  # seconds since the epoch, a year that has four digits
MAX_TEXT: Final = 200  # characters of a trigger, a licence, an author

_RECIPE: Final = (
    ("steps", "num_inference_steps"), ("cfg", "guidance_scale"), ("sampler", "sampler"),
)  # fmt: skip
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONE: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file: `name` as it was given, `sha256` in hex, and `mtime_ns` when its hash was computed
    (0: unknown)."""

    name: str
    sha256: str
    size_bytes: int
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraManifest:
    """`adapter`: the converted file. `original`: what it was made of. `base`: the model it was made
    for, if that is known. `family`: the models whose layers it fits
    (`pipeline.prepare.lora.linear_layers`). `values_sha256`: the original's without its header,
    A1111's `Lora hashes`. `rank`: the highest of its layers'. `added`: seconds since the epoch.
    `recipe` is stored as `steps`, `cfg` and `sampler`. `draft`: drafts are drawn with it."""

    adapter: StoredFile
    original: StoredFile
    triggers: tuple[str, ...] = ()
    strength: float = 1.0
    rating: Rating = Rating.SAFE
    licence: str = ""
    source: str = ""
    author: str = ""
    base: str = ""
    family: str = ""
    values_sha256: str = ""
    rank: int = 0
    layers: int = 0
    added: float = 0.0
    recipe: Recipe = NO_RECIPE
    draft: bool = False

    def to_json(self) -> str:
        """As it is stored."""
        values = {
            "format": FORMAT,
            "triggers": list(self.triggers),
            "strength": self.strength,
            "rating": self.rating.label,
            **{key: self.recipe.said[field] for key, field in _RECIPE if field in self.recipe.said},
            **({"draft": True} if self.draft else {}),
            "licence": self.licence,
            "source": self.source,
            "author": self.author,
            "base": self.base,
            "family": self.family,
            "values_sha256": self.values_sha256,
            "rank": self.rank,
            "layers": self.layers,
            "added": self.added,
            "adapter": _file_values(self.adapter),
            "original": _file_values(self.original),
        }
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str) -> "LoraManifest":
        """Parse it. ValueError says what is wrong, in a few words."""
        values = as_object(parsed(text), "the file")
        if type(values.get("format")) is not int or values["format"] != FORMAT:  # nor true, 1.0
            raise ValueError(f"its format is not {FORMAT}")
        recipe = _recipe(values)
        return LoraManifest(
            adapter=_file(values, "adapter"),
            original=_file(values, "original"),
            triggers=_triggers(values.get("triggers", [])),
            strength=_number(values, "strength", 1.0, -MAX_STRENGTH, MAX_STRENGTH),
            rating=_rating(values),
            licence=_text(values, "licence"),
            source=_text(values, "source", most=1000),
            author=_text(values, "author"),
            base=_text(values, "base"),
            family=_text(values, "family"),
            values_sha256=_values_hash(values),
            rank=_whole(values, "rank", 0, 2**20),
            layers=_whole(values, "layers", 0, 2**20),
            added=_number(values, "added", 0.0, 0, _LATEST),
            recipe=recipe,
            draft=_draft(values, recipe),
        )


def _file_values(file: StoredFile) -> dict[str, object]:
    return {
        "name": file.name,
        "sha256": file.sha256,
        "size": file.size_bytes,
        "mtime_ns": file.mtime_ns,
    }


def _file(values: Mapping[str, Any], key: str) -> StoredFile:
    said = as_object(values.get(key), key)
    sha256 = said.get("sha256")
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
        raise ValueError(f"{key} has no SHA-256")
    return StoredFile(
        name=_text(said, "name", most=1000),
        sha256=sha256,
        size_bytes=_whole(said, "size", 0, 2**50),
        mtime_ns=max(0, _whole(said, "mtime_ns", -(2**63), 2**63 - 1)),  # before 1970: unknown
    )


def _values_hash(values: Mapping[str, Any]) -> str:
    value = values.get("values_sha256", "")
    if value != "" and (not isinstance(value, str) or not _HASH.fullmatch(value)):
        raise ValueError("values_sha256 is no SHA-256")
    return str(value)


def _triggers(value: object) -> tuple[str, ...]:
    words = cast("list[Any]", value) if isinstance(value, list) else [None]
    if len(words) > MAX_TRIGGERS or not all(_is_text(word, MAX_TEXT) for word in words):
        raise ValueError(f"triggers is no list of at most {MAX_TRIGGERS} texts")
    return tuple(str(word) for word in words)


def _rating(values: Mapping[str, Any]) -> Rating:
    try:
        return Rating.from_label(str(values.get("rating", Rating.SAFE.label)))
    except ValueError as error:
        raise ValueError("rating is none of safe, sensitive, nsfw, explicit") from error


def _recipe(values: Mapping[str, Any]) -> Recipe:
    sampler = values.get("sampler")
    if sampler is not None and sampler not in list(Sampler):
        raise ValueError(f"sampler is none of {', '.join(Sampler)}")
    sampler = None if sampler is None else Sampler(sampler)
    most = MAX_STEPS if sampler is None else SCHEDULERS[sampler].highest_steps(MAX_STEPS)
    steps = cfg = None
    if values.get("steps") is not None:
        steps = _whole(values, "steps", MIN_STEPS, most)
    if values.get("cfg") is not None:
        cfg = _number(values, "cfg", 0, MIN_GUIDANCE, MAX_GUIDANCE)
    return Recipe(num_inference_steps=steps, guidance_scale=cfg, sampler=sampler)


def _draft(values: Mapping[str, Any], recipe: Recipe) -> bool:
    value = values.get("draft", False)
    if not isinstance(value, bool):
        raise ValueError("draft is neither true nor false")  # noqa: TRY004 - as for anything else
    if value and recipe.num_inference_steps is None:
        raise ValueError("it is for drafts and does not say how many steps they take")
    return value


def _text(values: Mapping[str, Any], key: str, *, most: int = MAX_TEXT) -> str:
    value = values.get(key, "")
    if not _is_text(value, most):
        raise ValueError(f"{key} is no text of at most {most} characters")
    return str(value)


def _is_text(value: object, most: int) -> bool:
    # JSON can spell half of a character, which can't be stored or sent.
    return isinstance(value, str) and len(value) <= most and not _LONE.search(value)


def _number(values: Mapping[str, Any], key: str, default: float, low: float, high: float) -> float:
    value = values.get(key, default)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # neither is NaN
        raise ValueError(f"{key} is no number from {low:g} to {high:g}")
    return float(value)


def _whole(values: Mapping[str, Any], key: str, low: int, high: int) -> int:
    """0 if there is none. Not through a float, which has too few digits for nanoseconds."""
    value = values.get(key, 0)
    if type(value) is not int or not (low <= value <= high or key not in values):
        raise ValueError(f"{key} is no whole number from {low} to {high}")
    return value
