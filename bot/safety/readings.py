"""The ways in which a prompt can be read without its markup.

A bracket may join (`lo(li)`) or separate (`(1girl)(loli)`), a `|` may be a letter or a separator, a
sign a letter (`sh0t@`) or punctuation. Instead of guessing, every reading is checked.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from bot.safety.encoded import decoded
from bot.safety.normalise import normalise

# Possessive quantifiers keep these linear on hostile text such as ":1111111...".
_WEIGHT = re.compile(r":\s*+[-+]?+[\d.]++\s*+(?=[)\]}>])")
_NETWORK = re.compile(r"<([^<>]*)>")
_LESS_THAN = re.compile(r"[<≤]=? ?(?=(?:1[0-8]|[5-9])(?!\d))")  # "<18"; "<3" is a heart
_EMPTY_PAIR = re.compile(r"\(\)|\[\]|\{\}")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DIGITS_EDGE = re.compile(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])")
_LONG_RUN = re.compile(r"(.)\1{3,}")
_WORD = re.compile(r"[^\W_]+")
_SINGLES = re.compile(r"(?<![^ ,;])[^ ,;](?:[ ,;]{1,4}[^ ,;](?![^ ,;])){2,}")

# A word split into several tags: `lo, li`. At least one piece is no word, and only pieces next to a
# short one may be long: `school, girl` are two ordinary tags.
PIECE = re.compile(r"[0-9a-z]{1,6}|[^\W_]")
PIECES = 4  # of one word, at most
SHORT_PIECE = 3

_BRACKETS = "\\()[]{}<>「」『』【】〔〕〈〉《》"
_GLUE = str.maketrans("", "", _BRACKETS)
_PART = str.maketrans(dict.fromkeys(_BRACKETS, " ") | {"|": ","})

# What leet spelling writes for a letter. `i` and `l` share all their disguises, and `u` and `v`
# replace each other, so they share a class here; `matching.spells` distinguishes them again.
DISGUISES: dict[str, str] = {
    "a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!|",
    "l": "1!|i", "o": "0", "s": "5$", "t": "7+", "u": "v",
}  # fmt: skip
_CLASS = {sign: letter for letter, signs in DISGUISES.items() for sign in signs}
_SEPARATORS = dict.fromkeys(",;、。", ",")


def class_of(letter: str) -> str:
    """The class that a letter of a term, or a disguise of it, belongs to."""
    return _CLASS.get(letter, letter)


class _Classes(dict[int, str]):
    """The class of each character of a folded text, one for one."""

    def __missing__(self, codepoint: int) -> str:
        character = chr(codepoint)
        known = self[codepoint] = character if character.isalnum() else " "
        return known


_SIGNS_ARE_LETTERS = _Classes(
    {ord(sign): meaning for sign, meaning in (_SEPARATORS | _CLASS).items()}
)
_SIGNS_ARE_SPACES = _Classes(
    {key: value for key, value in _SIGNS_ARE_LETTERS.items() if value == "," or chr(key).isalnum()}
)


@dataclass(frozen=True)
class Reading:
    """One way to read a prompt. `plain` and `classes` have the same length.

    `plain` is normalised text without markup. In `classes` a `,` separates tags, a space separates
    words, and every other character is the class of the letter at that position.
    """

    plain: str
    signs_are_letters: bool

    @cached_property
    def classes(self) -> str:
        table = _SIGNS_ARE_LETTERS if self.signs_are_letters else _SIGNS_ARE_SPACES
        return self.plain.translate(table)

    @cached_property
    def tags(self) -> frozenset[str]:
        """The comma-separated pieces, without punctuation, words separated by one space."""
        pieces = re.split(r"[,;、。]", self.plain)
        return frozenset(" ".join(_WORD.findall(piece)) for piece in pieces)


def readings(prompt: str) -> tuple[Reading, ...]:
    """All readings of a final prompt that could contain a forbidden word. Never raises."""
    found = _readings(prompt)
    plain = decoded(prompt)
    return found if plain == prompt else (*found, *_readings(plain))


def _readings(prompt: str) -> tuple[Reading, ...]:
    prompt = _LESS_THAN.sub(" under ", prompt)
    whole = normalise(prompt.replace("BREAK", ""))
    parted = normalise(_CAMEL_CASE.sub(" ", prompt.replace("BREAK", ",")))
    texts = [glued(whole), _parted(parted)]
    if _EMPTY_PAIR.search(whole):
        texts.append(glued(_EMPTY_PAIR.sub("o", whole)))
    texts += filter(None, (_spelled(texts[1]), _pieced(texts[0])))
    return tuple(
        Reading(plain=shortened_runs(text), signs_are_letters=number != 1)
        for number, text in enumerate(texts)
    )


def shortened_runs(text: str) -> str:
    """`text` with no letter more than three times in a row: no term has more."""
    return _LONG_RUN.sub(r"\1\1\1", text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def glued(text: str) -> str:
    """A normalised text in one line. Brackets, escapes and weights are removed; what was inside
    `<...>` is read after the rest."""
    networks = ",".join(_NETWORK.findall(text))
    text = _WEIGHT.sub("", _NETWORK.sub("", text))
    return _one_line(f"{text},{networks}".translate(_GLUE))


def _parted(text: str) -> str:
    """Brackets and escapes separate words, `|` separates tags, and digits are separated from
    letters, as the text encoder's tokenizer does (it reads `loli1girl` as three words).
    """
    networks = ",".join(_NETWORK.findall(text))
    text = _WEIGHT.sub(" ", _NETWORK.sub(" ", text))
    return _one_line(_DIGITS_EDGE.sub(" ", f"{text},{networks}".translate(_PART)))


def _spelled(text: str) -> str:
    """Joins words spelled out over commas, lines or spaces (`l, o, l, i`, `1 5 y e a r s old`); ""
    if there are none."""
    whole = _SINGLES.sub(lambda run: re.sub("[ ,;]", "", run[0]), text)
    return "" if whole == text else whole


def _pieced(text: str) -> str:
    """Adjacent tags joined, if they are pieces of one word, each result as a tag."""
    tags = [tag.strip() for tag in re.split("[,;、。]", text)]
    found: dict[str, None] = {}
    for first in range(len(tags)):
        for last in range(first + 1, min(first + PIECES, len(tags))):
            pieces = tags[first : last + 1]
            if not all(map(PIECE.fullmatch, pieces)):
                break
            if min(map(len, pieces)) <= SHORT_PIECE:
                found["".join(pieces)] = None
    return ",".join(found)
