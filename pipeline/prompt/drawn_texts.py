"""The texts that are drawn in each step of a picture."""

from dataclasses import replace
from typing import Final, NamedTuple

from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import InputError
from pipeline.hints import HintKind, Hints
from pipeline.prompt.pieces import split_pieces
from pipeline.prompt.schedule import MAX_TEXTS, all_words, changes, texts_by_step
from pipeline.request import ResolvedRequest

_MAX_CHARACTERS: Final = 4 * MAX_PROMPT_CHARACTERS


class StepTexts(NamedTuple):
    """What one step draws, in each region if there are any, and what it avoids; in A1111's weight
    syntax."""

    prompts: tuple[str, ...]
    negative_prompt: str


def texts_of(request: ResolvedRequest) -> tuple[StepTexts, ...]:
    """The texts of each step. As in A1111, a picture that starts from another one begins with the
    first of all steps, however many are left out; an upscale is a second pass."""

    def by_step(prompt: str) -> tuple[str, ...]:
        return texts_by_step(
            prompt, request.num_inference_steps, second_pass=request.upscale_factor > 1
        )

    prompts = [each.prompt for each in request.regions] or [request.prompt]
    of_steps = zip(*map(by_step, prompts), strict=True)
    return tuple(map(StepTexts, of_steps, by_step(request.negative_prompt)))


def different_texts(request: ResolvedRequest) -> tuple[StepTexts, ...]:
    """Each of `texts_of` once. InputError `prompt_changes_too_often` for more than MAX_TEXTS."""
    found = tuple(dict.fromkeys(texts_of(request)))
    if len(found) > MAX_TEXTS:
        raise InputError("prompt_changes_too_often", limit=MAX_TEXTS)
    return found


def check_changes(*prompts: str) -> None:
    """InputError `prompt_changes_too_often` if all texts of one of `prompts` are too long together
    to be read by the rules."""
    if any(len(all_words(prompt)) > _MAX_CHARACTERS for prompt in prompts):
        raise InputError("prompt_changes_too_often", limit=MAX_TEXTS)


def with_first_texts(request: ResolvedRequest) -> ResolvedRequest:
    """`request` for an engine that can't change its prompt: with the texts of the first step, and
    hints about what is not drawn. For requests without regions."""
    if not changes(request.prompt) and not changes(request.negative_prompt):
        return request
    told = Hints(request.hints)
    for each in (*split_pieces(request.prompt), *split_pieces(request.negative_prompt)):
        if each.changes:
            first = texts_by_step(each.text, request.num_inference_steps)[0]
            told.add(HintKind.UNCHANGING, each.text, first)
    first = texts_of(request)[0]
    return replace(
        request,
        prompt=first.prompts[0],
        negative_prompt=first.negative_prompt,
        hints=told.found,
    )
