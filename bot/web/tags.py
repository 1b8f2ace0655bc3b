"""The typed tags of a picture, as links to the search for each. Pure."""

from dataclasses import dataclass

from data.gallery.query import MAX_TYPED, MAX_WORDS, phrase
from pipeline.prompt.typed import own_pieces
from pipeline.prompt.weights import plain_tags
from pipeline.request import ResolvedRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """`text` as it is in the prompt. `query` finds pictures with it; "" if it has no words."""

    text: str
    query: str


def tags_of(made: ResolvedRequest) -> list[Tag]:
    """The tags in order. Weights stay, so that the copied text draws the picture."""
    return [_tag(piece.text, is_word=piece.is_break) for piece in own_pieces(made)]


def _tag(text: str, *, is_word: bool) -> Tag:
    named = [] if is_word else plain_tags(text)
    words = [word for tag in named if (word := phrase(tag))]
    query = " ".join(words)
    fits = len(words) <= MAX_WORDS and len(query) <= MAX_TYPED
    plain = len(named) == 1 and text.replace("\\", "") == named[0]
    return Tag(text=named[0] if plain else text, query=query if fits else "")
