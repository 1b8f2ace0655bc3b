"""What tests of the gallery share: a server with one, and looks at it as members see it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from bot.outbox.dispatcher import Dispatcher
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Channel, ChannelType
from cogs.common.outbox import OutboxCog
from cogs.gallery.posting.events import GalleryEvents
from data.gallery import entries as gallery
from data.gallery.entries import Entry
from data.guilds import guild_settings, place_settings
from data.guilds.server_settings import GuildSettings
from data.jobs.jobs import JobRecord
from data.store.database import Database
from pipeline.rating import Rating
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import PATIENCE_S
from tests.support.views import MessageView

STAR = "⭐"
FORUM = 300000000000000077


@asynccontextmanager
async def gallery_bot(
    place: Discord, *, edit_every_s: float = 0.05, web_url: str = "", **settings: Any
) -> AsyncGenerator[Running]:
    """The bot on a server whose gallery channel is #gallery; `settings` change the rest."""
    async with open_bot(place, web_url=web_url) as running:
        await choose(running, **settings)
        events(running).mirror.edit_every_s = edit_every_s
        yield running


def dispatcher(running: Running) -> Dispatcher:
    """What sends the outbox."""
    return cast("OutboxCog", running.bot.get_cog("Outbox")).dispatcher


def events(running: Running) -> GalleryEvents:
    # discord.py loads extensions as modules of its own, so this is no isinstance.
    return cast("GalleryEvents", running.bot.get_cog("GalleryEvents"))


async def choose(running: Running, **settings: Any) -> None:
    """Set what moderators set."""
    values: dict[str, Any] = {
        "gallery_channel_id": IDS.gallery, "gallery_threshold": 2
    }  # fmt: skip
    async with running.services.database.transaction() as connection:
        await guild_settings.put(
            connection, guild_id=IDS.guild, settings=GuildSettings(**values | settings)
        )


async def set_ceiling(running: Running, ceiling: Rating) -> None:
    async with running.services.database.transaction() as connection:
        await place_settings.set_ratings(
            connection, scope="guild", id=IDS.guild, guild_id=IDS.guild, ceiling=ceiling,
            default=None,
        )  # fmt: skip


async def entries(running: Running) -> list[Entry]:
    """All entries, the oldest first."""
    return await entries_in(running.services.database)


async def entries_in(database: Database) -> list[Entry]:
    async with database.reader() as connection:
        return await gallery.ENTRIES.many(connection, "ORDER BY e.number")


async def picture(
    visitor: Visitor, running: Running, prompt: str = "1girl, smile", **options: Any
) -> tuple[JobRecord, MessageView]:
    """A finished picture of a member, and its message."""
    job = await visitor.draw(running, prompt, **{"steps": 2} | options)
    return job, visitor.member.message(job.message_id or 0)


def shown(visitor: Visitor, channel: int = IDS.gallery) -> list[MessageView]:
    """The entries in a gallery channel, as a member sees them."""
    return [
        message
        for message in visitor.member.visible_messages(channel)
        if any(file.filename.startswith("gallery-") for file in message.attachments)
    ]


async def until_shown(
    visitor: Visitor, *, count: int, channel: int = IDS.gallery
) -> list[MessageView]:
    """Wait until so many entries are shown."""
    return await visitor.member.wait_for(
        lambda: len(found := shown(visitor, channel)) == count and (found or True), PATIENCE_S
    )


async def share(
    visitor: Visitor, running: Running, *, seen_by: Visitor
) -> tuple[MessageView, MessageView]:
    """(The message of a member's new picture, the gallery's message, its only one.)"""
    _, message = await picture(visitor, running)
    await whole(await visitor.press(message, "Share"))
    (posted,) = await until_shown(seen_by, count=1)
    return message, posted


def stars_of(message: MessageView) -> str:
    """What the vote button says."""
    return str(message.button("ekaki:vote").get("label"))


async def until_stars(visitor: Visitor, votes: int, channel: int = IDS.gallery) -> None:
    """Wait until the only entry shows so many."""

    def fits() -> bool:
        found = shown(visitor, channel)
        return len(found) == 1 and stars_of(found[0]) == f"⭐ {votes}"

    await visitor.member.wait_for(fits, PATIENCE_S)


async def until_entries(running: Running, *wanted: tuple[str, int]) -> None:
    """Wait until the entries have these states and votes, the oldest first."""
    async with asyncio.timeout(PATIENCE_S):
        while [(e.state, e.votes) for e in await entries(running)] != [*wanted]:
            await asyncio.sleep(0.02)


async def nothing_more(running: Running) -> None:
    """Until the gallery has done all it has to do about what happened so far."""
    await running.heard()
    await events(running).settled()
    database = running.services.database
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with (
                database.reader() as connection,
                connection.execute(
                    "SELECT COUNT(*) FROM outbox WHERE kind LIKE 'gallery%' AND state = 'waiting'"
                ) as cursor,
            ):
                row = await cursor.fetchone()
            if row is not None and row[0] == 0:
                return
            await asyncio.sleep(0.02)


def add_forum(place: Discord, *, nsfw: bool = False) -> None:
    """A forum on the server, before the bot connects."""
    place.world.channels[FORUM] = Channel(
        id=FORUM, type=ChannelType.FORUM, name="showcase", guild_id=IDS.guild, nsfw=nsfw
    )
