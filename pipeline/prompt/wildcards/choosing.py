"""Chooses: which text a seed gives at a place of a prompt.

Every option gets a number from the seed, its place and its own text, and the smallest number wins.
A place is what was typed there and how often the same was typed before. So a choice stays the same
when anything else in the prompt changes, and mostly also when an option is added to it.
"""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from difflib import get_close_matches
from hashlib import blake2b
from typing import Final, NamedTuple

from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import InputError
from pipeline.prompt.wildcards.grammar import (
    Choice,
    ListName,
    Option,
    Template,
    plain,
    read_template,
)

MAX_DEPTH: Final = 8
"""Choices inside each other, those of lists included."""
MAX_WORK: Final = 100_000
"""Options that are looked at for one text."""

_SIMILAR: Final = 3

Lists = Mapping[str, Sequence[str]]
"""The entries of each list, by `list_key` of its name."""


class ChoiceLists:
    """Lists, each read when it is first named. `lists` may be large. As lists name lists again and
    again, `texts` and `balanced` keep what `pipeline.prompt.wildcards.possible` finds out about
    each of them."""

    def __init__(self, lists: Lists) -> None:
        self.texts: dict[Hashable, list[str] | None] = {}
        self.balanced: dict[str, bool] = {}
        self._lists = lists
        self._options: dict[str, tuple[Option, ...]] = {}

    def choice(self, named: ListName) -> Choice:
        """The choice that a name stands for. InputError `wildcard_unknown`, `wildcard_similar`."""
        options = self._options.get(named.name)
        if options is None:
            entries = self._lists.get(named.name)
            if not entries:
                raise self.unknown(named.name)
            options = self._options[named.name] = tuple(map(_entry, entries))
        least, most = min(named.least, len(options)), min(named.most, len(options))
        return Choice(options, least, most, named.glue, named.typed, f"__{named.name}__")

    def unknown(self, name: str) -> InputError:
        """The error for a name that none of them has; names those that are like it."""
        similar = get_close_matches(name, self._lists, n=_SIMILAR, cutoff=0.5)
        shown = name[:60].replace("`", "'")
        if not similar:
            return InputError("wildcard_unknown", name=shown)
        return InputError("wildcard_similar", name=shown, similar=", ".join(similar))

    def as_choice(self, part: Choice | ListName) -> Choice:
        """A part of a template as a choice."""
        return self.choice(part) if isinstance(part, ListName) else part


def _entry(text: str) -> Option:
    """An entry of a list, `3::red` with a weight."""
    read = read_template("{" + text + "|}")
    if len(read) == 1 and isinstance(read[0], Choice) and len(read[0].options) == 2:
        return read[0].options[0]
    return Option((text,), 1.0, plain(text))


def check(template: Template, lists: ChoiceLists, *, longest: int) -> int:
    """The most characters that a text chosen from `template` can have.

    InputError `wildcard_unknown`, `wildcard_similar`, `wildcard_loop` for a list that names itself,
    `choices_deep`, `choices_many`, and `choices_long` above `longest`: found before anything is
    chosen, so that a request is refused for every seed or for none.
    """
    length, work = _Checker(lists).sizes(template, ())
    if work > MAX_WORK:
        raise InputError("choices_many")
    if length > longest:
        raise InputError("choices_long", limit=MAX_PROMPT_CHARACTERS)
    return length


class _Checker:
    """Walks every list once, whatever names it how often."""

    def __init__(self, lists: ChoiceLists) -> None:
        self._lists = lists
        self._known: dict[tuple[str, int, int, str], tuple[int, int, int]] = {}

    def sizes(self, template: Template, inside: tuple[str, ...]) -> tuple[int, int]:
        """The longest text, and the most options looked at. `inside`: the choices around it, lists
        by name."""
        length, work, _ = self._sizes(template, inside)
        return length, work

    def _sizes(self, template: Template, inside: tuple[str, ...]) -> tuple[int, int, int]:
        length = work = depth = 0
        for part in template:
            if isinstance(part, str):
                length += len(part)
                continue
            found = self._of(part, inside)
            length, work, depth = length + found[0], work + found[1], max(depth, found[2])
        if len(inside) + depth > MAX_DEPTH:
            raise InputError("choices_deep", limit=MAX_DEPTH)
        return length, work, depth

    def _of(self, part: Choice | ListName, inside: tuple[str, ...]) -> tuple[int, int, int]:
        name = part.name if isinstance(part, ListName) else ""
        if name and name in inside:
            raise InputError("wildcard_loop", name=name)
        if len(inside) >= MAX_DEPTH:
            raise InputError("choices_deep", limit=MAX_DEPTH)
        key = (name, part.least, part.most, part.glue)
        if name and key in self._known:
            found = self._known[key]
            if len(inside) + found[2] > MAX_DEPTH:
                raise InputError("choices_deep", limit=MAX_DEPTH)
            return found
        choice = self._lists.as_choice(part)
        sizes = [self._sizes(each.parts, (*inside, name)) for each in choice.options]
        longest = max(length for length, _, _ in sizes)
        made = (
            choice.most * longest + max(0, choice.most - 1) * len(choice.glue),
            len(sizes) + choice.most * max(work for _, work, _ in sizes),
            1 + max(depth for _, _, depth in sizes),
        )
        if name:
            self._known[key] = made
        return made


class Picked(NamedTuple):
    """A text without choices, and what each of its choices became, in order."""

    text: str
    words: tuple[str, ...]


def choose(template: Template, lists: ChoiceLists, *, seed: int, place: str = "") -> Picked:
    """What `seed` gives, of a template that `check` accepts. `place` tells texts apart that should
    choose differently."""
    texts = _chosen(template, lists, _digest(str(seed), place))
    pairs = zip(template, texts, strict=True)
    words = tuple(text.strip() for part, text in pairs if not isinstance(part, str))
    return Picked("".join(texts), words)


def _chosen(template: Template, lists: ChoiceLists, place: bytes) -> list[str]:
    before = Counter[str]()
    texts: list[str] = []
    for part in template:
        if isinstance(part, str):
            texts.append(part)
            continue
        choice = lists.as_choice(part)
        before[choice.key] += 1
        texts.append(_picked(choice, lists, _digest(place, choice.key, str(before[choice.key]))))
    return texts


def _picked(choice: Choice, lists: ChoiceLists, place: bytes) -> str:
    ranked: list[tuple[float, int]] = []
    before = Counter[str]()
    for index, option in enumerate(choice.options):
        before[option.key] += 1
        ranked.append((_rank(place, option, before[option.key]), index))
    spread = choice.most - choice.least + 1
    wanted = choice.least + (int(_share(place, "amount") * spread) if spread > 1 else 0)
    texts: list[str] = []
    for _, index in sorted(ranked)[:wanted]:
        option = choice.options[index]
        texts.append("".join(_chosen(option.parts, lists, _digest(place, "option", option.key))))
    return choice.glue.join(texts)


def _rank(place: bytes, option: Option, number: int) -> float:
    """Smaller for heavier options: the chance to be the smallest is in proportion to the weight."""
    return -math.log(_share(place, "rank", option.key, str(number))) / option.weight


def _share(*named: bytes | str) -> float:
    """A number in (0, 1), evenly distributed."""
    return (int.from_bytes(_digest(*named)[:6]) + 0.5) / 2**48


def _digest(*named: bytes | str) -> bytes:
    made = blake2b(digest_size=16)
    for each in named:
        data = each.encode() if isinstance(each, str) else each
        made.update(len(data).to_bytes(4) + data)
    return made.digest()
