"""Chunks of 75 tokens, laid out as A1111 does, so that a prompt may be longer than 77 tokens.

For SDXL the layout is made once: both tokenizers share their vocabulary and differ in padding only
(`Chunk.padded`), CLIP-L with its end token, bigG with id 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.prompt.weights import Break, Part

CHUNK_TOKENS: Final = 75
"""Tokens of text in a chunk; with begin and end it fills CLIP's 77 positions."""

COMMA_BACKTRACK: Final = 20
"""A1111's default: a tag that starts this close to a chunk's end moves to the next."""

Tokenize = Callable[[str], Sequence[int]]
"""Token ids of a text, without start and end tokens and without truncation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialTokens:
    """Ids of the vocabulary with a meaning for the layout. `comma` is None if there is none."""

    begin: int
    end: int
    comma: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """77 token ids (begin, text, end, end for padding) and the factor of each."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]

    def padded(self, *, end: int, pad: int) -> tuple[int, ...]:
        """The ids for an encoder that pads with `pad`: all after the first `end` become `pad`."""
        first = self.tokens.index(end) + 1
        return self.tokens[:first] + (pad,) * (len(self.tokens) - first)


def lay_out(
    parts: Sequence[Part], *, tokenize: Tokenize, special: SpecialTokens
) -> tuple[Chunk, ...]:
    """The chunks of a parsed prompt; at least one, also for an empty prompt."""
    layout = _Layout(special)
    for part in parts:
        if isinstance(part, Break):
            layout.end_chunk()
        else:
            for token in tokenize(part.text):
                layout.add(token, part.weight)
    return layout.finish()


def pad_to(chunks: Sequence[Chunk], count: int, *, special: SpecialTokens) -> tuple[Chunk, ...]:
    """`chunks` followed by empty ones up to `count`, for prompts of the same length."""
    return (*chunks, *[_chunk([], [], special)] * (count - len(chunks)))


class _Layout:
    """The chunk being filled and those that are full."""

    def __init__(self, special: SpecialTokens) -> None:
        self._special = special
        self._done: list[Chunk] = []
        self._tokens: list[int] = []
        self._weights: list[float] = []
        self._comma: int | None = None  # place of the last comma in the chunk being filled

    def add(self, token: int, weight: float) -> None:
        if len(self._tokens) == CHUNK_TOKENS:
            self._make_room(token)
        elif token == self._special.comma:
            self._comma = len(self._tokens)
        self._tokens.append(token)
        self._weights.append(weight)

    def _make_room(self, token: int) -> None:
        """End a full chunk, at its last comma if that is near. The token that opens the next chunk
        is never remembered as a comma, as in A1111.
        """
        comma = self._comma
        near = comma is not None and CHUNK_TOKENS - comma <= COMMA_BACKTRACK
        if token == self._special.comma or comma is None or not near:
            self.end_chunk()
            return
        moved, weights = self._tokens[comma + 1 :], self._weights[comma + 1 :]
        del self._tokens[comma + 1 :], self._weights[comma + 1 :]
        self.end_chunk()
        self._tokens, self._weights = moved, weights

    def end_chunk(self) -> None:
        self._done.append(_chunk(self._tokens, self._weights, self._special))
        self._tokens, self._weights, self._comma = [], [], None

    def finish(self) -> tuple[Chunk, ...]:
        if self._tokens or not self._done:
            self.end_chunk()
        return tuple(self._done)


def _chunk(tokens: Sequence[int], weights: Sequence[float], special: SpecialTokens) -> Chunk:
    filler = CHUNK_TOKENS - len(tokens) + 1  # padding and the end token itself
    return Chunk(
        tokens=(special.begin, *tokens, *[special.end] * filler),
        weights=(1.0, *weights, *[1.0] * filler),
    )
