"""The rules on a request: on all that can be chosen in its prompt, and then on what was."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final

from bot.safety.adjacent import adjacent_words
from bot.safety.normalise import normalise
from bot.safety.request import all_readings
from pipeline.card import RANDOM_SEED
from pipeline.chosen import Chosen
from pipeline.errors import EkakiError, RefusedError
from pipeline.hints import Hints
from pipeline.prompt.known import NameOf
from pipeline.prompt.read import read_prompt
from pipeline.prompt.requested_rating import requested_rating
from pipeline.prompt.schedule import all_words, changes, texts_by_step
from pipeline.prompt.wildcards.choosing import ChoiceLists, Lists
from pipeline.prompt.wildcards.grammar import Option
from pipeline.prompt.wildcards.narrowed import alone, alternatives, opened, parted
from pipeline.prompt.wildcards.possible import possible_tags
from pipeline.prompt.wildcards.request import Choices, read_choices
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest

MAX_LISTED: Final = 32
"""Requests that are checked one by one; of more, the tags are checked together."""

MAX_READ: Final = 120_000
"""Characters that are checked at most to find out whether the words that break a rule together can
be chosen together: a second."""
_LEAST: Final = 1_000  # that a check counts: it takes milliseconds, however little there is
_LEAST_OF_ONE: Final = 30  # the same of one option, which is not resolved

_APART: Final = ", === ,"  # between tags that need not be beside each other: nothing is read across
_LONG: Final = 4  # letters of a word that parts a sentence
_SYNTAX = re.compile(r"[^\w ,.'-]|--")


Read = Callable[[GenerationRequest, NameOf], ResolvedRequest]
"""Resolves a request with the aliases that it is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """`random_seed` draws 0..2**32-1. `refuse` raises RefusedError for
    one that breaks a rule. `may_begin`, `may_contain`: whether something that a rule names can
    begin with letters, or have them in it.
    `is_known`: whether a text is a tag's name. `ceiling`: the highest rating of the place."""

    read: Read
    refuse: Callable[[ResolvedRequest], None]
    may_begin: Callable[[str], bool]
    may_contain: Callable[[str], bool]
    random_seed: Callable[[], int]
    alias_of: NameOf
    is_known: Callable[[str], bool]
    ceiling: Rating


def resolve_checked(request: GenerationRequest, lists: Lists, rules: Checking) -> ResolvedRequest:
    """Resolve a readable `request` and check it by the rules, with all that can be chosen in it.

    Raises InputError and RefusedError.
    """
    choices = read_choices(request, lists)
    return _checked(request, rules) if choices is None else _choose(choices, rules)


def _checked(request: GenerationRequest, rules: Checking) -> ResolvedRequest:
    found = all_readings(lambda alias_of: rules.read(request, alias_of), rules.alias_of)
    for each in found:
        rules.refuse(each)
    return found[0]


def _choose(choices: Choices, rules: Checking) -> ResolvedRequest:
    """Choose for each picture. What a seed gives does not depend on the other pictures.

    InputError or RefusedError if anything that can be chosen is not allowed. The rating is the
    highest that can be chosen.
    """
    seed = choices.request.seed
    seed = rules.random_seed() if seed is None or seed == RANDOM_SEED else seed

    def checked(request: GenerationRequest) -> ResolvedRequest:
        return _checked(replace(request, seed=seed), rules)

    first = checked(choices.chosen(seed))
    listed = choices.possible(MAX_LISTED)
    if listed is None:
        rating = _Outcomes(rules, seed, first).check(choices)
    else:
        rating = max(checked(each).rating for each in listed)
    made = [first]
    made += (checked(choices.chosen(first.seed_of(index))) for index in range(1, first.count))
    hints = Hints()
    for hint in chain.from_iterable(each.hints for each in made):
        hints.add(hint.kind, hint.typed, hint.used)
    return replace(
        first,
        rating=max(rating, *(each.rating for each in made)),
        original=choices.request,
        hints=hints.found,
        chosen=tuple(
            _chosen(choices, each, first.seed_of(index)) for index, each in enumerate(made)
        ),
    )


def _chosen(choices: Choices, made: ResolvedRequest, seed: int) -> Chosen:
    return Chosen(
        prompt=made.prompt,
        negative_prompt=made.negative_prompt,
        typed=choices.typed(made.original),
        words=choices.words(seed),
        regions=made.regions,
    )


class _Outcomes:
    """Checks more outcomes than can be listed: all that can be chosen as one request. Where that
    breaks a rule, parts of the outcomes separately, as `{child|nude}` is never both.
    """

    def __init__(self, rules: Checking, seed: int, first: ResolvedRequest) -> None:
        self._rules = rules
        self._seed = seed
        self._bare = replace(
            first, negative_prompt="", rating=Rating.EXPLICIT, regions=(), hints=()
        )
        self._room = MAX_READ
        self._unfit: dict[str, bool] = {}

    def check(self, choices: Choices) -> Rating:
        """The highest rating that can be chosen. RefusedError if one of the outcomes breaks a rule,
        or if that would take too long to find out."""
        try:
            return self._together(choices)
        except RefusedError as error:
            rating = self._apart(opened(choices))
            if rating is None:
                raise error from None
            return rating

    def _apart(self, choices: Choices) -> Rating | None:
        """The same for choices that are refused together; None if they stay refused."""
        wrong = (at for at in alternatives(choices) if self._passed(alone(choices, at)) is None)
        at = next(wrong, None)
        if at is None or self._room < 0:
            return None  # no choice is wrong by itself: words of two of them can meet
        highest = Rating.SAFE
        for part in parted(choices, at, partial(self._is_unfit, choices.lists)):
            rating = self._passed(part)
            if rating is None:
                rating = self._apart(part)
            if rating is None:
                return None
            highest = max(highest, rating)
        return highest

    def _is_unfit(self, lists: ChoiceLists, option: Option) -> bool:
        """Whether a rule refuses `option` in an explicit picture, as it does `child`: together,
        these and the others are refused where `nude` is one of them."""
        if option.key not in self._unfit:
            self._unfit[option.key] = self._refused_if_explicit(lists, option)
        return self._unfit[option.key]

    def _refused_if_explicit(self, lists: ChoiceLists, option: Option) -> bool:
        rules = self._rules
        try:
            tags = possible_tags(option.parts, lists)
            words = _together(tags, rules, self._bare.num_inference_steps)
            self._room -= max(_LEAST_OF_ONE, len(words))
            rules.refuse(replace(self._bare, prompt=words))
        except EkakiError:
            return True
        return False

    def _passed(self, choices: Choices) -> Rating | None:
        """The rating of what is allowed; None for what is refused, or not checked any more."""
        if self._room < 0:
            return None
        try:
            return self._together(choices)
        except EkakiError:
            return None

    def _together(self, choices: Choices) -> Rating:
        """Check all that can be chosen as one request; returns its rating."""
        rules = self._rules
        made = _checked(replace(choices.chosen(self._seed), seed=self._seed), rules)
        both = choices.possible_tags(lambda text: _ends_words(text, rules))
        steps = made.num_inference_steps
        wanted, unwanted = (_together(tags, rules, steps) for tags in both)
        self._room -= max(_LEAST, len(wanted) + len(unwanted))
        asked = requested_rating(wanted) or Rating.SAFE
        if asked > rules.ceiling:
            said = {"wish": asked.label, "ceiling": rules.ceiling.label}
            raise RefusedError("rating_above_ceiling", **said)
        rating = max(made.rating, asked)
        rules.refuse(
            replace(made, prompt=wanted, negative_prompt=unwanted, rating=rating, hints=())
        )
        return rating


def _ends_words(text: str, rules: Checking) -> bool:
    """Whether `text` has a whole word that is in nothing that a rule names."""
    words = normalise(text).split(" ")[1:-1]
    return any(
        len(word) >= _LONG and word.isalpha() and word.isascii() and not rules.may_contain(word)
        for word in words
    )


def _together(slots: Sequence[Sequence[str]], rules: Checking, steps: int) -> str:
    """All tags as a text in which nothing new is next to each other: as they were typed, as they
    are read and as they are drawn in each step, those that they are aliases of, and the words that
    they spell together."""
    forms = [dict.fromkeys(chain(*(_forms(each, rules, steps) for each in slot))) for slot in slots]
    tags = dict.fromkeys(chain.from_iterable(forms))
    named = (name for each in tags if (name := rules.alias_of(each)) is not None)
    words = adjacent_words([list(each) for each in forms], rules.may_begin)
    found = dict.fromkeys((*tags, *named, *words))
    found.pop("", None)
    return _APART.join(found)


def _forms(text: str, rules: Checking, steps: int) -> Iterator[str]:
    """A tag as it was typed and as it is read; one that changes in all its forms."""
    read = read_prompt(text, rules.is_known).text if _SYNTAX.search(text) else text
    for each in dict.fromkeys((text, read)):
        if changes(each):
            yield from dict.fromkeys(texts_by_step(each, steps))
            yield all_words(each)
        else:
            yield each
