"""Names of LoRAs: what people type, what `<lora:NAME:0.8>` can hold, and safe names of files.

Pure. Two names are the same if their keys are: neither case nor full width distinguishes them.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from pipeline.errors import InputError

MAX_NAME: Final = 50  # characters; with four bytes each and an ending, below a file name's 255

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*,\uff1a\uff1c\uff1e\uff0c\u3001\x00-\x1f\x7f]')
"""Not possible in `<lora:NAME:0.8>`, in several names separated by commas, or in a file's name."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Devices of Windows: no file can have such a name there."""
_NEAREST: Final = 3


def key_of(name: str) -> str:
    """What distinguishes names."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", plain).split())


def check_name(name: str) -> str:
    """The name as it is stored. InputError `lora_name` says what is wrong with it."""
    stored = unicodedata.normalize("NFC", name)
    problem = _problem(stored)
    if problem:
        raise InputError("lora_name", typed=_shown(name), problem=problem, most=MAX_NAME)
    return stored


def name_from(stem: str) -> str:
    """A name that can be used, made from a file's. InputError `lora_name` if nothing is left."""
    plain = unicodedata.normalize("NFC", stem)
    plain = "".join("_" if _is_unseen(each) else each for each in _FORBIDDEN.sub("_", plain))
    plain = " ".join(plain.replace(" --", " ").split()).lstrip(".- ")[: MAX_NAME - 1].rstrip(". ")
    return check_name(f"_{plain}" if _RESERVED.fullmatch(plain) else plain)


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """At most three of `known` that look like `name`, the most similar first."""
    wanted = key_of(name[: 2 * MAX_NAME])
    by_key = {key_of(each): each for each in known}
    found: Sequence[str] = [key for key in by_key if len(wanted) > 2 and wanted in key]
    found = [*found, *difflib.get_close_matches(wanted, by_key, n=_NEAREST, cutoff=0.5)]
    return [by_key[key] for key in dict.fromkeys(found)][:_NEAREST]


def _problem(name: str) -> str:
    """What is wrong with a name, in a few words; empty if nothing is."""
    if not key_of(name):
        return "it is empty"
    if len(name) > MAX_NAME:
        return f"it has {len(name)} characters"
    wrong = _FORBIDDEN.search(name)
    if wrong is not None:
        return f"it has {wrong[0]!r}"
    if any(_is_unseen(each) for each in name):
        return "it has characters that can't be seen"
    if name != name.strip() or "  " in name:
        return "it has spaces at an end or in a row"
    if " --" in name:
        return "it has two dashes after a space, as flags of a prompt do"
    if name[0] in ".-" or name[-1] == ".":
        return "it begins with a dot or a dash, or ends with a dot"
    if _RESERVED.fullmatch(name):
        return "Windows reserves it for a device"
    return ""


def _is_unseen(character: str) -> bool:
    """Control and formatting characters, lone surrogates, and spaces other than the plain one."""
    category = unicodedata.category(character)
    return category[0] == "C" or (category[0] == "Z" and character != " ")


def _shown(name: str) -> str:
    return repr(name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}...")
