"""What a LoRA's file says about itself: suggestions for its entry, and the model it was made for.

Pure. The notes are those of kohya's scripts (`ss_*`) and of the Stability AI model metadata
standard (`modelspec.*`); anybody can have written anything there.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from bot.loras.manifest import MAX_TEXT
from pipeline.errors import InputError

_FAMILIES: Final = (
    ("Ekaki demo", r"ekaki-demo"),
    ("Animagine XL", r"animagine"),
    ("NoobAI", r"noob"),
    ("Illustrious", r"illustrious|\bilxl|wai[-_ ]?(ill|nsfw|ani)|hassaku"),
    ("Pony", r"pony|autismmix"),
)
"""Anime models with SDXL's layers, by names of files; later ones build on Illustrious too."""
_PLAIN: Final = re.compile(r"sd[-_]?xl[-_]?base|sd_xl_base|stable-diffusion-xl-base", re.IGNORECASE)
_OTHER_MODELS: Final = (
    ("Stable Diffusion 1.5", r"^sd_v1|stable-diffusion-v1"),
    ("Stable Diffusion 2", r"^sd_v2|stable-diffusion-v2"),
    ("Stable Diffusion 3", r"^sd3|stable-diffusion-3"),
    ("FLUX", r"flux"),
    ("the refiner of SDXL", r"refiner"),
)
"""By `ss_base_model_version` or `modelspec.architecture`."""

_SDXL: Final = re.compile(r"^$|xl", re.IGNORECASE)

_USUAL: Final = frozenset(
    {
        *("1girl", "1boy", "2girls", "2boys", "solo", "no humans", "multiple girls"),
        *("looking at viewer", "smile", "blush", "upper body", "full body", "portrait"),
        *("simple background", "white background", "monochrome", "greyscale"),
        *("highres", "absurdres", "masterpiece", "best quality", "great quality", "good quality"),
        *("very aesthetic", "aesthetic", "newest", "recent", "anime", "illustration"),
        *("safe", "general", "sensitive", "nsfw", "explicit", "rating:general"),
        *("score 9", "score 8 up", "score 7 up", "source anime"),
        *("commentary", "artist name", "signature", "watermark"),
    }
)
"""Tags that may be in all pictures of a set without being what triggers the LoRA."""
_MAX_SUGGESTED: Final = 3
_FOLDER: Final = re.compile(r"\d+_(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """`base`: the model it was made for, "" if unknown. `other_model`: a kind of model other than
    SDXL that it says it was made for. `is_anime`: whether `base` is one of the anime models that
    share tags with ours; None if unknown. `v_prediction`: made for a model that predicts v."""

    triggers: tuple[str, ...] = ()
    author: str = ""
    licence: str = ""
    base: str = ""
    other_model: str = ""
    is_anime: bool | None = None
    v_prediction: bool = False


def suggest(metadata: Mapping[str, Any]) -> Suggestion:
    """What `metadata` (of the safetensors header) suggests."""
    said = {str(key): value for key, value in metadata.items() if isinstance(value, str)}
    base, is_anime = _base(said)
    return Suggestion(
        triggers=_triggers(said),
        author=_short(said.get("modelspec.author", "")),
        licence=_short(said.get("modelspec.license", "")),
        base=base,
        other_model=_other_model(said),
        is_anime=is_anime,
        v_prediction=said.get("ss_v_parameterization") == "True"
        or said.get("modelspec.prediction_type", "").startswith("v"),
    )


def split_triggers(typed: str) -> tuple[str, ...]:
    """Trigger words typed with commas, each once."""
    parts = (_short(part) for part in re.split(r"[,\uff0c\u3001\n]", typed))
    return tuple(dict.fromkeys(part for part in parts if part))


def _base(said: Mapping[str, str]) -> tuple[str, bool | None]:
    """The model's name, and whether it is an anime model."""
    named = [said.get(key, "") for key in ("ss_sd_model_name", "modelspec.merged_from")]
    file = re.split(r"[\\/]", named[0])[-1].removesuffix(".safetensors")
    text = " ".join([*named, said.get("ss_base_model_name", "")])
    for family, pattern in _FAMILIES:
        if re.search(pattern, text, re.IGNORECASE):
            return family, True
    if _PLAIN.search(text):
        return "SDXL 1.0", False
    return _short(file), None


def _other_model(said: Mapping[str, str]) -> str:
    for key in ("ss_base_model_version", "modelspec.architecture"):
        for model, pattern in _OTHER_MODELS:
            if re.search(pattern, said.get(key, ""), re.IGNORECASE):
                return model
    architecture = said.get("modelspec.architecture", "").partition("/")[0]
    return "" if _SDXL.search(architecture) else _short(architecture)


def _triggers(said: Mapping[str, str]) -> tuple[str, ...]:
    """The noted phrase, otherwise the rarest words that stand at all pictures of a set."""
    phrase = split_triggers(said.get("modelspec.trigger_phrase", ""))
    if phrase:
        return phrase[:_MAX_SUGGESTED]
    found: list[str] = []
    pictures = _pictures(said)
    for folder, tags in _tag_sets(said.get("ss_tag_frequency", "")).items():
        most = max(tags.values(), default=0)
        needed = pictures.get(folder, most)
        always = [tag for tag, count in tags.items() if count >= needed > 1 and tag not in _USUAL]
        found += [tag for tag in always if tag not in found]
    if len(found) > _MAX_SUGGESTED:  # a set of one subject; its name is what the folder is called
        named = [folder.replace("_", " ") for folder in _tag_sets(said["ss_tag_frequency"])]
        found = [tag for tag in found if any(tag in name or name in tag for name in named)]
    return tuple(found[:_MAX_SUGGESTED])


def _pictures(said: Mapping[str, str]) -> dict[str, int]:
    """How many pictures each set has."""
    folders = _object(said.get("ss_dataset_dirs", ""))
    counts = {_bare(name): _of(value, "img_count") for name, value in folders.items()}
    return {name: count for name, count in counts.items() if isinstance(count, int) and count > 0}


def _tag_sets(text: str) -> dict[str, Counter[str]]:
    """How often each tag is used, by set."""
    sets: dict[str, Counter[str]] = {}
    for name, tags in _object(text).items():
        if isinstance(tags, dict):
            counts = sets.setdefault(_bare(name), Counter())
            for tag, count in cast("dict[str, Any]", tags).items():
                plain = _short(tag.replace("_", " "))
                if plain and type(count) is int:
                    counts[plain] += count
    return sets


def _bare(folder: str) -> str:
    """`10_name` without its number of repeats."""
    match = _FOLDER.fullmatch(folder)
    return match[1] if match else folder


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _of(value: object, key: str) -> object:
    return cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None


def _short(text: str) -> str:
    """Without line breaks, control characters and what no prompt can contain."""
    plain = "".join(each if each.isprintable() else " " for each in text[: 4 * MAX_TEXT])
    return " ".join(plain.split())[:MAX_TEXT].strip()


def check_triggers(triggers: tuple[str, ...], most: int) -> tuple[str, ...]:
    """InputError if there are more than `most`."""
    if len(triggers) > most:
        raise InputError("lora_triggers", count=len(triggers), most=most)
    return triggers
