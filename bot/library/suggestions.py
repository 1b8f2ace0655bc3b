"""Autocompletion: what somebody may mean, in milliseconds, never more than the place allows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.common.sizes import size_label
from bot.jobs.service import JobService
from bot.safety.ceiling import Place
from data.people import tag_uses
from data.store.database import Database
from pipeline.aspect import suggest_aspects
from pipeline.tag_category import TagCategory
from pipeline.tags.complete import complete_last_piece, completion
from pipeline.tags.index import TagIndex
from pipeline.tags.suitability import hidden_above
from pipeline.tags.tag import TagMatch, short_count

MAX_SUGGESTIONS: Final = 25  # Discord, of an autocompletion
MAX_CHOICE: Final = 100  # characters: Discord, of a choice's name and value

_MARK = re.compile(r"\s?‹[^‹›]*›?")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A choice: `name` is shown, `value` is what is sent when it is picked."""

    name: str
    value: str


def without_marks(text: str) -> str:
    """`text` without the remarks in ‹angle quotes› that suggestions carry.

    Discord puts a picked choice's name into the field, where people go on typing, and some clients
    send the name instead of the value (discord-api-docs#7206). So a name is the value with remarks
    that can be taken out again.
    """
    return _MARK.sub("", text)


class Suggestions:
    """Suggestions for the options of `/imagine`."""

    def __init__(self, *, tags: TagIndex, database: Database, jobs: JobService) -> None:
        self._tags = tags
        self._database = database
        self._jobs = jobs

    async def tags(
        self, typed: str, *, user_id: int, place: Place, guild_id: int | None, channel_id: int
    ) -> list[Suggestion]:
        """For the last comma-separated piece of `typed`; what stands before it stays as it is.

        Where the completed text would not fit into a choice there is none: nothing is ever cut.
        """
        typed = without_marks(typed)
        _, piece = complete_last_piece(typed)
        found = await self._search(
            piece, None, user_id=user_id, place=place, guild_id=guild_id, channel_id=channel_id
        )
        completed = ((match, completion(typed, match, MAX_CHOICE)) for match in found)
        return [_suggestion(match, value) for match, value in completed if value is not None]

    async def characters(
        self, typed: str, *, user_id: int, place: Place, guild_id: int | None, channel_id: int
    ) -> list[Suggestion]:
        """Characters by name or alias."""
        return await self._whole(
            typed,
            TagCategory.CHARACTER,
            user_id=user_id,
            place=place,
            guild_id=guild_id,
            channel_id=channel_id,
        )

    async def series(
        self, typed: str, *, user_id: int, place: Place, guild_id: int | None, channel_id: int
    ) -> list[Suggestion]:
        """Series by name or alias."""
        return await self._whole(
            typed,
            TagCategory.COPYRIGHT,
            user_id=user_id,
            place=place,
            guild_id=guild_id,
            channel_id=channel_id,
        )

    def aspects(self, typed: str) -> list[Suggestion]:
        """The nine sizes by name, ratio or pixels; any other ratio suggests the nearest."""
        found = suggest_aspects(typed, size_label)
        return [Suggestion(size_label(bucket), bucket.ratio) for bucket in found]

    async def _whole(
        self,
        typed: str,
        category: TagCategory,
        *,
        user_id: int,
        place: Place,
        guild_id: int | None,
        channel_id: int,
    ) -> list[Suggestion]:
        found = await self._search(
            without_marks(typed),
            frozenset({category}),
            user_id=user_id,
            place=place,
            guild_id=guild_id,
            channel_id=channel_id,
        )
        return [
            _suggestion(match, match.tag.name)
            for match in found
            if len(match.tag.name) <= MAX_CHOICE
        ]

    async def _search(
        self,
        query: str,
        categories: frozenset[TagCategory] | None,
        *,
        user_id: int,
        place: Place,
        guild_id: int | None,
        channel_id: int,
    ) -> Sequence[TagMatch]:
        ceiling, _ = await self._jobs.ceiling(place=place, guild_id=guild_id, channel_id=channel_id)
        async with self._database.reader() as connection:
            used = await tag_uses.most_used(connection, user_id=user_id)
        return self._tags.search(
            query,
            limit=MAX_SUGGESTIONS,
            categories=categories,
            used=used,
            hide=hidden_above(ceiling.rating),
        )


def _suggestion(match: TagMatch, value: str) -> Suggestion:
    remarks = [match.matched_alias] if match.matched_alias else []
    if match.tag.count:
        remarks.append(short_count(match.tag.count))
    name = f"{value} ‹{' · '.join(remarks)}›" if remarks else value
    return Suggestion(name if len(name) <= MAX_CHOICE else value, value)
