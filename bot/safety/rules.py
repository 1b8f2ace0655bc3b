"""The hard rules on prompts. No setting, role or place disables them."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain

from bot.safety import harmless, terms
from bot.safety.ages import find_minor_age, names_adult_age
from bot.safety.matching import Shapes, TermMatcher, shape_of
from bot.safety.mixed import mixed_words
from bot.safety.normalise import normalise
from bot.safety.readings import Reading, readings
from pipeline.errors import RefusedError
from pipeline.rating import Rating


class Rule(StrEnum):
    """The hard rules. Each has a text in the catalogue, `[errors] rule_<value>`."""

    MINOR_CODED = "minor_coded"
    MINOR_SEXUAL = "minor_sexual"
    REAL_PERSON = "real_person"
    ADULT_REMOVED = "adult_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A broken rule. `term` is our own word for what was found, never the user's text."""

    rule: Rule
    term: str


_MINOR_CODED = TermMatcher(terms.MINOR_CODED, harmless.HARMLESS)
_MINOR = TermMatcher(terms.MINOR, harmless.HARMLESS, harmless.THINGS)
_SEXUAL = TermMatcher(terms.SEXUAL, harmless.SEXUAL_HARMLESS)
_REAL_PERSON = TermMatcher(terms.REAL_PERSON, harmless.REAL_PERSON_HARMLESS)
_ADULT = TermMatcher(terms.ADULT, harmless.ADULT_HARMLESS)
_MINOR_CODED_TAGS = terms.MINOR_CODED_TAGS | {
    term.replace(" ", "")[::-1] for term in terms.MINOR_CODED if term.isascii()
}

_AGE_WORDS = (
    "age", "ages", "aged", "edad", "idade", "alter", "eta", "u", "sub", "grade", "born", "years",
    "year", "than", "like", "looks", "birthday", "turning", "turned", "months", "weeks", "days",
)  # fmt: skip
_AGE_BEGINS = re.compile(rf"\d|(?:{'|'.join(_AGE_WORDS)})\d")
_WHOLE = (
    *_MINOR_CODED_TAGS, *terms.MINOR_TAGS, *terms.SEXUAL_TAGS, *terms.REAL_PERSON_TAGS,
    *terms.ADULT_TAGS, *_AGE_WORDS,
)  # fmt: skip

# "photo of Jane Doe": two capitalised words. The only sign of a name that can be recognised without
# a list of all people.
_NAMED_PHOTO = re.compile(
    r"(?i:\b(?:photo|photograph|picture|pic|selfie|footage|nudes?|likeness|deepfake|body|face)s?"
    r" of )(?:the |a )?[A-Z][a-z]+ [A-Z][a-z]+"
)
_MARKUP = str.maketrans(dict.fromkeys("()[]{}<>|", " "))
# In hiragana these are parts of many other words (そろり): they count only with none adjacent.
_HIRAGANA_CODED = re.compile(
    rf"(?<![ぁ-ゖー])(?:ろり|しょた|{normalise('ようじょ')})(?:たち|ちゃん|っ[こ娘子])?(?![ぁ-ゖー])"
)
# Separate tags only, in scripts without spaces: the same characters occur in many other words.
_CHILD_ALONE = re.compile(
    r"(?<![\uac00-\ud7a3])아이(?:들|는|가|를|의|와|도|랑|에게)?(?![\uac00-\ud7a3])"
    r"|(?:^|[,;\n]) ?아[ ._/-]이 ?(?=$|[,;\n])"
)
# `(adult:0)` removes the word. `--no adult`: a flag too late in the prompt to be read as one.
_NO_WEIGHT = re.compile(r"[(\[{]([^()\[\]{}]*)[:\uff1a]\s*+[-+]?0*+\.?0*+\s*[)\]}]")
_NO_FLAG = re.compile(
    r"(?:--|\u2014|\u2013)\s?(?:no|neg|negative)\b([^\u2013\u2014]*?)(?=--|[\u2013\u2014]|$)",
    re.IGNORECASE | re.DOTALL,
)
NEGATIVE_WEIGHT = re.compile(r"[:\uff1a]\s*+[-\u2212\u2013\uff0d]\s*+[\d.]")


def refusal(violation: Violation) -> RefusedError:
    """The error for the person who asked."""
    return RefusedError(f"rule_{violation.rule}", rule=str(violation.rule), term=violation.term)


def check_prompt(
    prompt: str, negative_prompt: str, *, rating: Rating, words_rating: Rating = Rating.SAFE
) -> Violation | None:
    """The first hard rule that the FINAL prompts break, or None. Never raises.

    Final means: after wildcards, aliases, presets and appended tags, in A1111 syntax. `rating` is
    the resolved rating; `words_rating` that of the prompt's tags by the vocabulary, if the caller
    knows it. The stricter of both and of this module's own list of sexual words counts: the model
    draws what the words say.
    """
    # A negative weight moves a word to the other prompt: `(adult:-1)`.
    wanted, removed = prompt, negative_prompt
    if NEGATIVE_WEIGHT.search(negative_prompt):
        wanted = f"{prompt}, {negative_prompt}"
    if NEGATIVE_WEIGHT.search(prompt):
        removed = f"{negative_prompt}, {prompt}"
    removed = ", ".join((removed, *_NO_WEIGHT.findall(prompt), *_NO_FLAG.findall(prompt)))

    wanted_readings = readings(wanted)
    mixed = list(mixed_words(wanted))
    if term := (
        _MINOR_CODED.find(wanted_readings)
        or _MINOR_CODED.find_mixed(mixed)
        or _whole_tag(wanted_readings, _MINOR_CODED_TAGS)
        or _in_hiragana(wanted_readings)
    ):
        return Violation(rule=Rule.MINOR_CODED, term=term)

    level = max(rating, words_rating)
    if level <= Rating.SENSITIVE and (
        _SEXUAL.find(wanted_readings) or _whole_tag(wanted_readings, terms.SEXUAL_TAGS)
    ):
        level = Rating.NSFW
    if level > Rating.SAFE and (term := _minor(wanted_readings, mixed)):
        return Violation(rule=Rule.MINOR_SEXUAL, term=term)
    if level > Rating.SENSITIVE:
        if term := _real_person(wanted, wanted_readings):
            return Violation(rule=Rule.REAL_PERSON, term=term)
        if term := _adult(readings(removed)):
            return Violation(rule=Rule.ADULT_REMOVED, term=term)
    return None


def may_begin(letters: str) -> bool:
    """Whether something that a rule names can begin with these normalised letters and digits."""
    return (
        not letters.isascii()
        or _AGE_BEGINS.match(letters) is not None
        or _shapes().may_begin(letters)
    )


def may_contain(word: str) -> bool:
    """Whether something that a rule names can have these normalised letters in it."""
    return _shapes().may_contain(word)


@cache
def _shapes() -> Shapes:
    matchers = (_MINOR_CODED, _MINOR, _SEXUAL, _REAL_PERSON, _ADULT)
    return Shapes({*chain.from_iterable(each.shapes for each in matchers), *map(shape_of, _WHOLE)})


def _in_hiragana(wanted: tuple[Reading, ...]) -> str | None:
    found = (_HIRAGANA_CODED.search(reading.plain) for reading in wanted)
    return next((match[0] for match in found if match), None)


def _minor(wanted: tuple[Reading, ...], mixed: list[str]) -> str | None:
    if term := (
        _MINOR.find(wanted) or _MINOR.find_mixed(mixed) or _whole_tag(wanted, terms.MINOR_TAGS)
    ):
        return term
    if any(_CHILD_ALONE.search(reading.plain) for reading in wanted):
        return "아이"
    age = find_minor_age(reading.plain for reading in wanted)
    return None if age is None else f"age {age}"


def _real_person(wanted: str, wanted_readings: tuple[Reading, ...]) -> str | None:
    if _NAMED_PHOTO.search(_bare_words(wanted)):
        return "picture of a named person"
    return _REAL_PERSON.find(wanted_readings) or _whole_tag(wanted_readings, terms.REAL_PERSON_TAGS)


def _bare_words(wanted: str) -> str:
    """Words in their original case, without accents, markup and invisible characters."""
    letters = (
        letter
        for letter in unicodedata.normalize("NFKD", wanted)
        if unicodedata.category(letter) not in {"Cf", "Mn"}
    )
    return " ".join("".join(letters).translate(_MARKUP).split())


def _adult(removed: tuple[Reading, ...]) -> str | None:
    if term := _ADULT.find(removed) or _whole_tag(removed, terms.ADULT_TAGS):
        return term
    return "an adult age" if names_adult_age(reading.plain for reading in removed) else None


def _whole_tag(found: Iterable[Reading], tags: frozenset[str]) -> str | None:
    return next((tag for reading in found for tag in sorted(reading.tags & tags)), None)
