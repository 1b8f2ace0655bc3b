"""The choices of a request: what they can be, and what they are for the seed of each picture."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import InputError
from pipeline.prompt.wildcards.choosing import MAX_DEPTH, ChoiceLists, Lists, Picked, check, choose
from pipeline.prompt.wildcards.grammar import Choice, ListName, Template, read_template, typed_of
from pipeline.prompt.wildcards.possible import EndsWords, possible_tags, possible_texts
from pipeline.request import GenerationRequest

FIELDS: Final = ("character", "series", "prompt", "tags", "negative_prompt")
"""The texts that can have choices, in the order in which they are read."""
_NEGATIVE: Final = FIELDS[-1]

_PLACES: Final = {_NEGATIVE: "negative"}
"""The same choice gives the same word wherever else it was typed."""

_NAMES = re.compile("[_\uff3f]{2}")
_LORA = re.compile(r"[<\uff1c]\s*(?:lora|lyco)\s*[:\uff1a]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choices:
    """`request` with the templates of the fields that have choices."""

    request: GenerationRequest
    templates: Mapping[str, Template]
    lists: ChoiceLists

    def chosen(self, seed: int) -> GenerationRequest:
        """The request with what `seed` gives."""
        texts: dict[str, Any] = {field: each.text for field, each in self._picked(seed).items()}
        return replace(self.request, **texts)

    def words(self, seed: int) -> tuple[str, ...]:
        """What each choice became."""
        return tuple(word for each in self._picked(seed).values() for word in each.words)

    def _picked(self, seed: int) -> dict[str, Picked]:
        return {
            field: choose(template, self.lists, seed=seed, place=_PLACES.get(field, ""))
            for field, template in self.templates.items()
        }

    def possible(self, most: int) -> list[GenerationRequest] | None:
        """Every request that can be chosen; None if there are more than `most`."""
        found = [self.request]
        for field, template in self.templates.items():
            texts = possible_texts(template, self.lists, most=most)
            if texts is None or len(texts) * len(found) > most:
                return None
            found = [replace(each, **_one(field, text)) for each in found for text in texts]
        return found

    def possible_tags(self, ends_words: EndsWords) -> tuple[list[list[str]], list[list[str]]]:
        """For each tag of the prompt, every text that it can be, in the order of the fields; and
        the same of the negative prompt. See `pipeline.prompt.wildcards.possible.possible_tags`."""
        wanted: list[list[str]] = []
        for field in FIELDS:
            template = self.templates.get(field, (getattr(self.request, field),))
            tags = possible_tags(template, self.lists, ends_words)
            if field == _NEGATIVE:
                return wanted, tags
            wanted += tags
        raise AssertionError("the negative prompt is the last")

    def typed(self, chosen: GenerationRequest) -> tuple[tuple[str, str], ...]:
        """The fields with choices, as they are in `chosen`."""
        return tuple((field, getattr(chosen, field)) for field in self.templates)


def _one(field: str, text: str) -> dict[str, Any]:
    return {field: text}


def read_choices(request: GenerationRequest, lists: Lists) -> Choices | None:
    """The choices of a readable request; None if it has none.

    InputError for choices that can't be used: see `pipeline.prompt.wildcards.choosing.check`.
    """
    read = {field: read_template(getattr(request, field)) for field in FIELDS}
    templates = {
        field: template
        for field, template in read.items()
        if any(not isinstance(each, str) for each in template)
    }
    if not templates:
        return None
    known = ChoiceLists(lists)
    room = MAX_PROMPT_CHARACTERS
    for field in (each for each in FIELDS if each != _NEGATIVE):
        room -= check(read[field], known, longest=room)
    check(read[_NEGATIVE], known, longest=MAX_PROMPT_CHARACTERS)
    return Choices(request, templates, known)


def with_first(request: GenerationRequest) -> GenerationRequest:
    """The request with the first of all choices and without lists: how it was drawn before the bot
    could choose."""
    texts: dict[str, Any] = {
        field: _first(read_template(getattr(request, field))) for field in FIELDS
    }
    return replace(request, **texts)


def _first(template: Template) -> str:
    texts: list[str] = []
    for part in template:
        if isinstance(part, Choice) and part.depth <= MAX_DEPTH:
            found = (_first(option.parts) for option in part.options[: max(part.least, 1)])
            texts.append(part.glue.join(found))
        else:
            texts.append("" if isinstance(part, ListName) else typed_of(part))
    return "".join(texts)


def check_loras(request: GenerationRequest) -> None:
    """InputError `choices_lora` for a LoRA in a choice: all pictures are drawn with the same."""
    for field in FIELDS:
        text = getattr(request, field)
        if _LORA.search(text) is not None and any(
            not isinstance(each, str) and _LORA.search(each.typed) for each in read_template(text)
        ):
            raise InputError("choices_lora")


def names_wildcards(*requests: GenerationRequest) -> bool:
    """Whether one of the texts may name a list."""
    return any(_NAMES.search(getattr(each, field)) for each in requests for field in FIELDS)
