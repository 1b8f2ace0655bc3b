"""What can be chosen, for rules that see it before anything is drawn.

Few texts are listed. Of many, the tags are listed instead, each with every choice inside it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import permutations
from typing import Final

from pipeline.errors import InputError
from pipeline.prompt.wildcards.choosing import ChoiceLists
from pipeline.prompt.wildcards.grammar import Choice, ListName, Part, Template

MAX_OF_A_TAG: Final = 3000  # texts that one tag can be
MAX_CHARACTERS: Final = 80_000  # of all together: a second of checking
_REPEATED: Final = 8  # times that the same texts are looked at: `{9$$a|a|a|...}` never ends
WORD_PIECES: Final = 4  # adjacent tags that are read as one word, at most

_TAGS = re.compile(r"[,;、。，；､｡\n]")
_OPEN, _CLOSED = "([{<（［｛＜", ")]}>）］｝＞"
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_GLUE_APART = re.compile(r"\s*[,;、。，；､｡]\s*")


EndsWords = Callable[[str], bool]
"""Whether nothing that a rule names goes on from before a text to behind it."""


def never(_text: str) -> bool:
    """Used without rules."""
    return False


def possible_texts(template: Template, lists: ChoiceLists, *, most: int) -> list[str] | None:
    """Every text that can be chosen, each once; None if there are more than `most`, or most of them
    again and again."""
    found = [""]
    for part in template:
        texts = [part] if isinstance(part, str) else _texts_of(part, lists, most)
        if texts is None or len(found) * len(texts) > most:
            return None
        found = [before + text for before in found for text in texts]
    return list(dict.fromkeys(found))


def _texts_of(part: Choice | ListName, lists: ChoiceLists, most: int) -> list[str] | None:
    if isinstance(part, Choice):
        return _texts_of_choice(part, lists, most)
    key = (part.name, part.least, part.most, part.glue, most)
    if key not in lists.texts:
        lists.texts[key] = _texts_of_choice(lists.choice(part), lists, most)
    return lists.texts[key]


def _texts_of_choice(choice: Choice, lists: ChoiceLists, most: int) -> list[str] | None:
    options: list[list[str]] = []
    for option in choice.options:
        texts = possible_texts(option.parts, lists, most=most)
        if texts is None:
            return None
        options.append(texts)
    found: dict[str, None] = {}
    room = _REPEATED * most
    for amount in range(choice.least, choice.most + 1):
        for picked in permutations(options, amount):
            texts = [""]
            for index, each in enumerate(picked):
                if len(texts) * len(each) > most:
                    return None
                glue = choice.glue if index else ""
                texts = [before + glue + text for before in texts for text in each]
            found.update(dict.fromkeys(texts))
            room -= len(texts)
            if len(found) > most or room < 0:
                return None
    return list(found)


def possible_tags(
    template: Template, lists: ChoiceLists, ends_words: EndsWords = never
) -> list[list[str]]:
    """For each tag in order, every text that it can be; "" where it can be missing.

    A tag that can be too many is a sentence: it is cut where `ends_words`, with the text there on
    both sides. InputError `choices_unchecked` if there are still too many.
    """
    slots: list[list[str]] = []
    room = MAX_CHARACTERS
    for slot in _slots(_apart(template, lists), lists):
        whole = possible_texts(slot, lists, most=MAX_OF_A_TAG)
        for each in (slot,) if whole is not None else _sentence(slot, ends_words):
            texts = whole or possible_texts(each, lists, most=MAX_OF_A_TAG)
            room -= sum(map(len, texts or ()))
            if texts is None or room < 0:
                raise InputError("choices_unchecked")
            slots.append([text.strip() for text in texts])
    return slots


def _sentence(slot: Template, ends_words: EndsWords) -> Iterator[Template]:
    """The parts of a tag without brackets, cut where words end."""
    if any(sign in each for each in slot if isinstance(each, str) for sign in _OPEN + _CLOSED):
        yield slot
        return
    part: list[Part] = []
    for index, each in enumerate(slot):
        part.append(each)
        if 0 < index < len(slot) - 1 and isinstance(each, str) and ends_words(each):
            yield tuple(part)
            part = [each]
    yield tuple(part)


def _apart(template: Template, lists: ChoiceLists) -> Iterator[Part]:
    """The parts, with choices of several tags (`{2$$, $$a|b|c}`) as so many choices of one."""
    for part in template:
        choice = None if isinstance(part, str) else lists.as_choice(part)
        if choice is None or choice.most < 2 or not _GLUE_APART.fullmatch(choice.glue):
            yield part
            continue
        single = replace(choice, least=min(choice.least, 1), most=1)
        for index in range(min(choice.most, WORD_PIECES)):  # a word has no more pieces
            if index:
                yield ", "
            yield single if index < choice.least else replace(single, least=0)


def _slots(parts: Iterable[Part], lists: ChoiceLists) -> Iterator[Template]:
    """The parts of each tag: cut at commas that are in no brackets and in no choice. Where a choice
    has brackets that are closed outside it, everything after it is one tag."""
    slot: list[Part] = []
    depth = 0
    for part in parts:
        if not isinstance(part, str):
            slot.append(part)
            depth += 0 if _is_balanced(part, lists) else len(_OPEN) * 10**6
            continue
        plain, start = _ESCAPED.sub("  ", part), 0
        for at, sign in enumerate(plain):
            depth = max(0, depth + (sign in _OPEN) - (sign in _CLOSED))
            if depth == 0 and _TAGS.match(sign):
                yield (*slot, part[start:at])
                slot, start = [], at + 1
        slot.append(part[start:])
    yield tuple(slot)


def _is_balanced(part: Choice | ListName, lists: ChoiceLists) -> bool:
    """Whether each of its texts closes the brackets that it opens."""
    if isinstance(part, Choice):
        return _is_balanced_choice(part, lists)
    if part.name not in lists.balanced:
        one_entry = replace(lists.choice(part), glue="")
        lists.balanced[part.name] = _is_balanced_choice(one_entry, lists)
    return lists.balanced[part.name] and _closes(part.glue)


def _is_balanced_choice(choice: Choice, lists: ChoiceLists) -> bool:
    return _closes(choice.glue) and all(
        _closes("".join(each if isinstance(each, str) else "" for each in option.parts))
        and all(isinstance(each, str) or _is_balanced(each, lists) for each in option.parts)
        for option in choice.options
    )


def _closes(text: str) -> bool:
    depth = 0
    for sign in _ESCAPED.sub("", text):
        depth += (sign in _OPEN) - (sign in _CLOSED)
        if depth < 0:
            return False
    return depth == 0
