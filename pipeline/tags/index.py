"""All tags of a vocabulary, searched during typing."""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from types import MappingProxyType
from typing import Final

from pipeline.rating import Rating
from pipeline.tag_category import TagCategory
from pipeline.tags.lookup import Lookup
from pipeline.tags.suitability import hidden_above, sexual_rating_of
from pipeline.tags.tag import Tag, TagMatch, tag_key
from pipeline.tags.typos import WordFixer

MAX_QUERY: Final = 100  # characters: no tag worth finding is longer
_WORD_START: Final = re.compile(r"(?<=[^\w])\w|(?<=_)[^\W_]")
_WORD: Final = re.compile(r"[^\W_]+")
_FIRST_WORD: Final = 2
"""A name that starts with the query ranks before one in which a later word does, unless the latter
has this many times as many pictures: `asuka` is the second word of a name with 14,000 pictures."""
_NO_USES: Final[Mapping[str, int]] = MappingProxyType({})
_MEANINGS: Final = {1: 12, 2: 5, 3: 2, 4: 1}
"""Corrections tried for each word of a query, by its number of words; none for longer ones."""

Hide = Callable[[Tag], bool] | frozenset[str]


class TagIndex:
    """Search and exact lookup over tags. Built once, then never changed: threads may share it.

    `tags` in order of importance, without duplicate names; if two tags have the same alias, both
    are found. `origins`: the series of characters, by a character's name or by the brackets at the
    end of names: `hatsune miku`, `(kancolle)`.
    """

    def __init__(
        self, tags: Iterable[Tag], origins: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._origins = origins
        self._names: list[str] = []
        self._categories = bytearray()
        self._counts = array("I")
        self._aliases: dict[int, str] = {}
        for rank, tag in enumerate(tags):
            self._names.append(tag.name)
            self._categories.append(tag.category)
            self._counts.append(min(tag.count, 2**32 - 1))
            if tag.aliases:
                self._aliases[rank] = ",".join(tag.aliases)
        self._importance = _falling(self._counts)
        keys = [_same(tag_key(name), name) for name in self._names]
        self._by_name = Lookup(keys, range(len(keys)))
        self._by_word = _word_lookup(keys)
        self._by_alias = self._alias_lookup()
        self._fixer = WordFixer(self._words(keys))

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Tag]:
        return (self._tag(rank) for rank in range(len(self._names)))

    def get(self, text: str) -> Tag | None:
        """The tag named by `text`, by name or alias, however it is spelled."""
        rank = self._rank(tag_key(text))
        return None if rank is None else self._tag(rank)

    def category_of(self, text: str) -> TagCategory | None:
        """The category of the tag named by `text`, or None if there is none."""
        rank = self._rank(tag_key(text))
        return None if rank is None else TagCategory(self._categories[rank])

    def sexual_rating_of(self, text: str) -> Rating | None:
        """How sexual the tag named by `text` is, or None if there is none."""
        rank = self._rank(tag_key(text))
        return None if rank is None else sexual_rating_of(self._names[rank])

    def alias_of(self, text: str) -> str | None:
        """The name of the only tag with the alias `text`; None if that is a tag's own name."""
        key = tag_key(text)
        if self._by_name.exact(key):
            return None
        found = set(self._by_alias.exact(key))
        return self._names[found.pop()] if len(found) == 1 else None

    def series_of(self, text: str) -> str | None:
        """The name of the series that a character is from, if known."""
        rank = self._rank(tag_key(text))
        if rank is None or self._categories[rank] != TagCategory.CHARACTER:
            return None
        return self._series_of(self._names[rank])

    def _series_of(self, name: str) -> str | None:
        if name in self._origins:
            return self._origins[name]
        base, bracket, inside = name.rpartition(" (")
        if not bracket:
            return None
        series = self._origins.get(f"({inside}") or inside.removesuffix(")")
        if self.category_of(series) is TagCategory.COPYRIGHT:
            return series
        return self._series_of(base)  # what a character wears: `hatsune miku (append)`

    def search(
        self,
        query: str,
        *,
        limit: int = 25,
        categories: frozenset[TagCategory] | None = None,
        used: Mapping[str, int] = _NO_USES,
        hide: Hide | None = None,
    ) -> list[TagMatch]:
        """At most `limit` tags that `query` may mean, likeliest first.

        Exact names and aliases, then tags used before, then names in which a word starts with the
        query, most drawn first, favouring the first word, then aliases that start with it. Typing
        errors are corrected if nothing matches.

        `used` counts earlier uses by tag name; `hide` decides what isn't shown, by default only the
        tags that are never suggested anywhere. An empty query returns the most used tags, then the
        most common ones.
        """
        key = tag_key(query[:MAX_QUERY])
        picked = _Picked(
            self._tag,
            self._categories,
            limit=limit,
            categories=categories,
            hide=hide or hidden_above(Rating.EXPLICIT),
        )
        if not key:
            picked.add(self._used_ranks(used, lambda _: True))
            picked.add(range(len(self._names)))
            return picked.matches
        self._find(key, picked, used)
        if not picked.met:
            for corrected in self._corrections(key):
                if picked.full:
                    break
                self._find(corrected, picked, _NO_USES)
        return picked.matches

    def _find(self, key: str, picked: "_Picked", used: Mapping[str, int]) -> None:
        picked.add(self._by_name.exact(key))
        picked.add(self._by_alias.exact(key), alias=lambda _: key)
        if used and not picked.full:
            picked.add(self._used_ranks(used, lambda name: _has_word_start(name, key)))
        if not picked.full:
            picked.add(self._with_word(key))
        if not picked.full:
            picked.add(self._by_alias.beginning(key), alias=lambda r: self._by_alias.first(key, r))

    def _with_word(self, key: str) -> Iterator[int]:
        """The ranks of tags with a word that starts with `key`; some may repeat."""
        importance = self._importance
        others = iter(self._by_word.beginning(key))
        other = next(others, None)
        for first in self._by_name.beginning(key):
            least = importance[first] * _FIRST_WORD
            while other is not None and importance[other] > least:
                yield other
                other = next(others, None)
            yield first
        if other is not None:
            yield other
            yield from others

    def _used_ranks(self, used: Mapping[str, int], fits: Callable[[str], bool]) -> list[int]:
        names = [(-uses, name) for name, uses in used.items() if fits(name.replace("_", " "))]
        ranks = (self._rank(tag_key(name)) for _, name in sorted(names))
        return [rank for rank in ranks if rank is not None]

    def _corrections(self, key: str) -> Iterator[str]:
        """Corrections of a query that matches nothing, most similar first."""
        words = _WORD.findall(key)
        if len(words) not in _MEANINGS:
            return
        limit = _MEANINGS[len(words)]
        choices = [[(0, word), *self._fixer.meant(word, limit=limit)] for word in words]
        combined = sorted(
            (sum(edits for edits, _ in choice), number, " ".join(word for _, word in choice))
            for number, choice in enumerate(product(*choices))
        )
        for _, _, corrected in combined:
            if corrected != key:
                yield corrected

    def _rank(self, key: str) -> int | None:
        found = self._by_name.exact(key) or self._by_alias.exact(key)
        return found[0] if found else None

    def _tag(self, rank: int) -> Tag:
        aliases = self._aliases.get(rank)
        return Tag(
            name=self._names[rank],
            category=TagCategory(self._categories[rank]),
            count=self._counts[rank],
            aliases=tuple(aliases.split(",")) if aliases else (),
        )

    def _alias_lookup(self) -> Lookup:
        keys: list[str] = []
        ranks: list[int] = []
        for rank, joined in self._aliases.items():
            for alias in joined.split(","):
                keys.append(tag_key(alias))
                ranks.append(rank)
        return Lookup(keys, ranks)

    def _words(self, keys: Sequence[str]) -> Iterator[str]:
        """Each word of names and aliases once, by the best tag that contains it. Artists are left
        out: they are many, rare, and mean little to the model.
        """
        seen: set[str] = set()
        for rank, key in enumerate(keys):
            if self._categories[rank] == TagCategory.ARTIST:
                continue
            for word in _WORD.findall(f"{key} {self._aliases.get(rank, '')}".lower()):
                if word not in seen:
                    seen.add(word)
                    yield word


class _Picked:
    """Collects matches: each allowed tag once, up to the limit."""

    def __init__(
        self,
        tag: Callable[[int], Tag],
        tag_categories: bytearray,
        *,
        limit: int,
        categories: frozenset[TagCategory] | None,
        hide: Hide,
    ) -> None:
        self.matches: list[TagMatch] = []
        self.met = False
        """Whether anything matched, hidden or not: a hidden tag is no typing error."""
        self._tag = tag
        self._tag_categories = tag_categories
        self._limit = limit
        self._categories = categories
        self._hide = hide
        self._seen: set[int] = set()

    @property
    def full(self) -> bool:
        return len(self.matches) >= self._limit

    def add(
        self, ranks: Iterable[int], alias: Callable[[int], str | None] = lambda _: None
    ) -> None:
        for rank in ranks:
            if self.full:
                return
            self.met = True
            if self._categories is not None and self._tag_categories[rank] not in self._categories:
                continue
            if rank in self._seen:
                continue
            self._seen.add(rank)
            tag = self._tag(rank)
            if not self._hidden(tag):
                self.matches.append(TagMatch(tag=tag, matched_alias=alias(rank)))

    def _hidden(self, tag: Tag) -> bool:
        if callable(self._hide):
            return self._hide(tag)
        return tag.name in self._hide or tag.danbooru_name in self._hide


def _falling(counts: Sequence[int]) -> "array[int]":
    """Counts that never increase: the model's own words have none, and keep their rank."""
    return array("I", reversed([*accumulate(reversed(counts), max)]))


def _word_lookup(keys: Sequence[str]) -> Lookup:
    """Where words start inside names, except for the first: `between eyes` and `eyes`."""
    suffixes: list[str] = []
    ranks: list[int] = []
    for rank, key in enumerate(keys):
        for match in _WORD_START.finditer(key):
            if match.start():
                suffixes.append(key[match.start() :])
                ranks.append(rank)
    return Lookup(suffixes, ranks)


def _has_word_start(name: str, key: str) -> bool:
    at = name.find(key)
    return at == 0 or (at > 0 and not name[at - 1].isalnum())


def _same(key: str, name: str) -> str:
    """One object for both if they are equal, which halves the memory."""
    return name if key == name else key
