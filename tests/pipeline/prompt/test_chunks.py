from hypothesis import given
from hypothesis import strategies as st

from pipeline.prompt.chunks import CHUNK_TOKENS, Chunk, SpecialTokens, lay_out, pad_to
from pipeline.prompt.weights import Break, Fragment, Part, parse_weights

BEGIN, END, COMMA = 1000, 1001, 1
SPECIAL = SpecialTokens(begin=BEGIN, end=END, comma=COMMA)


def tokenize(text: str) -> list[int]:
    """A word is its number, a comma is 1."""
    return [COMMA if word == "," else int(word) for word in text.replace(",", " , ").split()]


def chunks_of(prompt: str) -> tuple[Chunk, ...]:
    return lay_out(parse_weights(prompt), tokenize=tokenize, special=SPECIAL)


def words(chunk: Chunk) -> list[int]:
    """The text's tokens of a chunk, without begin, end and padding."""
    return list(chunk.tokens[1 : chunk.tokens.index(END)])


def numbers(first: int, count: int) -> str:
    return " ".join(str(first + i) for i in range(count))


def test_an_empty_prompt_is_one_empty_chunk() -> None:
    (chunk,) = chunks_of("")
    assert chunk.tokens == (BEGIN, *[END] * 76)
    assert chunk.weights == (1.0,) * 77


def test_a_short_prompt_is_wrapped_and_padded_with_the_end_token() -> None:
    (chunk,) = chunks_of("10, (11:1.5)")
    assert chunk.tokens == (BEGIN, 10, COMMA, 11, *[END] * 73)
    assert chunk.weights == (1.0, 1.0, 1.0, 1.5, *[1.0] * 73)


def test_seventy_five_tokens_fill_one_chunk_and_one_more_opens_the_next() -> None:
    (full,) = chunks_of(numbers(10, 75))
    assert full.tokens[-1] == END
    assert words(full) == list(range(10, 85))
    first, second = chunks_of(numbers(10, 76))
    assert words(first) == list(range(10, 85))
    assert words(second) == [85]


def test_a_tag_that_does_not_fit_moves_whole_to_the_next_chunk() -> None:
    first, second = chunks_of(f"{numbers(10, 64)}, ({numbers(100, 20)}:1.3)")
    assert words(first) == [*range(10, 74), COMMA]
    assert words(second) == list(range(100, 120))
    assert second.weights[1:21] == (1.3,) * 20
    assert first.weights == (1.0,) * 77


def test_a_comma_exactly_twenty_back_counts_and_one_farther_does_not() -> None:
    near_first, _ = chunks_of(f"{numbers(10, 55)}, {numbers(100, 20)}")
    assert words(near_first) == [*range(10, 65), COMMA]
    far_first, far_second = chunks_of(f"{numbers(10, 54)}, {numbers(100, 21)}")
    assert words(far_first) == [*range(10, 64), COMMA, *range(100, 120)]
    assert words(far_second) == [120]


def test_a_comma_on_the_border_opens_the_next_chunk() -> None:
    first, second = chunks_of(f"{numbers(10, 70)}, {numbers(100, 4)}, 200")
    assert words(first) == [*range(10, 80), COMMA, *range(100, 104)]
    assert words(second) == [COMMA, 200]


def test_break_ends_the_chunk_also_at_the_start_and_twice() -> None:
    first, second = chunks_of("10, 11 BREAK 12")
    assert (words(first), words(second)) == ([10, COMMA, 11], [12])
    assert [words(c) for c in chunks_of("BREAK 10")] == [[], [10]]
    assert [words(c) for c in chunks_of("10 BREAK")] == [[10]]
    assert [words(c) for c in chunks_of("10 BREAK BREAK 11")] == [[10], [], [11]]


def test_padding_is_chosen_by_encoder_and_starts_after_the_first_end() -> None:
    (chunk,) = chunks_of("10, 11")
    assert chunk.padded(end=END, pad=END) == chunk.tokens
    assert chunk.padded(end=END, pad=0) == (BEGIN, 10, COMMA, 11, END, *[0] * 72)
    (full,) = chunks_of(numbers(10, 75))
    assert full.padded(end=END, pad=0) == full.tokens


def test_positive_and_negative_get_the_same_number_of_chunks() -> None:
    short = pad_to(chunks_of("10"), 3, special=SPECIAL)
    assert [words(chunk) for chunk in short] == [[10], [], []]
    assert pad_to(short, 2, special=SPECIAL) == short


def test_a_vocabulary_without_a_comma_token_never_looks_back() -> None:
    special = SpecialTokens(begin=BEGIN, end=END, comma=None)
    parts = (Fragment(f"{numbers(10, 70)} , {numbers(100, 10)}", 1.0),)
    first, _ = lay_out(parts, tokenize=tokenize, special=special)
    assert len(words(first)) == CHUNK_TOKENS


PARTS = st.lists(
    st.builds(Break)
    | st.builds(
        Fragment,
        st.lists(st.sampled_from(["10", "11", "12", ","]), max_size=120).map(" ".join),
        st.sampled_from([1.0, 1.1, 0.5]),
    ),
    max_size=6,
)


@given(PARTS)
def test_no_token_is_lost_doubled_or_reordered(parts: list[Part]) -> None:
    chunks = lay_out(parts, tokenize=tokenize, special=SPECIAL)
    expected = [
        (token, part.weight)
        for part in parts
        if isinstance(part, Fragment)
        for token in tokenize(part.text)
    ]
    laid = [
        (token, weight)
        for chunk in chunks
        for token, weight in list(zip(chunk.tokens, chunk.weights, strict=True))[
            1 : 1 + len(words(chunk))
        ]
    ]
    assert laid == expected
    assert chunks
    assert all(len(c.tokens) == len(c.weights) == 77 for c in chunks)
    assert all(c.tokens[0] == BEGIN and c.tokens[-1] == END for c in chunks)
