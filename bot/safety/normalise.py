"""Text as a reader sees it: one spelling for all the ways to write the same letters.

Made for matching against word lists, never for display: accents are lost (also those of kana),
and emoji of letters and of children come out as words.
"""

import re
import unicodedata

from bot.safety.lookalikes import IGNORED_RANGES, LOOKALIKES

# Signs that unfold to whole words or sentences (Arabic ligatures: 18 characters; squared Japanese
# units and eras: up to 6): a cheap way to make a text many times as long. Our lists need none.
_LONG_SIGNS = dict.fromkeys((0xFDFA, 0xFDFB, *range(0x3300, 0x3358), *range(0x337B, 0x3380)), " ")

# "LATIN SMALL LETTER L WITH STROKE", "LATIN LETTER SMALL CAPITAL I", "NEGATIVE SQUARED LATIN
# CAPITAL LETTER L", "REGIONAL INDICATOR SYMBOL LETTER L", "LATIN SMALL LETTER TURNED E" ...
_LETTER_NAME = re.compile(
    r"(?:.* )?(?:LATIN|REGIONAL INDICATOR) (?:.* )?LETTER (?:[A-Z-]+ )*?([A-Z])(?: WITH .*)?"
)
_SPACES = re.compile(r"[^\S\n]+")


# A Spanish girl is "niña" and a baby "bebé", but Nina and Bebe are names.
_MARKS_KEPT = (("niñ", "ninzh"), ("bebé", "bebezh"), ("bebê", "bebezh"), ("bébé", "bebezh"))

_JAMO = re.compile(r"[\u1100-\u11ff]+")


class _Folding(dict[int, str]):
    """What each character is folded to, computed on first use."""

    def __missing__(self, codepoint: int) -> str:
        folded = self[codepoint] = _fold_character(chr(codepoint))
        return folded


def _fold_character(character: str) -> str:
    if character in LOOKALIKES:
        return LOOKALIKES[character]
    if character == "\n" or (character.isascii() and character.isprintable()):
        return character
    if any(ord(character) in ignored for ignored in IGNORED_RANGES):
        return ""
    category = unicodedata.category(character)
    if category[0] == "Z" or character.isspace():
        return " "
    if category[0] in "MC":  # marks; control, format and unassigned characters, surrogates
        return ""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    named = _LETTER_NAME.fullmatch(unicodedata.name(character, ""))
    return named[1].lower() if named else character


_FOLDING = _Folding()


def normalise(text: str) -> str:
    """`text` in the spelling that rules are matched against. Idempotent; raises on no string.

    Compatibility forms unfolded (NFKD), case folded, invisible characters and combining marks
    removed, lookalike letters made Latin, every script's digits made 0-9, spaces made one.
    Line breaks stay.
    """
    folded = text.translate(_LONG_SIGNS)
    folded = unicodedata.normalize("NFC", folded).casefold()
    for marked, kept in _MARKS_KEPT:
        folded = folded.replace(marked, kept)
    while True:
        before = folded
        folded = _JAMO.sub(_whole, unicodedata.normalize("NFKD", folded)).casefold()
        folded = folded.translate(_FOLDING)
        folded = unicodedata.normalize("NFC", _SPACES.sub(" ", folded))  # Hangul is made whole
        if folded == before:
            return folded


def _whole(jamo: re.Match[str]) -> str:
    """Compose syllables: only a single letter, not a part of one, may be a Latin lookalike."""
    return unicodedata.normalize("NFC", jamo[0])
