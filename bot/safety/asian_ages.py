"""Ages in Japanese, Chinese and Korean: "十五歳", "じゅうにさい", "열두 살", "18歳未満"."""

import re
from collections.abc import Iterator
from typing import Final

from bot.safety.normalise import normalise

_ADULT_AGE: Final = 18
_MANY: Final = 20
_KANJI: Final = "〇一二三四五六七八九"
_LARGE_KANJI: Final = "百千万"
_KANA: Final = {
    "いっ": 1, "いち": 1, "に": 2, "さん": 3, "よん": 4, "ご": 5, "ろく": 6, "なな": 7, "しち": 7,
    "はっ": 8, "はち": 8, "きゅう": 9,
}  # fmt: skip
_HANGUL: Final = {
    "한": 1,
    "두": 2,
    "세": 3,
    "네": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
    "아홉": 9,
}
_HANGUL_TENS: Final = "열|스물|스무|서른|마흔|쉰|예순|일흔|여든|아흔|백"
_SINO: Final = "영일이삼사오육칠팔구"
_SINO_ALONE: Final = tuple("오육칠팔구")  # 이세 and others are also words

_YEARS: Final = normalise("歳|才|歲|岁|周岁|さい")
_BELOW: Final = normalise("未満|未满|以下|미만|이하")
_FIGURES = re.compile(
    rf"(?<![{_KANJI}十{_LARGE_KANJI}\d])(?:(\d{{1,5}})|([{_KANJI}十{_LARGE_KANJI}]+))[ 半]?"
    rf"(?:{_YEARS}|{normalise('살')}|{normalise('세')}(?!{normalise('기|대')})) ?({_BELOW})?"
)
_IN_KANA = re.compile(
    normalise(rf"(?<![ぁ-ゖ])(じゅう|じゅっ)?({'|'.join(_KANA)})?(?:(?:歳|才)|さい(?![ぁ-ゖ]))")
)
_IN_HANGUL = re.compile(
    rf"(?<![가-힣])(?:({_HANGUL_TENS}) ?)?({'|'.join(_HANGUL)})? ?살(?![가-힣](?<!의|짜|이|인))"
)
_AFTER_AGE = re.compile(
    rf"(?<![가-힣])나이(?:는|가)?[ ]?[:=]?[ ]?"
    rf"(?=[가-힣])(?:({_HANGUL_TENS}) ?)?({'|'.join(_HANGUL)})?(?![가-힣])"
)
_IN_SINO = re.compile(rf"(?<![가-힣])(십)?([{_SINO}])? ?세(?!기|대|계|상)(?:[ ,.]|$|의|인| )")
_SINO_TEN: Final = 10
_FOLDED_KANA: Final = {normalise(kana): value for kana, value in _KANA.items()}


def asian_ages(text: str) -> Iterator[int]:
    """The ages in a normalised text, from 20 on not exact where written in words."""
    if text.isascii():  # as most prompts are: each pattern contains a character of its script
        return
    for match in _FIGURES.finditer(text):
        age = int(match[1]) if match[1] else _kanji_value(match[2])
        yield min(age, _ADULT_AGE) - 1 if match[3] else age
    for match in _IN_KANA.finditer(text):
        if match[1] or match[2]:
            yield (10 if match[1] else 0) + _FOLDED_KANA.get(match[2], 0)
    for match in (*_IN_HANGUL.finditer(text), *_AFTER_AGE.finditer(text)):
        if match[1] or match[2]:
            tens = {None: 0, "열": 10}.get(match[1], _MANY)
            yield tens + _HANGUL.get(match[2], 0)
    for match in _IN_SINO.finditer(text):
        if match[1] or match[2] in _SINO_ALONE:
            yield (_SINO_TEN if match[1] else 0) + (_SINO.index(match[2]) if match[2] else 0)


def _kanji_value(number: str) -> int:
    if any(sign in number for sign in _LARGE_KANJI):
        return _MANY
    tens, ten, ones = number.rpartition("十")
    if not ten:
        return int("".join(str(_KANJI.index(sign)) for sign in ones))
    return 10 * (_KANJI.index(tens[-1]) if tens else 1) + (_KANJI.index(ones[0]) if ones else 0)
