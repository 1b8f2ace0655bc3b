"""Tags that go with others: from the server's own pictures, and from a small shipped list."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from bot.jobs.service import JobService
from bot.library.suggestions import Asker
from data.jobs import together
from data.jobs.together import Shown
from data.store.database import Database
from pipeline.prompt.read import read_prompt
from pipeline.prompt.weights import plain_tags
from pipeline.rating import Rating
from pipeline.tag_category import TagCategory
from pipeline.tags.index import TagIndex
from pipeline.tags.nearest import nearest
from pipeline.tags.suitability import hidden_above
from pipeline.tags.tag import Tag

MAX_RELATED: Final = 25  # Discord, of a select menu
MIN_MEMBERS: Final = 2
"""How many members must draw two tags together for others to see it: habits are private."""

Start = Mapping[str, Sequence[str]]


class Related:
    """Looks up which tags go together, and what tags mean."""

    def __init__(
        self, *, tags: TagIndex, start: Start, database: Database, jobs: JobService
    ) -> None:
        self._tags = tags
        self._start = start
        self._database = database
        self._jobs = jobs

    async def to(self, typed: str, asker: Asker, channel_ids: Collection[int]) -> list[Tag]:
        """The tags that go best with those in `typed`, of those that may be shown here.

        They come from pictures in `channel_ids`, the channels that the person sees, and from the
        shipped list if those are not enough.
        """
        rating = await self._ceiling(asker)
        shown: list[Shown] = []
        if asker.guild_id is not None:
            async with self._database.reader() as connection:
                shown = await together.shown_in(
                    connection,
                    guild_id=asker.guild_id,
                    channel_ids=channel_ids,
                    ceiling=rating,
                )
        return await asyncio.to_thread(self._ranked, typed, shown, rating)

    async def near(self, typed: str, asker: Asker) -> list[str]:
        """The names of tags that are similar to a text that is no tag."""
        return nearest(self._tags, typed, await self._ceiling(asker))

    def named(self, typed: str) -> dict[str, Tag | None]:
        """The pieces of a prompt, each with the tag that has this name or alias."""
        read = read_prompt(typed, lambda name: self._tags.category_of(name) is not None)
        return {piece: self._tags.get(piece) for piece in plain_tags(read.text)}

    async def _ceiling(self, asker: Asker) -> Rating:
        ceiling, _ = await self._jobs.ceiling(
            place=asker.place, guild_id=asker.guild_id, channel_id=asker.channel_id
        )
        return ceiling.rating

    def _ranked(self, typed: str, shown: list[Shown], rating: Rating) -> list[Tag]:
        wanted = {tag.name for tag in self.named(typed).values() if tag is not None}
        hidden = hidden_above(rating)
        found = [*going_with(wanted, map(self._drawn, shown)), *started(wanted, self._start)]
        tags = (self._tags.get(name) for name in dict.fromkeys(found) if name not in wanted)
        return [tag for tag in tags if tag is not None and not hidden(tag)][:MAX_RELATED]

    def _drawn(self, shown: Shown) -> tuple[int, frozenset[str]]:
        """Who drew it, and the tags that it shows, without quality tags."""
        pieces = (*plain_tags(shown.prompt), *shown.seen)
        tags = (self._tags.get(piece) for piece in pieces)
        names = {t.name for t in tags if t is not None and t.category is not TagCategory.META}
        return shown.user_id, frozenset(names)


def going_with(
    wanted: Collection[str], pictures: Iterable[tuple[int, frozenset[str]]]
) -> list[str]:
    """The tags that at least two members draw with `wanted`, best match first.

    Pictures with rarer tags of `wanted` count more; tags that occur everywhere count less.
    """
    drawn = list(pictures)
    often = Counter(tag for _, tags in drawn for tag in tags)
    scores: defaultdict[str, float] = defaultdict(float)
    members: defaultdict[str, set[int]] = defaultdict(set)
    for user_id, tags in drawn:
        worth = sum(1 / often[tag] for tag in wanted if tag in tags)
        for tag in tags.difference(wanted) if worth else ():
            scores[tag] += worth / often[tag] ** 0.5
            members[tag].add(user_id)
    shared = (tag for tag in scores if len(members[tag]) >= MIN_MEMBERS)
    return sorted(shared, key=lambda tag: (-scores[tag], tag))


def started(wanted: Collection[str], start: Start) -> list[str]:
    """As `going_with`, from the shipped list."""
    scores: defaultdict[str, float] = defaultdict(float)
    for tag in wanted:
        others = start.get(tag, ())
        for place, other in enumerate(others):
            scores[other] += 1 + (len(others) - place) / len(others) / len(others)
    return sorted(scores, key=lambda tag: (-scores[tag], tag))
