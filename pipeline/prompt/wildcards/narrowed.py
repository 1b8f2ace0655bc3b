"""Choices with some of their options left out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pipeline.prompt.wildcards.choosing import ChoiceLists
from pipeline.prompt.wildcards.grammar import Choice, Option, Part, Template
from pipeline.prompt.wildcards.request import Choices

At = tuple[str, int]
"""A field, and the place of a choice in its template."""


def opened(choices: Choices) -> Choices:
    """The same with lists as choices, and what has one option only as text."""
    found = {field: _opened(each, choices.lists) for field, each in choices.templates.items()}
    return replace(choices, templates=found)


def _opened(template: Template, lists: ChoiceLists) -> Template:
    parts: list[Part] = []
    for each in _parts(template, lists):
        if isinstance(each, str) and parts and isinstance(parts[-1], str):
            parts[-1] += each  # brackets and escapes may begin in one and end in the next
        else:
            parts.append(each)
    return tuple(parts)


def _parts(template: Template, lists: ChoiceLists) -> Iterator[Part]:
    for part in template:
        choice = None if isinstance(part, str) else _of_one(lists.as_choice(part))
        if choice is None:
            yield part
        elif choice.least == choice.most == len(choice.options) == 1:
            yield from _parts(choice.options[0].parts, lists)
        else:
            yield choice


def _of_one(choice: Choice) -> Choice:
    """`choice`; one that may also be left out with nothing as an option of it."""
    if (choice.least, choice.most) != (0, 1):
        return choice
    return replace(choice, options=(*choice.options, Option((), 1.0, "")), least=1)


def alternatives(choices: Choices) -> list[At]:
    """The choices of exactly one of several options, those with few options first; of what `opened`
    returned."""
    found = {
        (field, at): len(part.options)
        for field, template in choices.templates.items()
        for at, part in enumerate(template)
        if isinstance(part, Choice) and part.least == part.most == 1 < len(part.options)
    }
    return sorted(found, key=lambda at: found[at])


def parted(choices: Choices, at: At, is_apart: Callable[[Option], bool]) -> tuple[Choices, Choices]:
    """Two that can choose together what `choices` can: one has the options at `at` that are
    `is_apart`, the other the rest; a half each where that is all or none."""
    choice = _at(choices, at)
    first = tuple(each for each in choice.options if is_apart(each))
    second = tuple(each for each in choice.options if not is_apart(each))
    if not first or not second:
        middle = len(choice.options) // 2
        first, second = choice.options[:middle], choice.options[middle:]
    return _with(choices, {at: replace(choice, options=first)}), _with(
        choices, {at: replace(choice, options=second)}
    )


def alone(choices: Choices, at: At) -> Choices:
    """All of the others in `alternatives` with their first option only."""
    firsts: dict[At, Part] = {}
    for each in alternatives(choices):
        if each != at:
            choice = _at(choices, each)
            firsts[each] = replace(choice, options=choice.options[:1])
    return _with(choices, firsts)


def _at(choices: Choices, at: At) -> Choice:
    part = choices.templates[at[0]][at[1]]
    assert isinstance(part, Choice), "found by `alternatives`"
    return part


def _with(choices: Choices, parts: Mapping[At, Part]) -> Choices:
    """`choices` with other parts in these places."""
    changed = {
        field: tuple(parts.get((field, at), part) for at, part in enumerate(template))
        for field, template in choices.templates.items()
    }
    return opened(replace(choices, templates=changed))
