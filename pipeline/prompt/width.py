"""Full-width and Japanese punctuation as its ASCII form."""

import unicodedata
from typing import Final

_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)  # ！ to ～, in the order of ASCII
_SMALL_FORMS: Final = range(0xFE50, 0xFE6C)  # ﹐ to ﹫
_ASCII_START: Final = 0xFF01 - 0x21
_OTHERS: Final = {"\u3000": " ", "、": ",", "､": ",", "｡": ".", "،": ",", "−": "-", "–": "-",
                  "︰": ":", "∶": ":", "꞉": ":"}  # fmt: skip

_TABLE: Final = str.maketrans(
    {chr(code): chr(code - _ASCII_START) for code in _FULL_WIDTH}
    | {
        chr(code): unicodedata.normalize("NFKC", chr(code)).replace("、", ",")
        for code in _SMALL_FORMS
    }
    | _OTHERS
)


def as_ascii(text: str) -> str:
    """`text` with what keyboards for Japanese and Chinese write for ASCII as ASCII.

    `1girl、（笑顔：１．２）` becomes `1girl,(笑顔:1.2)`. Everything else stays.
    """
    return text.translate(_TABLE)
