"""Numbers in figures and in words, in the languages in which the rules read ages.

Exact below 20: in words, everything from 20 on counts as `MANY`.
"""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from bot.safety.normalise import normalise

MANY: Final = 20

# The words for 0, 1, 2, ...: English, Spanish, Portuguese, French, German, Italian, Russian. A
# slash separates forms of one number; inside a number a space may also be a hyphen or nothing.
_BELOW_TWENTY: Final = (
    "zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve/dozen, "
    "thirteen, fourteen, fifteen, sixteen, seventeen, eighteen, nineteen",
    "cero, uno/una/un, dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, once, "
    "doce/docena de, trece, catorce, quince, dieciseis/diez y seis, diecisiete/diez y siete, "
    "dieciocho/diez y ocho, diecinueve/diez y nueve",
    "zero, um/uma, dois/duas, tres, quatro, cinco, seis, sete, oito, nove, dez, onze, "
    "doze/duzia de, treze, quatorze/catorze, quinze, dezesseis/dezasseis, dezessete/dezassete, "
    "dezoito, dezenove/dezanove",
    "zero, un/une, deux, trois, quatre, cinq, six, sept, huit, neuf, dix, onze, "
    "douze/douzaine d', treize, quatorze, quinze, seize, dix sept, dix huit, dix neuf",
    "null, ein/eine/eins, zwei, drei, vier, fünf/fuenf, sechs, sieben, acht, neun, zehn, elf, "
    "zwölf/zwoelf/dutzend, dreizehn, vierzehn, fünfzehn/fuenfzehn, sechzehn, siebzehn, achtzehn, "
    "neunzehn",
    "zero, uno/una/un, due, tre, quattro, cinque, sei, sette, otto, nove, dieci, undici, "
    "dodici/dozzina di, tredici, quattordici, quindici, sedici, diciassette, diciotto, diciannove",
    "ноль, один/одного, два/двух, три/трёх, четыре/четырёх, пять/пяти, шесть/шести, семь/семи, "
    "восемь/восьми, девять/девяти, десять/десяти, одиннадцать/одиннадцати, "
    "двенадцать/двенадцати/дюжина, тринадцать/тринадцати, четырнадцать/четырнадцати, "
    "пятнадцать/пятнадцати, шестнадцать/шестнадцати, семнадцать/семнадцати, "
    "восемнадцать/восемнадцати, девятнадцать/девятнадцати",
)
_FROM_TWENTY: Final = """
    twenty thirty forty fourty fifty sixty seventy eighty ninety hundred thousand million
    veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento mil doscientos
    trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos
    vinte trinta quarenta cinquenta sessenta oitenta cem cento duzentos trezentos quatrocentos
    quinhentos seiscentos setecentos oitocentos novecentos
    vingt vingts trente quarante cinquante soixante septante huitante nonante cent cents mille
    quatre-vingt quatre-vingts
    zwanzig dreißig dreissig vierzig fünfzig fuenfzig sechzig siebzig achtzig neunzig hundert
    tausend
    venti trenta quaranta cinquanta sessanta settanta ottanta novanta duecento trecento
    двадцать двадцати тридцать тридцати сорок сорока пятьдесят пятидесяти шестьдесят шестидесяти
    семьдесят семидесяти восемьдесят восьмидесяти девяносто девяноста сто ста двести триста
    четыреста пятьсот шестьсот семьсот восемьсот девятьсот тысяча тысячи тысяч
"""


def _values() -> dict[str, int]:
    return {
        normalise(form.strip()): value
        for language in _BELOW_TWENTY
        for value, forms in enumerate(language.split(","))
        for form in forms.split("/")
    }


def _choice(words: Iterable[str]) -> str:
    """A pattern for one of `words`, the longest that fits; looks at first letters first."""
    ordered = sorted(words, key=lambda word: (word[0], -len(word)))
    groups = (
        first + "(?:" + "|".join(re.escape(word[1:]).replace(r"\ ", "[ -]?") for word in same) + ")"
        for first, same in groupby(ordered, key=lambda word: word[0])
    )
    return f"(?:{'|'.join(groups)})"


_SMALL: Final = _choice(_values())
_LARGE: Final = _choice(normalise(word).replace("-", " ") for word in _FROM_TWENTY.split())
_AND: Final = r"(?:[ -]?(?:and|y|e|et|und)[ -]|[ -]?)"
_THOUSANDS: Final = r"\d{1,3}(?:[,. ]\d{3})+(?!\d)"
_HALF: Final = (
    r"(?:[ -]?(?:and a |and three |y |e |et )?(?:half|quarters|medio|media|meia|meio|mezzo|mezza"
    r"|demi|einhalb))?"
)

_COMPOUND: Final = rf"{_LARGE}(?:{_AND}(?:{_LARGE}|{_SMALL}))*"

NUMBER: Final = rf"(?:{_THOUSANDS}|\d{{1,5}}(?:\.\d{{1,2}}(?!\d))?|{_COMPOUND}|{_SMALL}){_HALF}"
"""A pattern without groups for a number in figures or words, in normalised text."""

_PLAIN: Final = {re.sub(r"\W", "", word): value for word, value in _values().items()}
_FIGURES: Final = re.compile(rf"{_THOUSANDS}|\d+")
_WORDS: Final = re.compile(rf"(?:({_COMPOUND})|({_SMALL})){_HALF}")


def value(number: str) -> int:
    """The whole part of what `NUMBER` matched."""
    if figures := _FIGURES.match(number):
        return int(re.sub(r"\D", "", figures[0]))
    words = _WORDS.fullmatch(number)
    small = words[2] if words else None
    return MANY if small is None else _PLAIN[re.sub(r"\W", "", small)]
