"""The hard rules on a whole request, with what the tag vocabulary knows of its words."""

from collections.abc import Callable

from bot.safety.normalise import normalise
from bot.safety.rules import check_prompt, refusal
from pipeline.hints import HintKind
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.drawn_texts import different_texts
from pipeline.prompt.known import NameOf, nothing
from pipeline.prompt.schedule import all_words, changes
from pipeline.prompt.weights import plain_tags
from pipeline.rating import Rating
from pipeline.request import ResolvedRequest

RatingOf = Callable[[str], Rating | None]
"""How sexual a tag is, by name or alias; None if the vocabulary does not have it."""


def all_readings(
    read: Callable[[NameOf], ResolvedRequest], alias_of: NameOf
) -> list[ResolvedRequest]:
    """First what is drawn; if aliases were replaced in it, also the version without that. The rules
    apply to each. `read` resolves a request with the aliases that it is given."""
    drawn = read(alias_of)
    replaced = any(hint.kind is HintKind.ALIAS for hint in drawn.hints)
    return [drawn, read(nothing)] if replaced else [drawn]


def refuse_forbidden(request: ResolvedRequest, *, rating_of: RatingOf) -> None:
    """Raises RefusedError if `request` breaks a hard rule."""
    for prompt, negative_prompt in prompts_to_check(request):
        violation = check_prompt(
            prompt,
            negative_prompt,
            rating=request.rating,
            words_rating=words_rating(prompt, rating_of=rating_of),
        )
        if violation is not None:
            raise refusal(violation)


def prompts_to_check(request: ResolvedRequest) -> list[tuple[str, str]]:
    """The final prompt and negative, with all that they are at any step, because all of it makes
    the picture; the texts of each step and region; if something was left out, also what was typed.
    The names of LoRAs count as words of each prompt."""
    found = [(request.prompt, request.negative_prompt)]
    if changes(request.prompt) or changes(request.negative_prompt):
        found.append((all_words(request.prompt), all_words(request.negative_prompt)))
    if len(texts := different_texts(request)) > 1 or request.regions:
        found += [(prompt, each.negative_prompt) for each in texts for prompt in each.prompts]
    if request.hints:
        found.append((typed_text(request.original), request.original.negative_prompt))
    names = [each.name for each in request.loras]
    return [(", ".join((prompt, *names)), negative) for prompt, negative in found]


def words_rating(prompt: str, *, rating_of: RatingOf) -> Rating:
    """The rating of the most sexual known tag in `prompt`."""
    # Brackets may be syntax or a part of a name: `hina (swimsuit)`.
    tags = [*plain_tags(prompt), *prompt.split(",")]
    spellings = {each for tag in tags for each in (tag, normalise(tag))}
    ratings = (rating for tag in spellings if (rating := rating_of(tag)) is not None)
    return max(ratings, default=Rating.SAFE)
