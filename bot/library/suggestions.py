"""Autocompletion within milliseconds, limited to what the place allows."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from bot.common.sizes import size_label
from bot.jobs.service import JobService
from bot.library.held_texts import HeldTexts
from bot.safety.ceiling import Place
from data.people import tag_uses
from data.shipped.text import text
from data.store.database import Database
from pipeline.aspect import suggest_aspects
from pipeline.errors import InputError
from pipeline.prompt.tags import plain_keys
from pipeline.tag_category import TagCategory
from pipeline.tags.complete import Completion, complete_last_piece, completion, takes_tags
from pipeline.tags.index import TagIndex
from pipeline.tags.labels import label, meant, shown_head
from pipeline.tags.suitability import hidden_above
from pipeline.tags.tag import TagMatch, short_count, tag_key

MAX_SUGGESTIONS: Final = 25  # Discord, of an autocompletion
MAX_CHOICE: Final = 100  # characters of a choice's name and value, Discord
_TYPED_ON: Final = re.compile(r"›,[ \t,]*(?=[^\s,])")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A choice: `name` is shown, `value` is what is sent when it is picked."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who types, and where. `channel_id`: the channel whose settings apply. `role_ids`: of a member
    of a server."""

    user_id: int
    place: Place
    guild_id: int | None
    channel_id: int
    role_ids: tuple[int, ...] = ()


class Suggestions:
    """Suggestions for the options of `/imagine`."""

    def __init__(self, *, tags: TagIndex, database: Database, jobs: JobService) -> None:
        self._tags = tags
        self._database = database
        self._jobs = jobs
        self._held = HeldTexts()

    def meant(self, typed: str, *, user_id: int) -> str:
        """Expand the names of suggestions in a text.

        Raises InputError if a suggestion refers to a text that is no longer held.
        """
        typed = _TYPED_ON.sub("›, ", typed)  # after a picked suggestion, whose comma many repeat
        return meant(self._held.put_back(typed, user_id=user_id))

    def keep(self, typed: Iterable[str], *, user_id: int) -> None:
        """Hold on to what the other options of a command refer to."""
        for each in typed:
            with suppress(InputError):  # reported once it is sent
                self._held.put_back(each, user_id=user_id)

    async def prompt(
        self, typed: str, asker: Asker, *, beyond: Literal["tags", "form"]
    ) -> list[Suggestion]:
        """For the last comma-separated piece of `typed`; what precedes it stays unchanged.

        A completed text that would not fit into a choice is not offered, because nothing is ever
        cut. A last row (`beyond`) then says how to continue, and refers to what was typed.
        """
        try:
            typed = self.meant(typed, user_id=asker.user_id)
        except InputError:  # reported once it is sent
            return []
        found = await self._for_piece(typed, asker)
        made = [self._row(typed, match, user_id=asker.user_id) for match in found]
        fitting = [each for each in made if each is not None]
        if len(fitting) == len(made):
            return fitting
        mark = self._held.hold(typed, user_id=asker.user_id)
        last = Suggestion(f"{text(f'imagine.beyond_{beyond}')} {mark}", mark)
        return [*fitting[: MAX_SUGGESTIONS - 1], last]

    def _row(self, typed: str, match: TagMatch, *, user_id: int) -> Suggestion | None:
        """`typed` completed to `match`, ready for the next tag; None if it does not fit. If the
        name has no room for what comes before the tag, a mark refers to it: a row never begins
        with what all of them share."""
        done = completion(typed, match.tag, ready=True)
        texts = [done.text, completion(typed, match.tag).text]
        value = next((each for each in texts if len(each) <= MAX_CHOICE), None)
        if value is None:
            return None
        names = [label(done, remarks) for remarks in _remarks(match)]
        if len(names[-1]) > MAX_CHOICE:
            mark = self._held.hold_head(shown_head(done.head), user_id=user_id)
            names = [label(done, remarks, head=mark) for remarks in _remarks(match)]
        return Suggestion(next(each for each in names if len(each) <= MAX_CHOICE), value)

    async def tags(self, typed: str, asker: Asker, *, limit: int = MAX_CHOICE) -> list[Suggestion]:
        """As `prompt`, for a search: only results of up to `limit` characters."""
        found = await self._for_piece(meant(typed), asker)
        made = (_completed(meant(typed), match, limit=limit) for match in found)
        return [each for each in made if each is not None]

    async def characters(self, typed: str, asker: Asker) -> list[Suggestion]:
        """Characters by name or alias, with the series that they add."""
        found = await self._search(meant(typed), asker, TagCategory.CHARACTER)
        return [_named(match, self._tags.series_of(match.tag.name) or "") for match in found]

    async def series(self, typed: str, asker: Asker) -> list[Suggestion]:
        """Series by name or alias."""
        found = await self._search(meant(typed), asker, TagCategory.COPYRIGHT)
        return [_named(match) for match in found]

    def aspects(self, typed: str) -> list[Suggestion]:
        """The nine sizes by name, ratio or pixels; any other ratio suggests the nearest."""
        found = suggest_aspects(typed, size_label)
        return [Suggestion(size_label(bucket), bucket.ratio) for bucket in found]

    async def _for_piece(self, typed: str, asker: Asker) -> list[TagMatch]:
        """Completions for the end of `typed`: none after flags, and, if no tag was started, none
        that is already there."""
        if not takes_tags(typed):
            return []
        head, piece = complete_last_piece(typed)
        if piece:
            return await self._search(piece, asker)
        there = plain_keys(head)
        found = await self._search("", asker, limit=MAX_SUGGESTIONS + len(there))
        return [each for each in found if tag_key(each.tag.name) not in there][:MAX_SUGGESTIONS]

    async def _search(
        self,
        query: str,
        asker: Asker,
        category: TagCategory | None = None,
        limit: int = MAX_SUGGESTIONS,
    ) -> list[TagMatch]:
        ceiling, _ = await self._jobs.ceiling(
            place=asker.place, guild_id=asker.guild_id, channel_id=asker.channel_id
        )
        used = await self._database.read(tag_uses.most_used, user_id=asker.user_id)
        return self._tags.search(
            query,
            limit=limit,
            categories=None if category is None else frozenset({category}),
            used=used,
            hide=hidden_above(ceiling.rating),
        )


def _completed(typed: str, match: TagMatch, *, limit: int) -> Suggestion | None:
    """`typed` completed to `match`, with as many remarks as fit; None if it does not fit."""
    done = completion(typed, match.tag)
    for remarks in _remarks(match):
        suggestion = Suggestion(label(done, remarks), done.text)
        if max(len(suggestion.name), len(suggestion.value)) <= limit:
            return suggestion
    return Suggestion(done.text, done.text) if len(done.text) <= limit else None


def _named(match: TagMatch, series: str = "") -> Suggestion:
    """The name of a tag alone."""
    name = match.tag.name
    whole = Completion("", name, "")
    labels = (label(whole, [*remarks, series]) for remarks in _remarks(match))
    return Suggestion(next((each for each in labels if len(each) <= MAX_CHOICE), name), name)


def _remarks(match: TagMatch) -> list[list[str]]:
    """The remarks about a tag, from longest to shortest."""
    kind = text("imagine.artist") if match.tag.category is TagCategory.ARTIST else ""
    count = short_count(match.tag.count) if match.tag.count else ""
    return [[match.matched_alias or "", kind, count], [kind, count], []]
