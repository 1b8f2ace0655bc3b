"""A bot on two servers, each on a shard of its own, and looks at both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from bot.client.sharded import ShardedBot
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.gateway import Gateway, Session
from data.gallery.entries import Entry
from data.guilds import guild_settings
from data.guilds.server_settings import GuildSettings
from data.jobs.jobs import JobRecord
from tests.cogs.gallery.helpers import entries
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import until
from tests.support.second_server import OTHER, OTHER_GALLERY, OTHER_GENERAL
from tests.support.views import MessageView

HERE, THERE = 0, 1
"""The shards of the two servers."""

GENERAL = {HERE: IDS.general, THERE: OTHER_GENERAL}
GALLERY = {HERE: IDS.gallery, THERE: OTHER_GALLERY}
GUILD = {HERE: IDS.guild, THERE: OTHER}


@asynccontextmanager
async def sharded_bot(place: Discord, **settings: Any) -> AsyncGenerator[Running]:
    """The bot on both servers, each with a gallery for pictures with one star."""
    async with open_bot(place, **settings) as running:
        async with running.services.database.transaction() as connection:
            for shard_id, guild_id in GUILD.items():
                chosen = GuildSettings(gallery_channel_id=GALLERY[shard_id], gallery_threshold=1)
                await guild_settings.put(connection, guild_id=guild_id, settings=chosen)
        yield running


def is_connected(bot: ShardedBot, shard_id: int = HERE) -> bool:
    """Whether a shard is."""
    return any(view.id == shard_id and view.connected for view in bot.shard_views())


def sessions(gateway: Gateway, shard_id: int) -> list[Session]:
    """All sessions that a shard has had, without those that were forgotten."""
    return [each for each in gateway.sessions.values() if each.shard_id == shard_id]


def told(gateway: Gateway, shard_id: int, name: str) -> int:
    """How often a shard was sent an event."""
    sent = [event for each in sessions(gateway, shard_id) for event in each.sent]
    return sum(event["t"] == name for event in sent)


async def ask(visitor: Visitor, shard_id: int) -> MessageView:
    """`/imagine` in a server, until it is accepted."""
    return await visitor.answer("imagine", GENERAL[shard_id], prompt="1girl, hat", steps=2)


async def drawn(visitor: Visitor, shard_id: int) -> MessageView:
    """The message of a new picture in a server."""
    return await has_picture(visitor, await ask(visitor, shard_id))


async def has_picture(visitor: Visitor, message: MessageView) -> MessageView:
    """The message, once it has its picture and says so: no Cancel, no preview."""

    def finished() -> MessageView | None:
        seen = visitor.member.message(message.id)
        done = seen.attachments and all(b.get("label") != "Cancel" for b in seen.buttons)
        return seen if done else None

    return await until(finished)


def posts(visitor: Visitor, shard_id: int) -> int:
    """How many entries the gallery's channel of a server shows."""
    found = visitor.member.visible_messages(GALLERY[shard_id])
    return sum(any(f.filename.startswith("gallery-") for f in m.attachments) for m in found)


async def states(running: Running, shard_id: int) -> list[tuple[str, int]]:
    """State and votes of a server's entries."""
    found: list[Entry] = [e for e in await entries(running) if e.guild_id == GUILD[shard_id]]
    return [(entry.state, entry.votes) for entry in found]


async def jobs_in(running: Running, shard_id: int) -> list[JobRecord]:
    return [job for job in await running.jobs() if job.guild_id == GUILD[shard_id]]


async def shared(visitor: Visitor, message: MessageView) -> str:
    """What "Share" says."""
    return (await whole(await visitor.press(message, "Share"))).text
