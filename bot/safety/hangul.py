"""Korean written letter by letter: `\u3147\u314f\u3147\u3163` is `\uc544\uc774`."""

import re
import unicodedata
from typing import Final

# Letters by themselves: of syllables, of the keyboard, and of half width.
_LETTERS: Final = r"\u1100-\u11ff\u3131-\u318e\uffa0-\uffdc"
_SPELLED: Final = re.compile(rf"[\uac00-\ud7a3]?[{_LETTERS}](?: ?[{_LETTERS}])*")
# Typed as a separate letter, a final consonant is an initial one in Unicode.
_FINALS: Final = {
    initial: unicodedata.lookup(unicodedata.name(initial).replace("CHOSEONG", "JONGSEONG"))
    for initial in map(chr, range(0x1100, 0x1113))
    if initial not in "\u1104\u1108\u110d"  # these end no syllable
}
_OPEN: Final = re.compile(rf"([\uac00-\ud7a3])([{''.join(_FINALS)}])(?![\u1161-\u1175])")


def syllables(text: str) -> str:
    """`text` with Hangul letters composed into syllables; unchanged if there are none."""
    return _SPELLED.sub(lambda found: _syllables(found[0].replace(" ", "")), text)


def _syllables(letters: str) -> str:
    whole = unicodedata.normalize("NFC", unicodedata.normalize("NFKD", letters))
    return _OPEN.sub(lambda found: _closed(found[1], found[2]), whole)


def _closed(syllable: str, consonant: str) -> str:
    return unicodedata.normalize("NFC", syllable + _FINALS[consonant])
