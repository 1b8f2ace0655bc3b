"""What a hostile prompt costs grows with its length, not with the square of it."""

import contextlib
import time
from collections.abc import Callable
from typing import Final

import pytest

from bot.safety.request import words_rating
from bot.safety.rules import check_prompt
from pipeline.errors import InputError
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.flags import fold_flags
from pipeline.prompt.pieces import split_pieces
from pipeline.prompt.read import read_prompt
from pipeline.prompt.requested_rating import requested_rating
from pipeline.prompt.weights import parse_weights, plain_tags
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from pipeline.tags.complete import complete_last_piece

_LENGTH: Final = 1_000
_LONGER: Final = 4
_FACTOR: Final = 8  # a square law has 16
_FLOOR_S: Final = 0.01  # below it the clock counts for more than the prompt
_TRIES: Final = 3  # of which the cheapest counts

_REPEATED: Final = (
    "a", "1", " ", "\n", "\t", "\u3000", "\u2003", "_", ":", "‹", "|", "\\", "+", "-", ".", ",",
    '"', "<", "(a:", "(a:(", "(a;1", "a;1", "{a|", "[a:b:0.5]", "[a|b", "__a", " __a", ":) ;( ",
    "(]", "[(", "([)]", ")(", "(a)", "a.", "a.swap(", "(a).and(", "<a ", "<lora:", "<id:", "${",
    "${{a}", "{2$$", "{0.5::a|", "1::", "1::a ", "a |", " ,", "a+ ", "a-", "--", " --v 6",
    " --no a", "/*", "# ", "data:image/", "embedding:a ", "MASK(", "a_(b) ", "(a:1.2,", "a:1.2)",
    "a:1)", "a:999)", "<|a|>",
    "BREAK ", "<|a", "%61", "&#97;", "l o l i ", "twenty-", "ten ", "(a:0", "photo of Aa ", "👶🏿",
    "TE((a)", "lora:a:1 ", "<<lora:a>", "<a:<b>", "《lora:", "[a:", "[SEQ:", "1.2::a::", "1,2::a ",
    "a:1 AND ", "&lt;", "a:1.2]", "(a:1.2] ", "a:1.2 b ", "(a*1.2", "(a)- ", "a++ ",
    "__a{b}", "prompt:",
    "Negative prompt:", "Steps: 1, ", "Steps: 1, Sampler: (", "Steps: 1 | Seed: 2 | ", "Seed: 1\n",
    "歳", "аa", "한", "十", "e\u0301", "ﷺ", "SHIFT(", "1girl, long hair, ",
)  # fmt: skip


def _around(opening: str, inside: str, closing: str) -> Callable[[int], str]:
    def build(length: int) -> str:
        count = max(1, (length - len(inside)) // (len(opening) + len(closing)))
        return opening * count + inside + closing * count

    return build


def _between(start: str, filling: str, end: str) -> Callable[[int], str]:
    return lambda length: start + filling * ((length - len(start + end)) // len(filling)) + end


def _repeated(unit: str) -> Callable[[int], str]:
    return lambda length: (unit * (length // len(unit) + 1))[:length]


_PROMPTS: Final[dict[str, Callable[[int], str]]] = {
    **{f"{unit!r} repeated": _repeated(unit) for unit in _REPEATED},
    "full-width": _around("（", "", "："),
    "nested braces": _around("{", "a", "}"),
    "nested alternatives": _around("[", "a", "|b]"),
    "crossed": _around("(", "a", "]"),
    "digits in a bracket": _between("(", "1", ""),
    "digits in braces": _between("{", "1", "|a}"),
    "digits and a dash": _between("{1-", "1", "}"),
    "blanks between words": _between("a", " ", "b"),
    "blanks before a weight": _between("(a", " ", ":x"),
    "blanks at a beginning": _between("(", " ", "a: x:"),
    "blanks after a comma": _between("a,", " ", "b:1.2"),
    "a long element": _between("<", "a", ""),
    "semicolons": _between("(", ";", ""),
    "colons": _between("(", ": ", ""),
    "points": _between("(a:", ".", "x"),
    "pluses": _between("a", "+", "b"),
    "style": _between(" --style random", "-a", "!"),
    "width": _between(" --w", " 1", "x"),
    "zeros": _between("(a:", "0", ""),
}


def _flags(prompt: str) -> None:
    with contextlib.suppress(InputError):
        fold_flags(GenerationRequest(prompt=prompt))


def _words(prompt: str) -> None:
    words_rating(prompt, rating_of=lambda _: None)


_READERS: Final[dict[str, Callable[[str], object]]] = {
    "read": lambda prompt: read_prompt(prompt, lambda _: False),
    "flags": _flags,
    "clean": clean_prompt,
    "plain": plain_tags,
    "weights": parse_weights,
    "pieces": split_pieces,
    "requested": requested_rating,
    "complete": complete_last_piece,
    "rules": lambda prompt: check_prompt(prompt, prompt, rating=Rating.EXPLICIT),
    "words": _words,
}


def _cost(read: Callable[[str], object], prompt: str) -> float:
    started = time.thread_time()
    read(prompt)
    return time.thread_time() - started


def _is_linear(read: Callable[[str], object], build: Callable[[int], str]) -> bool:
    # Letters before keep what was remembered of one prompt from answering for another.
    for attempt in range(_TRIES):
        short = _cost(read, f"q{attempt} " + build(_LENGTH))
        if _cost(read, f"q{attempt} " + build(_LENGTH * _LONGER)) <= _FACTOR * short + _FLOOR_S:
            return True
    return False


@pytest.mark.parametrize("reader", _READERS)
def test_the_cost_grows_with_the_length(reader: str) -> None:
    read = _READERS[reader]
    read("a, (b:1.2) --ar 3:2")  # what is built at the first call

    found = [name for name, build in _PROMPTS.items() if not _is_linear(read, build)]

    assert found == []
