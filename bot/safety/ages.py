"""Ages in words: "15 years old", "14yo", "aged twelve", "十五歳", "under 18", "born in 2015"."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from bot.safety.normalise import normalise

ADULT_AGE = 18

# fmt: off
_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
_TENS = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
    "thousand",
]
# fmt: on
_KANJI = "〇一二三四五六七八九"

_BELOW_TWENTY = "|".join(reversed(_ONES))
_WORD = rf"(?:(?:{'|'.join(_TENS)})(?:[ -]?(?:{_BELOW_TWENTY}))?|{_BELOW_TWENTY})"
# First letters, so that most places of a text cost one look. Then: not the end of a longer
# number ("1,000", "2.5", "a hundred and five").
_START = r"\b(?=[\dzotfsenh])(?<![\w.])"
_NUMBER = rf"{_START}(?<!\d,)(?<!hundred )(?<!hundred and )(?<!thousand )(\d{{1,5}}|{_WORD})"
_RANGE = rf"{_NUMBER}(?: ?(?:-|~|/|to|or) ?(?:\d{{1,5}}|{_WORD}))?"
_GAP = r"[ _.-]{0,3}"

_AFTER = re.compile(
    rf"{_RANGE}{_GAP}(?:"
    rf"(?:(?:years?|yrs?|y){_GAP}(?:olds?|of{_GAP}age|young)"
    rf"|y[./ -]o(?![a-z])|y\. ?o|yrs?"
    rf"|anos(?: de edad| de idade)?|ans|anni|jahre? alt|jahrig)(?![a-z])"
    rf"|years?(?= (?:girl|boy|female|male|kid|body)\b)|{normalise('лет')}\b)"
)
_INFANT = re.compile(rf"{_NUMBER}{_GAP}(?:months?|weeks?|days?|hours?){_GAP}old(?![a-z])")
_SHORT = re.compile(
    rf"{_START}(?!0\d)"
    rf"(?:(\d{{1,5}}) ?-?yos?(?![a-z])|(\d{{2}})y(?![a-z0-9])|({_WORD})[ -]yos?(?![a-z]))"
)
_EAST_ASIAN = re.compile(
    rf"(?=[{_KANJI}十百千万\d])(?<![{_KANJI}十百千万\d])([{_KANJI}十百千万]+|\d{{1,5}}) ?"
    rf"(?:{normalise('歳|才|歲|岁|살|さい')}|{normalise('세')}(?!{normalise('기|대')}))"
)
_BEFORE = re.compile(
    r"(?<![a-z])(?<!ice )(?<!dragon )(?<!stone )(?<!space )(?<!golden )(?<!gundam )"
    r"(?:age[ds]?|edad|idade|alter|年齢|年龄)"
    rf"[ _]?(?:of|is|at|:|=|-)?[ _]?{_NUMBER}(?![\w%])"
)
# Without a unit, only where the tag ends: "mole under one eye" and "looks 3 times" are no ages.
_TAG_ENDS = r"(?= ?(?:$|[,;:.|/\n()\[\]{}]))"
_BARE = re.compile(
    rf"{_NUMBER}[ -]years?{_TAG_ENDS}"
    rf"|(?<![a-z])(?:looks?(?: like)?|looking|(?:she|he)(?: is|'s)|turn(?:s|ed|ing)"
    rf"|barely|almost|nearly|only|just) {_NUMBER}"
    rf"{_TAG_ENDS}"
)
_UNDER = re.compile(
    r"(?<![a-z])(?:under|below|less than|younger than|not yet|not even)(?: the age of| age)?"
    rf"[ -]{_NUMBER}(?:{_TAG_ENDS}|(?= ?(?:years?\b|yrs?\b|yo\b|y\.o)))"
)
_NOT_YET = re.compile(
    r"(?<![a-z])(?:not|isn.?t|hasn.?t turned|has not turned|not turned|before)"
    rf"[ -]{_NUMBER}(?:[ -]years?)?(?:[ -]old)?[ -]yet(?![a-z])"
)
_FIELD = re.compile(  # "years old: 9", but not "25 years old: 2girls"
    rf"(?<![\d-])(?<!\d[ _-])(?<![a-z])years?[ _-]?old ?[:=] ?{_NUMBER}(?![\w%])"
)
_GRADE = re.compile(
    r"(?<![a-z])grade[ _-]?(1[0-2]|[1-9])[ _-]?(?:student|pupil|schooler|girl|boy|kid|class)"
    r"|(?<![a-z])(?:student|pupil|girl|boy)s?(?: in| of) (?:the )?"
    r"grade[ _-]?(1[0-2]|[1-9])(?![\w.])"
)
_FIRST_GRADE_AGE = 6
_BORN = re.compile(
    r"(?<![a-z])(?:born|birth ?year|year of birth|b\.)[ :=]{0,3}(?:in|on|around)?[ :=]{0,3}"
    r"(?:[a-z]{3,9}\.? )?((?:19|20)\d\d)(?!\d)"
    rf"|(?<!\d)((?:19|20)\d\d) ?(?:{normalise('年生まれ|年出生|年出生まれ|년생')})"
)
_ROMAN = re.compile(
    r"\b(?=[ivx]{2}|[vx])(x?(?:ix|iv|v?i{1,3}|v)|x)[ -](?:years?[ -]old|yrs? old|yos?\b)"
)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10}
_LEET_WORD = re.compile(r"[a-z][0-9!|@$]+[a-z]")  # "f1ft33n years old"


def find_minor_age(texts: Iterable[str]) -> int | None:
    """The first age below 18 named in normalised texts, or None."""
    return next((age for text in texts for age in _ages(text) if age < ADULT_AGE), None)


def names_adult_age(texts: Iterable[str]) -> bool:
    """Whether an age of 18 or more is named in normalised texts."""
    return any(age >= ADULT_AGE for text in texts for age in _ages(text))


def _ages(text: str) -> Iterator[int]:
    text = text.replace("_", " ")
    yield from _plain_ages(text)
    if _LEET_WORD.search(text):
        for one in "il":
            yield from _plain_ages(text.translate(str.maketrans("034571!|@$", f"oeast{one * 3}as")))


def _plain_ages(text: str) -> Iterator[int]:
    for pattern in (_AFTER, _BEFORE, _EAST_ASIAN):
        for match in pattern.finditer(text):
            yield _value(match[1])
    if _INFANT.search(text):
        yield 0
    for match in _ROMAN.finditer(text):
        yield _roman_value(match[1])
    for pattern in (_SHORT, _BARE):
        for match in pattern.finditer(text):
            yield _value(match[match.lastindex or 0])
    for match in _UNDER.finditer(text):
        yield min(_value(match[1]), ADULT_AGE) - 1
    for match in _NOT_YET.finditer(text):
        yield min(_value(match[1]), ADULT_AGE) - 1
    for match in _FIELD.finditer(text):
        yield _value(match[1])
    for match in _GRADE.finditer(text):
        yield int(match[match.lastindex or 0]) + _FIRST_GRADE_AGE - 1
    for match in _BORN.finditer(text):  # the birthday of this year may be still to come
        yield max(0, datetime.now(UTC).year - int(match[match.lastindex or 0]) - 1)


def _value(number: str) -> int:
    if number.isdecimal():
        return int(number)
    if number[0] in _KANJI or number[0] in "十百千万":
        return _kanji_value(number)
    last = re.split(r"[ -]", number)[-1]
    if number in _ONES:
        return _ONES.index(number)
    return ADULT_AGE + 2 if last else 0  # twenty and above: how much above is all the same


def _roman_value(number: str) -> int:
    values = [_ROMAN_VALUES[sign] for sign in number]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < after else value for value, after in pairs)


def _kanji_value(number: str) -> int:
    if any(sign in number for sign in "百千万"):
        return 100
    tens, ten, ones = number.rpartition("十")
    if not ten:
        return int("".join(str(_KANJI.index(sign)) for sign in ones))
    return 10 * (_KANJI.index(tens[-1]) if tens else 1) + (_KANJI.index(ones[0]) if ones else 0)
