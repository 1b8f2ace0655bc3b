"""Prompts that change while a picture is drawn, as A1111 reads them.

`[before:after:when]`, `[after:when]` and `[before::when]` change once, `[a|b|c]` changes at every
step; both may be nested. `when` is a step, or with a decimal point a share of the steps. Ours
alone: what is inside round brackets is never cut, so that `(artist:x:1.2)` may be in a schedule,
and a `|` outside of square brackets is text instead of the end of all schedules.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from pipeline.card import MAX_STEPS

MAX_TEXTS: Final = 16
"""Different texts of one prompt: each is encoded, and the rules read each."""

_TOKEN = re.compile(r"\\.|[\[\]():|]|[^\\\[\]():|]+|\\", re.DOTALL)
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_OPENED_BY: Final = {")": "(", "]": "["}
_REMEMBERED: Final = 256  # prompts


class Span(NamedTuple):
    """`text` is drawn up to step `end` (from 1), from the end of the span before."""

    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Switch:
    """`[before:after:when]`. `when` is a number as it was typed."""

    before: "_Nodes"
    after: "_Nodes"
    when: str

    def at(self, step: int, clock: "_Clock") -> "_Nodes":
        return self.before if step <= clock.step_of(self.when) else self.after


@dataclass(frozen=True, slots=True)
class _Cycle:
    """`[a|b]`."""

    options: "tuple[_Nodes, ...]"

    def at(self, step: int, _clock: "_Clock") -> "_Nodes":
        return self.options[(step - 1) % len(self.options)]


@dataclass(frozen=True, slots=True)
class _Group:
    """Text with brackets around it that have another meaning. `changes`: not the text inside."""

    nodes: "_Nodes"
    changes: bool

    @classmethod
    def of(cls, nodes: "_Nodes") -> "_Group":
        return cls(nodes, any(_changes(node) for node in nodes))

    def at(self, _step: int, _clock: "_Clock") -> "_Nodes":
        return self.nodes


_Node = str | _Switch | _Cycle | _Group
_Nodes = Sequence[_Node]


def _changes(node: _Node) -> bool:
    return node.changes if isinstance(node, _Group) else not isinstance(node, str)


@dataclass(frozen=True, slots=True)
class _Clock:
    """Converts moments to steps. `second_pass`: that of an enlarged picture, which A1111 counts on
    from the first one's steps: shares above 1 belong to it."""

    steps: int
    second_pass: bool

    def step_of(self, when: str) -> int:
        value = float(when)
        if "." in when:
            value = (value - self.second_pass) * self.steps
        elif self.second_pass:
            value -= self.steps
        return int(max(0.0, min(value, float(self.steps))))


@dataclass(frozen=True, slots=True)
class _Parsed:
    nodes: _Nodes
    moments: tuple[str, ...]
    cycles: bool

    @property
    def changes(self) -> bool:
        return self.cycles or bool(self.moments)


def _text(nodes: _Nodes, step: int, clock: _Clock) -> str:
    parts: list[str] = []
    waiting = [iter(nodes)]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
        elif isinstance(node, str):
            parts.append(node)
        else:
            waiting.append(iter(node.at(step, clock)))
    return "".join(parts)


def schedule(prompt: str, steps: int, *, second_pass: bool = False) -> tuple[Span, ...]:
    """What is drawn of `prompt` in which of `steps` steps, as A1111 lists it. Never fails: a
    bracket that is not understood is text. `second_pass`: see `_Clock`."""
    parsed, clock = _parse(prompt), _Clock(steps, second_pass)
    if not parsed.changes:
        return (Span(steps, prompt),)
    ends = {clock.step_of(when) for when in parsed.moments} - {0} | {steps}
    if parsed.cycles:
        ends |= set(range(1, steps + 1))
    return tuple(Span(end, _text(parsed.nodes, end, clock)) for end in sorted(ends))


def texts_by_step(prompt: str, steps: int, *, second_pass: bool = False) -> tuple[str, ...]:
    """The text of each of `steps` steps."""
    texts: list[str] = []
    for end, text in schedule(prompt, steps, second_pass=second_pass):
        texts += [text] * (end - len(texts))
    return tuple(texts)


def all_words(prompt: str) -> str:
    """Every tag that is drawn of `prompt` at any step, whatever their number: what changes is
    listed, separated by commas."""
    parsed, clock = _parse(prompt), _Clock(MAX_STEPS, second_pass=False)
    if not parsed.changes:
        return prompt
    listed: list[str] = []
    for piece in _pieces(parsed.nodes):
        steps = range(1, MAX_STEPS + 1) if any(map(_changes, piece)) else (1,)
        listed += dict.fromkeys(_text(piece, step, clock) for step in steps)
    return ",".join(listed)


def changes(prompt: str) -> bool:
    """Whether `prompt` has more than one text."""
    return _parse(prompt).changes


def _pieces(nodes: _Nodes) -> list[list[_Node]]:
    """`nodes` cut at the commas outside of brackets."""
    found: list[list[_Node]] = [[]]
    for node in nodes:
        for number, part in enumerate(node.split(",") if isinstance(node, str) else (node,)):
            if number > 0:
                found.append([])
            found[-1].append(part)
    return found


@lru_cache(_REMEMBERED)
def _parse(prompt: str) -> _Parsed:
    if "[" not in prompt or not (":" in prompt or "|" in prompt):
        return _Parsed((prompt,), (), cycles=False)
    return _Parser().read(prompt)


@dataclass(slots=True)
class _Open:
    """A bracket that is not closed yet: the texts between its separators, and those."""

    sign: str
    sections: list[list[_Node]]
    separators: list[str]
    crossed: bool = False

    def nodes(self) -> list[_Node]:
        """All of it as text, without its own brackets."""
        found = list(self.sections[0])
        for separator, section in zip(self.separators, self.sections[1:], strict=True):
            found += [separator, *section]
        return found


class _Parser:
    def __init__(self) -> None:
        self._stack = [_Open("", [[]], [])]
        self._moments: list[str] = []
        self._cycles = False

    def read(self, prompt: str) -> _Parsed:
        for match in _TOKEN.finditer(prompt):
            sign = match[0]
            if sign in "([":
                self._stack.append(_Open(sign, [[]], []))
            elif sign in ":|" and self._stack[-1].sign == "[":
                self._stack[-1].separators.append(sign)
                self._stack[-1].sections.append([])
            elif sign in ")]":
                self._close(sign)
            else:
                self._add(sign)
        while len(self._stack) > 1:
            left = self._stack.pop()
            self._add(_Group.of([left.sign, *left.nodes()]))
        return _Parsed(self._stack[0].nodes(), tuple(self._moments), self._cycles)

    def _add(self, node: _Node) -> None:
        self._stack[-1].sections[-1].append(node)

    def _close(self, sign: str) -> None:
        if self._stack[-1].sign != _OPENED_BY[sign]:
            self._stack[-1].crossed = True
            self._add(sign)
            return
        closed = self._stack.pop()
        found = self._changing(closed) if sign == "]" and not closed.crossed else None
        if found is None:
            self._stack[-1].crossed |= closed.crossed
            found = _Group.of([closed.sign, *closed.nodes(), sign])
        self._add(found)

    def _changing(self, closed: _Open) -> _Switch | _Cycle | None:
        """What square brackets mean; None if they only weigh."""
        if not closed.separators:
            return None
        if ":" not in closed.separators:
            self._cycles = True
            return _Cycle(tuple(closed.sections))
        last = closed.sections[-1]
        number = _NUMBER.fullmatch(last[0]) if len(last) == 1 and isinstance(last[0], str) else None
        if number is None or closed.separators[-1] != ":":
            return None
        sections = _joined(closed.sections[:-1], closed.separators[:-1])
        if len(sections) > 2:
            return None
        self._moments.append(number[1])
        before = sections[0] if len(sections) == 2 else ()
        return _Switch(before, sections[-1], number[1])


def _joined(sections: list[list[_Node]], separators: list[str]) -> list[list[_Node]]:
    """`sections` between colons; a `|` among them is text."""
    found = [sections[0]]
    for separator, section in zip(separators, sections[1:], strict=True):
        if separator == ":":
            found.append(section)
        else:
            found[-1] = [*found[-1], separator, *section]
    return found
