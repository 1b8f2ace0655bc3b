r"""Finds tags that contain characters of the weight syntax, wherever they occur.

`(ganyu_(genshin_impact):1.2)`, `[:d]`, `smile, \m/`: characters of a known tag are no syntax.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from pipeline.prompt.faces import FACES
from pipeline.prompt.placeholders import Placeholders
from pipeline.prompt.weights import KAOMOJI

IsKnown = Callable[[str], bool]
"""Whether a text is a tag's name, however it is spelled."""

_MAX_NAME: Final = 120  # characters; the longest of Danbooru's has 111
_MAX_TRIES: Final = 10_000  # look-ups per prompt: several times what the longest needs
_START = re.compile(r"(?:^|(?<=[\s,(\[{|]))(?=[^\s,])|(?<=:)(?=[^\s,:])")
_ESCAPE = re.compile(r"\\([()\[\]\\{}|<>])")
_SIGN = re.compile(r"[^\w\s]|_")
_BARE_WEIGHT = re.compile(r":\d+(?:\.\d*)?\Z")
_SPECIAL = re.compile(r"[()\[\]\\]")


def set_names_aside(text: str, is_known: IsKnown, placeholders: Placeholders) -> str:
    """`text` with placeholders for known names and escaped characters."""
    return _Finder(text, is_known, placeholders).read()


def escape_name(name: str) -> str:
    r"""A tag's own name as prompt text: `\m/` -> `\\m/`, `fox_(animal)` -> `fox \(animal\)`."""
    words = name if name.casefold() in KAOMOJI else name.replace("_", " ")
    return _SPECIAL.sub(lambda sign: "\\" + sign[0], words)


class _Finder:
    def __init__(self, text: str, is_known: IsKnown, placeholders: Placeholders) -> None:
        self._text = text
        self._is_known = is_known
        self._placeholders = placeholders
        self._left = _MAX_TRIES
        self._open = 0

    def read(self) -> str:
        text, parts, at = self._text, list[str](), 0
        starts = {match.start() for match in _START.finditer(text)}
        while at < len(text):
            found = self._name_at(at) if at in starts else None
            if found is not None:
                end, name = found
                typed = text[at:end]
                parts.append(self._placeholders.put(escape_name(name), typed))
                if self._closes_too(typed, end):
                    parts.append(")")
                    self._open -= 1
                at = end
            elif (escape := _ESCAPE.match(text, at)) is not None:
                parts.append(self._escaped(escape[0]))
                at = escape.end()
            else:
                self._open += (text[at] == "(") - (text[at] == ")" and self._open > 0)
                parts.append(text[at])
                at += 1
        return "".join(parts)

    def _escaped(self, typed: str) -> str:
        return self._placeholders.put(typed if typed[1] in "()[]\\" else typed[1], typed)

    def _closes_too(self, typed: str, end: int) -> bool:
        """Whether the bracket at an emoticon's end is needed as the end of a group: `(smile,
        :)`."""
        if not typed.endswith(")") or "(" in typed or not self._open:
            return False
        rest = self._text[end:]
        return rest.count(")") - rest.count("(") < self._open

    def _name_at(self, start: int) -> tuple[int, str] | None:
        """Where the longest known name that starts at `start` ends, and that name."""
        for end in self._ends(start):
            if self._left <= 0:
                return None
            typed = self._text[start:end]
            self._left -= 1
            if self._is_weight(start, typed):
                continue
            if (name := self._named(typed)) is not None:
                return end, name
        return None

    def _ends(self, start: int) -> Iterator[int]:
        """Where a name with a syntax character that starts at `start` may end, farthest first."""
        text = self._text
        stop = text.find(",", start, start + _MAX_NAME)
        stop = min(start + _MAX_NAME, len(text)) if stop < 0 else stop
        sign = _SIGN.search(text, start, stop)
        for end in range(stop, stop if sign is None else sign.start(), -1):
            if text[end - 1].isspace():
                continue
            if end == len(text) or not (text[end].isalnum() or text[end] == "_"):
                yield end

    def _is_weight(self, start: int, typed: str) -> bool:
        """`:3` is a face between commas, and a weight in `(smile :3)`."""
        return (
            start > 0
            and self._text[start - 1].isspace()
            and _BARE_WEIGHT.fullmatch(typed) is not None
            and self._text[:start].rstrip()[-1:] not in {"", ",", "(", "[", "{", "|"}
            and self._text[start + len(typed) :].lstrip()[:1] == ")"
        )

    def _named(self, typed: str) -> str | None:
        """The name that `typed` spells, whether its characters are escaped or not."""
        plain = "".join(_ESCAPE.split(typed)) if "\\" in typed else typed
        for name in (typed, plain):
            if name.casefold() in FACES:
                return name
        if typed[0] == "_" or typed[-1] == "_" or "__" in typed:
            return None  # underscores around a word are a wildcard's
        return plain.strip() if self._is_known(plain) else None
