"""A prompt cut at its top-level commas: pieces that can move without changing what they mean."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.prompt.schedule import changes
from pipeline.prompt.tags import plain_tags, tag_key

BREAK: Final = "BREAK"
_TOKEN = re.compile(
    r"(?P<skip>\\[()\[\]\\]?)"
    r"|(?P<open>[(\[])"
    r"|(?P<close>[)\]])"
    r"|(?P<break>\bBREAK\b)"
    r"|(?P<comma>,)"
)
_OPENED_BY: Final = {")": "(", "]": "["}
_CLOSED_BY: Final = {"(": ")", "[": "]"}
_NO_DEPTH: Final = {"(": 0, "[": 0}


@dataclass(frozen=True, slots=True)
class Piece:
    """Text between two top-level commas, brackets balanced. `key` compares, see `tag_key`."""

    text: str
    key: str

    @property
    def is_break(self) -> bool:
        return self.text == BREAK

    @property
    def holds_break(self) -> bool:
        """Whether it contains a BREAK, alone or inside brackets."""
        return self.is_break or re.search(r"\bBREAK\b", self.text) is not None

    @property
    def changes(self) -> bool:
        """Whether it has more than one text, see `pipeline.prompt.schedule`."""
        return changes(self.text)

    @property
    def is_weighted(self) -> bool:
        return self.text.startswith(("(", "["))


def piece(text: str) -> Piece:
    """One piece from its text. One that changes while it is drawn equals only itself."""
    return Piece(text, text if changes(text) else tag_key(text))


def split_pieces(prompt: str) -> list[Piece]:
    """The pieces of `prompt` in order, each BREAK outside brackets a piece of its own.

    Brackets left open are closed at the end, which is how far A1111 lets them reach; pieces without
    any word (`()`, blanks) are left out.
    """
    closed = close_brackets(prompt)
    cuts: list[str] = []
    start = 0
    for match, depth in _signs(closed):
        if match.lastgroup in {"comma", "break"} and not any(depth.values()):
            cuts.append(closed[start : match.start()])
            if match.lastgroup == "break":
                cuts.append(BREAK)
            start = match.end()
    cuts.append(closed[start:])
    stripped = (_without_dangling(text.strip()).strip() for text in cuts)
    return [piece(text) for text in stripped if text == BREAK or plain_tags(text)]


def close_brackets(prompt: str) -> str:
    """`prompt` with its open brackets closed, so that text added later is not inside them. A
    backslash at the end, which A1111 drops, is removed too: it would escape what follows.
    """
    depths = [depth for _, depth in _signs(prompt)]
    depth = depths[-1] if depths else _NO_DEPTH
    return _without_dangling(prompt) + "".join(
        _CLOSED_BY[sign] * count for sign, count in depth.items()
    )


def first_pieces(prompt: str, length: int) -> str:
    """`prompt`, or as many of its first tags as fit into `length` characters, no bracket cut open.

    The cut is inside a bracket only if that spans more than half of it.
    """
    if len(prompt) <= length:
        return prompt
    head = prompt[:length]
    end = 0
    for match, depth in _signs(head):
        if match.lastgroup == "comma" and not any(depth.values()):
            end = match.start()
    return head[:end] if end > length // 2 else head.rpartition(",")[0] or head


def _signs(prompt: str) -> Iterator[tuple["re.Match[str]", dict[str, int]]]:
    """Each relevant character, with the number of brackets of each kind open after it."""
    depth = dict(_NO_DEPTH)
    for match in _TOKEN.finditer(prompt):
        if match.lastgroup == "open":
            depth[match[0]] += 1
        elif match.lastgroup == "close":
            opened = _OPENED_BY[match[0]]
            depth[opened] = max(0, depth[opened] - 1)
        yield match, depth


def _without_dangling(text: str) -> str:
    """`text` without a lone backslash at its end."""
    return text[:-1] if (len(text) - len(text.rstrip("\\"))) % 2 else text


def join_pieces(pieces: list[Piece]) -> str:
    """The prompt that `pieces` spell, BREAK without commas around it."""
    joined = ""
    for index, each in enumerate(pieces):
        glue = " " if each.is_break or (index and pieces[index - 1].is_break) else ", "
        joined += (glue if index else "") + each.text
    return joined
