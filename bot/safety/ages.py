"""Ages in words: "15 years old", "14yo", "doce años", "12-jährig", "十五歳", "열두 살", "under 18".

All patterns are for normalised text, in which `_` is a space.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from bot.safety import numbers
from bot.safety.asian_ages import asian_ages
from bot.safety.normalise import normalise

ADULT_AGE = 18

_NUMBER = rf"(?<![\w.])(?!00)({numbers.NUMBER})"
_GAP = r"[ .-]{0,3}"
# Without a word for age, only where the tag ends: "looks 3 times" and "12 years later" are no ages.
_TAG_ENDS = r"(?= ?(?:$|[,;:.|/\n()\[\]{}]))"
_NOT_LETTER = r"(?![^\W\d_])"

# A unit makes the number before it an age. Searched first, because units are rarer than numbers.
_UNIT = re.compile(
    rf"(?:(?:years?|yrs?|y|summers|winters|springs){_GAP}(?:olds?|of{_GAP}age|young)"
    rf"|y[./ -]o|y\. ?o|yrs?|yos?){_NOT_LETTER}"
    rf"|(?:years?|annees){_TAG_ENDS}|years?(?= (?:girl|boy|female|male|kid|body)\b)"
    rf"|(?<=\d\d)y(?![a-z0-9])"
)
_FOREIGN_UNIT = re.compile(
    rf"(?:anos?|anitos|aninhos|ans|anni|annetti|jahren?|jahrchen)(?![^\W\d_]|')"
    rf"|ja(?:h|eh)rig(?:e[nmrs]?)?{_NOT_LETTER}"
    rf"|{normalise('лет')}(?:{normalise('н')}\w{{2,3}})?\b"
    rf"|(?:{normalise('года')}|{normalise('годик')}\w{{0,2}}|{normalise('год')})\b"
)
_INFANT_UNIT = re.compile(rf"(?:months?|weeks?|days?|hours?){_GAP}old(?![a-z])")
_BEFORE_UNIT = re.compile(rf"{_NUMBER}(?: ?(?:-|~|/|to|or|bis) ?({numbers.NUMBER}))?{_GAP}$")
_SHORT_UNIT = 4  # letters
_WINDOW = 48  # characters before a unit in which its number is searched

# "12 year old whisky", "10yo bonsai": the age of a thing or an animal, if nothing follows it.
_KINDS = (
    "single malt", "japanese", "irish", "scottish", "red", "white", "rusty", "vintage", "used",
    "antique", "oak", "pine", "cherry", "maple", "apple", "ginkgo", "aged", "stray", "pet", "tabby",
    "siamese", "persian", "scotch", "whiskey", "whisky", "wine",
)  # fmt: skip
_THINGS = (
    "bonsai", "trees?", "forest", "garden", "whiske?ys?", "scotch", "bourbon",
    "malt", "bottles?", "barrels?", "casks?",
    "brandy", "cognac", "rum", "wines?", "port", "sake", "mead", "vinegar", "cheese", "cheddar",
    "gouda", "parmesan", "ham", "cars?", "trucks?", "van", "bus", "trains?", "bikes?", "bicycle",
    "motorcycle", "motorbike", "ship", "boat", "computer", "laptop", "phone", "console", "game",
    "anime", "manga", "series", "show", "movie", "song", "album", "website", "house", "building",
    "castle", "ruins?", "temple", "shrine", "church", "bridge", "town", "city", "tower", "book",
    "photos?", "photograph", "painting", "statue", "clock", "watch", "sword", "katana", "doll",
    "teddy bear", "toys?", "sofa", "coat", "jacket", "shoes", "sweater", "hoodie", "dogs?", "cats?",
    "horses?", "mare", "stallion", "pony", "cow", "bull", "pig", "sheep", "goat", "rabbit",
    "hamster", "kittens?", "pupp(?:y|ies)", "foal", "calf", "lamb", "parrot", "turtle", "tortoise",
    "elephant", "whale", "koi", "carp",
)  # fmt: skip
_OF_A_THING = re.compile(
    rf"[ -]?(?:(?:{'|'.join(_KINDS)}) )?(?:{'|'.join(_THINGS)})"
    rf"(?:{_TAG_ENDS}|(?= (?:in|on|at|by|near|under|inside)\b))"
)
# "hace 12 años", "12 Jahre später": how long, not how old.
_SINCE = re.compile(
    r"\b(?:hace|durante|tras|apos|il y a|depuis|pendant|apres|vor|seit|nach|da|per|dopo|"
    + "|".join(map(normalise, ("через", "спустя", "после")))
    + r") (?:unos |mas de |plus de |mehr als |oltre )?$"
)
_DURATION = re.compile(
    r" (?:despues|atras|juntos|de experiencia|depois|de casados|plus tard|apres|de mariage"
    r"|d'experience|spater|danach|garantie|krieg|dopo|fa|di esperienza|di matrimonio|"
    + "|".join(map(normalise, ("назад", "спустя", "вместе", "подряд")))
    + r")\b"
)

_BEFORE = re.compile(
    r"(?<![a-z])(?<!ice )(?<!dragon )(?<!stone )(?<!space )(?<!golden )(?<!gundam )"
    rf"(?:age[ds]?|edad|idade|alter|年齢|年龄|년령|나이|{normalise('возраст')})"
    rf"[ ]?(?:of|is|at|de|:|=|-)?[ ]?{_NUMBER}(?![\w%])"
)
_ETA = re.compile(rf"(?<![a-z])eta ?[:=]? ?{_NUMBER}{_TAG_ENDS}")  # "età 12"; "ETA 5 min" is none
_BARE = re.compile(
    r"(?<![a-z])(?:looks?(?: like)?|looking|(?:she|he)(?: is|'s)|turn(?:s|ed|ing)"
    rf"|barely|almost|nearly|only|just) {_NUMBER}{_TAG_ENDS}"
)
_BIRTHDAY = re.compile(r"(?<![a-z])(?:her|his)[ ](\d{1,2})(?:st|nd|rd|th)[ -](?:birthday|bday)")
_UNDER = re.compile(
    r"(?<![^\W\d_])(?:under|below|less than|younger than|not yet|not even|moins de"
    r"|menor(?:es)? de|menos (?:de|que)|unter|ju?e?nger als|meno di|minore di|"
    + "|".join(map(normalise, ("младше", "моложе", "меньше", "до")))
    + rf")(?: the age of| age)?[ -]{_NUMBER}(?:{_TAG_ENDS}"
    rf"|(?= ?(?:years?|yrs?|yo|y\.o|anos|ans|anni|jahren?|{normalise('лет')})\b))"
)
# "u15", as of sports and idols
_U_CLASS = re.compile(r"(?<!\w)(?<!\d )(?:u|sub) ?-? ?(1[0-8])(?!\w)")
_FEMALE_AT = re.compile(rf"(?:^|[,;] ?)(1[0-7]) ?/? ?f{_TAG_ENDS}")  # "14f"
_HIGHEST_LIMIT: Final = 25  # "under 25" may be a child, "under 30" is said of adults
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
_FIRST_GRADE_AGE: Final = 6
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
    yield from _ages_with_units(text)
    yield from asian_ages(text)
    for match in _ROMAN.finditer(text):
        yield _roman_value(match[1])
    for pattern in (_BEFORE, _ETA, _BARE, _FIELD, _BIRTHDAY, _FEMALE_AT):
        for match in pattern.finditer(text):
            yield numbers.value(match[1])
    for pattern in (_UNDER, _NOT_YET, _U_CLASS):
        for match in pattern.finditer(text):
            if 0 < (limit := numbers.value(match[1])) <= _HIGHEST_LIMIT:
                yield min(limit, ADULT_AGE) - 1
    for match in _GRADE.finditer(text):
        yield int(match[match.lastindex or 0]) + _FIRST_GRADE_AGE - 1
    for match in _BORN.finditer(text):  # this year's birthday may still be to come
        yield max(0, datetime.now(UTC).year - int(match[match.lastindex or 0]) - 1)


def _ages_with_units(text: str) -> Iterator[int]:
    for unit in _UNIT.finditer(text):
        number = _number_before(text, unit)
        if number and not _OF_A_THING.match(text, unit.end()):
            yield from _values(number)
    for unit in _FOREIGN_UNIT.finditer(text):
        if (number := _number_before(text, unit)) and not (
            _DURATION.match(text, unit.end()) or _SINCE.search(number.string, 0, number.start())
        ):
            yield from _values(number)
    for unit in _INFANT_UNIT.finditer(text):
        if _number_before(text, unit) and not _OF_A_THING.match(text, unit.end()):
            yield 0


def _number_before(text: str, unit: re.Match[str]) -> re.Match[str] | None:
    """The number before a unit. A short unit must be a separate word: "ten yo", but not "tenyo"."""
    start = unit.start()
    if text[start - 1 : start].isalpha() and len(unit[0]) <= _SHORT_UNIT:
        return None
    return _BEFORE_UNIT.search(text[max(0, start - _WINDOW) : start])


def _values(found: re.Match[str]) -> Iterator[int]:
    return (numbers.value(number) for number in found.groups() if number)


def _roman_value(number: str) -> int:
    values = [_ROMAN_VALUES[sign] for sign in number]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < after else value for value, after in pairs)
