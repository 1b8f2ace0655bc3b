"""Brackets of all programs, read from the inside out and written in A1111's syntax."""

import re
from collections import Counter
from typing import Final

from pipeline.hints import HintKind, Hints
from pipeline.prompt.foreign import read_rest, signs_weight
from pipeline.prompt.misweights import (
    bare_weight,
    first_early,
    looks_weighted,
    split_early,
    weigh,
)
from pipeline.prompt.placeholders import Placeholders
from pipeline.prompt.read_schedule import escaped, read_schedule

_OPENED_BY: Final = {")": "(", "]": "[", "}": "{"}
_SIGN = re.compile(r"[()\[\]{}]")
_COUNT = re.compile(r"\s*[@~!]?(?:(\d++)?(?:-\d*+)?\$\$)?(?:([^$|{}]{0,20})\$\$)?")
_CHANCE = re.compile(r"(?:(?<!\s)\s+)?(?:(?<!\d)\d++(?:\.\d*+)?|\.\d++)::")
_GROUP_END: Final = r"(?=\s*(?:[,)\]}|]|\Z))"
_SUFFIX = re.compile(
    rf"(\++|-+)(?=\s|[,)\]}}|]|\Z)|(\d+\.\d+|\.\d+)(?=\s|[,)\]}}|]|\Z)|(\d){_GROUP_END}"
)
_LAST_PIECE = re.compile(r",|\bBREAK\b")
_BEFORE_A_CLOSING = re.compile(  # `16:9)` and `:3)` are none
    r"(?:[^\s\d:;][:;]\s*[+-]?\d+|[^:;][:;]\s*[+-]?\d*[.,]\d+)\s*\Z"
)
_LONGEST_WEIGHT: Final = 20
_ENDS_LIKE_A_WEIGHT = re.compile(r":\s*[+-]?[.\d]+\Z")
_EMPHASIS: Final = "1.1"
_NOVELAI_EMPHASIS: Final = "1.05"
_MAX_ALONE: Final = 20  # brackets alone whose weight is looked for: each reads to the end


class GroupReader:
    """One prompt whose names are already placeholders."""

    def __init__(self, placeholders: Placeholders, hints: Hints) -> None:
        self._placeholders = placeholders
        self._hints = hints
        self._stack: list[tuple[str, list[str]]] = []
        self._parts: list[str] = []
        self._open = Counter[str]()
        self._left = _MAX_ALONE

    def read(self, text: str) -> str:
        at = 0
        while (match := _SIGN.search(text, at)) is not None:
            self._parts.append(text[at : match.start()])
            at = match.end()
            sign = match[0]
            if sign in "([{":
                self._stack.append((sign, self._parts))
                self._open[sign] += 1
                self._parts = []
            elif self._open[_OPENED_BY[sign]]:
                at = self._close(sign, text, at)
            elif sign == "]" and self._is_mistyped():
                at = self._close(")", text, at)
            elif sign != "}" and not self._never_opened(sign):
                self._parts.append(sign)  # an unmatched one is text, as in A1111
        self._parts.append(text[at:])
        while self._stack:
            self._leave_open(at_end=True)
        return self._top("".join(self._parts))

    def _close(self, sign: str, text: str, at: int) -> int:
        """Close the group that `sign` ends; returns where to continue reading."""
        while self._stack[-1][0] != _OPENED_BY[sign]:
            self._leave_open(at_end=False)  # brackets that cross stay as they are
        opened, outer = self._pop()
        content = "".join(self._parts)
        suffix = _SUFFIX.match(text, at) if opened == "(" else None
        typed = f"{opened}{content}{sign}"
        if opened == "(":
            made = self._round(content, typed, suffix)
        else:
            made = self._square(content, typed) if opened == "[" else self._curly(content, typed)
        if suffix is not None:
            typed += suffix[0]
            at = suffix.end()
        outer.append(made and self._placeholders.put(made, typed))
        self._parts = outer
        return at

    def _pop(self) -> tuple[str, list[str]]:
        opened, outer = self._stack.pop()
        self._open[opened] -= 1
        return opened, outer

    def _leave_open(self, *, at_end: bool) -> None:
        opened, outer = self._pop()
        content = "".join(self._parts)
        if opened != "{" and at_end and self._left > 0:
            self._left -= 1
            content = self._open_round(content) if opened == "(" else self._open_square(content)
        elif opened != "{":
            content = opened + content
        outer.append(content)
        self._parts = outer

    def _is_mistyped(self) -> bool:
        """Whether a square bracket ends `(smile:1.2]`."""
        content = "".join(self._parts)
        self._parts = [content]
        start = max(0, len(content) - _LONGEST_WEIGHT)
        if not self._stack or self._stack[-1][0] != "(":
            return False
        if _BEFORE_A_CLOSING.search(content, start) is None:
            return False
        self._tell(HintKind.WEIGHT_READ, f"({content}]", f"({content})")
        return True

    def _never_opened(self, sign: str) -> bool:
        """Read `hat, smile:1.2)` as `hat, (smile:1.2)`; False if there is no weight."""
        content = "".join(self._parts)
        self._parts = [content]
        end = _BEFORE_A_CLOSING.search(content, max(0, len(content) - _LONGEST_WEIGHT))
        if end is None or self._left <= 0:
            return False
        self._left -= 1
        before = content[: end.start() + 1]
        piece = content[len(before) - len(_LAST_PIECE.split(before)[-1]) :].lstrip()
        words, number, _ = weigh(piece)
        if not words.strip() or not number:
            return False
        made, kind = f"({words}:{number})", HintKind.WEIGHT_READ
        found = read_schedule(piece, self._words) if sign == "]" and ":" in words else None
        if found is not None:
            made, kind = found.text, HintKind.EDITING
        self._tell(kind, piece + sign, made)
        self._parts = [content.removesuffix(piece), self._placeholders.put(made, piece + sign)]
        return True

    def _open_square(self, content: str) -> str:
        """The same of `[a:b:0.5` and `[smile:1.2`: to the end of the tag."""
        head, comma, after = content.partition(",")
        found = None if "|" in head else read_schedule(head, self._words)
        if found is None:
            return "[" + content
        used = found.text
        self._tell(HintKind.EDITING, "[" + head, used)
        return (used and self._placeholders.put(used, "[" + head)) + comma + after

    def _open_round(self, content: str) -> str:
        """An unclosed bracket: to the end as in A1111, unless a weight shows where it ends."""
        typed = "(" + content
        if ":" not in content and ";" not in content:
            return typed
        found = first_early(content)
        if found is not None:
            group, after = found
            self._tell(HintKind.WEIGHT_READ, typed, group + after)
            return self._placeholders.put(group, "(" + content[: len(content) - len(after)]) + after
        words, number, kind = weigh(content)
        if not words.strip(" ,") or not (number or kind):
            return typed
        made = f"({words}:{number})" if number else f"({words})"
        self._tell(kind or HintKind.WEIGHT_READ, typed, made)
        return self._placeholders.put(made, typed)

    def _round(self, content: str, typed: str, suffix: "re.Match[str] | None") -> str:
        words, number, kind = weigh(read_rest(content, self._placeholders, self._hints))
        if not words.strip(" ,"):
            return ""
        groups = split_early(words, number)
        if groups:
            used = ", ".join(groups)
            self._tell(HintKind.WEIGHT_READ, typed, used)
            return used
        if suffix is not None:
            number = _with_suffix(number, suffix)
        if kind is None and not number:
            self._tell_words(words)
        last = self._placeholders.at(words.rstrip()[-1:])
        if not number and last is not None and _ENDS_LIKE_A_WEIGHT.search(last.text):
            number = _EMPHASIS  # `(:3)` is a face, and A1111 would read a weight
        made = f"({words}:{number})" if number else f"({words})"
        if kind is not None:
            self._tell(kind, typed, made)
        return made

    def _square(self, content: str, typed: str) -> str:
        found = read_schedule(content, self._words)
        if found is not None:
            if found.kind is not None:
                self._tell(found.kind, typed, found.text)
            return found.text
        words, number, kind = weigh(read_rest(content, self._placeholders, self._hints))
        if not words.strip(" ,"):
            return ""
        if number:
            kind = HintKind.WEIGHT_READ  # square brackets take no weight
        if kind is not None:
            self._tell(kind, typed, f"[{words}]")
        return f"[{words}]"

    def _curly(self, content: str, typed: str) -> str:
        if "|" in content or "$$" in content:
            glue, options = _first_variants(content)
            used = glue.join(map(self._bare, options))
            self._tell(HintKind.VARIANTS, typed, used)
            return used
        if not content.strip(" ,"):
            return ""
        words, number, kind = weigh(content)
        if number or kind is not None:
            if words.rstrip().endswith('"'):  # JSON
                self._tell(HintKind.WEIGHT_WORD, typed, "")
                return f"({content})".replace(":", " ")
            return self._round(content, typed, None)
        self._tell_words(content)
        return f"({read_rest(content, self._placeholders, self._hints)}:{_NOVELAI_EMPHASIS})"

    def _words(self, text: str) -> str:
        """One text of a schedule."""
        read = self._bare(read_rest(text, self._placeholders, self._hints))
        return "".join(self._escaped(letter) for letter in escaped(read))

    def _escaped(self, letter: str) -> str:
        """A name in a schedule: `:d` would end its text."""
        part = self._placeholders.at(letter)
        if part is None or part.text[:1] in "([" or (text := escaped(part.text)) == part.text:
            return letter
        return self._placeholders.put(text, part.typed)

    def _tell(self, kind: HintKind, typed: str, used: str) -> None:
        if kind is HintKind.WEIGHT_WORD:
            used = ""  # drawn as typed
        if not self._hints.are_full:
            self._hints.add(kind, self._placeholders.typed(typed), self._placeholders.typed(used))

    def _top(self, text: str) -> str:
        pieces = re.split(r"(,|\bBREAK\b)", read_rest(text, self._placeholders, self._hints))
        return "".join(map(self._bare, pieces))

    def _tell_words(self, words: str) -> None:
        """Report what looks like a weight but is where none is read."""
        for piece in words.split(","):
            if looks_weighted(piece):
                self._tell(HintKind.WEIGHT_WORD, piece, "")

    def _bare(self, piece: str) -> str:
        found = bare_weight(piece)
        if found is None:
            self._tell_words(piece)
            return piece
        used = f"({found.words}:{found.number})"
        self._tell(HintKind.WEIGHT_READ, piece, used)
        return piece[: len(piece) - len(piece.lstrip())] + used


def _with_suffix(number: str, suffix: "re.Match[str]") -> str:
    """InvokeAI's `(a)++` and `(a)1.2`, in addition to the weight inside the bracket."""
    after = signs_weight(suffix[1]) if suffix[1] else suffix[2] or suffix[3]
    return f"{float(number) * float(after):.4g}" if number else after


def _first_variants(content: str) -> tuple[str, list[str]]:
    """The first of `{a|b}`, or the minimum number of `{2$$a|b|c}`; and their separator."""
    count = _COUNT.match(content)
    assert count is not None, "matches everything"
    least, glue = count.groups()
    wanted = int((least or "1")[:3]) or 1
    options = [_CHANCE.sub("", each).strip() for each in content[count.end() :].split("|")]
    return glue or ", ", [each for each in options if each][:wanted]
