r"""Reads choices of a prompt: the syntax of A1111's extension Dynamic Prompts, without its Jinja.

`{red|blue}` is one of two; `{2$$a|b|c}` two of three, `{1-2$$ and $$a|b|c}` one or two with " and "
between; `{3::red|blue}` red three times as often; `__pose__` an entry of a list. All of them can be
inside each other. Braces without `|` or `$$` are none (they are emphasis elsewhere), nor are
escaped signs (`\{`), nor braces that are not closed or in a comment. A `|` in square brackets parts
no options: `{[cat|dog]|fox}` are two. Names may adjoin each other (`__a____b__`) and words of
languages without spaces, but no Latin letters (`snake__case__`). All signs may be full-width, as
keyboards for Japanese write them.
"""

import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

_TOKEN = re.compile(
    r"\\.|/\*.*?\*/|(?<!\$)\$\{|[{}|\[\]]"
    r"|(?:(?<![a-zA-Z0-9_/])(?:(?P<least>\d{1,3})(?:-(?P<most>\d{1,3}))?\$\$)?|(?P<joined>(?<=__)))"
    r"__(?P<name>[^\W_](?:[\w /*.-](?<!__)){0,60})__(?:(?![a-zA-Z0-9_])|(?=__[^\W_]))",
    re.DOTALL,
)
_HEAD = re.compile(
    r"\s*[@~!]?\s*(?=[\d-])(?P<least>\d{1,3})?(?P<range>-)?(?P<most>\d{1,3})?\$\$"
    r"(?:(?P<glue>[^$|{}]{0,20})\$\$)?"
)
_WEIGHT = re.compile(r"(?:/\*.*?\*/|[\s,])*+(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})::(?!.*::)", re.DOTALL)
_NARROW: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # ！ to ～, one for one
_DEFAULT_GLUE: Final = ", "
_ANY_NUMBER: Final = 999  # of options, as many as a head can ask for
_BLANKS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class Option:
    """One text of a choice. `weight` > 0. `key` compares it with others."""

    parts: "Template"
    weight: float
    key: str


@dataclass(frozen=True, slots=True)
class Choice:
    """`least` to `most` of `options`, with `glue` between. `typed` is how it was typed, `key` what
    tells it from others. `depth`: how many choices are inside each other, itself included."""

    options: tuple[Option, ...]
    least: int
    most: int
    glue: str
    typed: str
    key: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class ListName:
    """`__name__`: a choice among the entries of a list."""

    name: str
    typed: str
    least: int = 1
    most: int = 1
    glue: str = _DEFAULT_GLUE


Part: TypeAlias = str | Choice | ListName
Template: TypeAlias = tuple[Part, ...]


def plain(text: str) -> str:
    """`text` for comparison: case and spacing don't count."""
    return " ".join(text.casefold().split())


def list_key(name: str) -> str:
    """What names a list: `Hair Color`, `hair-color` and `hair_color` are one."""
    return _BLANKS.sub("_", name.strip().casefold())


def depth_of(template: Template) -> int:
    """How many of its choices are inside each other, without those of lists."""
    return max((each.depth for each in template if isinstance(each, Choice)), default=0)


@dataclass(slots=True)
class _Group:
    """An open brace: where it is, how it was typed, its finished options with the sign behind each,
    the parts of the one being read, and how many options were finished at each open square bracket.
    """

    start: int
    sign: str = ""
    done: list[list[Part]] = field(default_factory=list[list[Part]])
    signs: list[str] = field(default_factory=list[str])
    parts: list[Part] = field(default_factory=list[Part])
    squares: list[int] = field(default_factory=list[int])

    def end_option(self, sign: str) -> None:
        """Begin the next option."""
        self.done.append(self.parts)
        self.signs.append(sign)
        self.parts = []

    def close_square(self) -> None:
        """Make what is in the last open square bracket a part of one option."""
        first = self.squares.pop() if self.squares else len(self.done)
        self.parts = self._parts_from(first)
        self.done, self.signs = self.done[:first], self.signs[:first]

    def all_parts(self) -> list[Part]:
        """What is in it, if it turns out to be no choice."""
        return [self.sign, *self._parts_from(0)]

    def _parts_from(self, first: int) -> list[Part]:
        found: list[Part] = []
        for each, sign in zip(self.done[first:], self.signs[first:], strict=True):
            found += [*each, sign]
        return [*found, *self.parts] if found else self.parts


def read_template(text: str) -> Template:
    """The parts of `text`, whose typed forms make it up again. Takes linear time; never fails."""
    stack = [_Group(0)]
    at = 0
    for match in _TOKEN.finditer(text.translate(_NARROW)):
        group, typed = stack[-1], text[match.start() : match.end()]
        follows = at == match.start()
        group.parts.append(text[at : match.start()])
        at = match.end()
        sign = match[0]
        if sign == "{":
            stack.append(_Group(match.start(), typed))
        elif sign == "|" and len(stack) > 1:
            group.end_option(typed)
        elif sign == "}" and len(stack) > 1:
            stack.pop()
            stack[-1].parts += _closed(group, text[group.start : at])
        elif match["name"] is not None and (follows or match["joined"] is None):
            group.parts.append(_list_name(match, typed))
        else:
            if sign == "[":
                group.squares.append(len(group.done))
            group.parts.append(typed)
            if sign == "]":
                group.close_square()
    stack[-1].parts.append(text[at:])
    opened: list[Part] = []
    for group in stack[1:]:
        opened += group.all_parts()
    return _joined([*stack[0].parts, *opened])


def _list_name(match: "re.Match[str]", typed: str) -> ListName:
    least = int(match["least"] or 1)
    most = int(match["most"] or least)
    return ListName(list_key(match["name"]), typed, min(least, most), max(least, most))


def _closed(group: _Group, typed: str) -> list[Part]:
    """The choice that the group is, or its parts as text."""
    options = [*group.done, group.parts]
    options[0] = list(_joined(_without_amount(options[0])))
    first = options[0][0] if options[0] else ""
    head = _HEAD.match(first.translate(_NARROW)) if isinstance(first, str) else None
    if head is None and len(options) == 1:
        return [*group.all_parts(), typed[-1]]
    if head is not None:
        options[0] = [str(first)[head.end() :], *options[0][1:]]
    found = [_option(parts) for parts in options]
    weighted = tuple(each for each in found if each.weight > 0)
    made = weighted or tuple(Option(each.parts, 1, each.key) for each in found)
    least, most, glue = _amount(head, len(made))
    only = made[0].parts
    if len(made) == 1 and len(only) == 1 and isinstance(only[0], ListName):  # `{2$$__hair__}`
        least, most, glue = _amount(head, _ANY_NUMBER)
        return [ListName(only[0].name, typed, least, most, glue)]
    depth = 1 + max(depth_of(each.parts) for each in made)
    return [Choice(made, least, most, glue, typed, plain(typed), depth)]


def _without_amount(parts: list[Part]) -> list[Part]:
    """`2$$` of `{2$$__hair__|hat}` as a text of its own: it belongs to the brace."""
    found = [part for part in parts if part]
    if not found or not isinstance(found[0], ListName):
        return found
    amount, sign, name = found[0].typed.translate(_NARROW).partition("$$")
    if not sign:
        return found
    return [f"{amount}$$", ListName(found[0].name, name), *found[1:]]


def _amount(head: "re.Match[str] | None", options: int) -> tuple[int, int, str]:
    """How many are chosen at least and at most, and what is between them."""
    if head is None:
        return 1, 1, _DEFAULT_GLUE
    low = int(head["least"] or (1 if head["range"] else 0))
    high = int(head["most"] or (options if head["range"] else low))
    low, high = sorted((low, high))
    glue = _DEFAULT_GLUE if head["glue"] is None else head["glue"]
    return min(low, options), min(high, options), glue


def _option(parts: list[Part]) -> Option:
    weight = 1.0
    made = list(_joined(parts))
    first = made[0] if made else ""
    said = _WEIGHT.match(first.translate(_NARROW)) if isinstance(first, str) else None
    if said is not None:
        weight, made = float(said[1]), [str(first)[said.end() :], *made[1:]]
    if made and isinstance(made[0], str):
        made[0] = made[0].lstrip()
    if made and isinstance(made[-1], str):
        made[-1] = made[-1].rstrip()
    kept = _joined(made)
    return Option(kept, weight, plain("".join(map(typed_of, kept))))


def typed_of(part: Part) -> str:
    """How a part was typed."""
    return part if isinstance(part, str) else part.typed


def _joined(parts: list[Part]) -> Template:
    """`parts` with adjacent texts made one, without empty ones."""
    joined: list[Part] = []
    run: list[str] = []
    for part in parts:
        if isinstance(part, str):
            run.append(part)
            continue
        if any(run):
            joined.append("".join(run))
        run = []
        joined.append(part)
    if any(run):
        joined.append("".join(run))
    return tuple(joined)
