"""Waits for what Discord refuses, and changes what it refuses."""

from typing import Any

from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.gateway import GUILDS
from bot.playground.simulator.payloads import channel_json
from bot.playground.simulator.world import Channel, ChannelType, Guild, Member, Role
from data.guilds import audit, guild_settings, outbox
from data.guilds.audit import AuditEntry, AuditEvent, AuditKind
from data.guilds.outbox import OutboxItem
from data.guilds.server_settings import GuildSettings
from tests.cogs.running import Discord, Running
from tests.support.patience import until

OTHER = 500000000000000001
OTHER_LOG = 500000000000000002
THREAD = 500000000000000003


def other_server(place: Discord) -> None:
    """A second server that the bot is in, with one channel."""
    world = place.world
    guild = Guild(id=OTHER, name="Other", owner_id=IDS.owner)
    guild.roles[OTHER] = Role(id=OTHER, name="@everyone", permissions=p.EVERYONE)
    for user_id in (IDS.owner, IDS.bot):
        guild.members[user_id] = Member(user_id=user_id, joined_at=world.time())
    world.guilds[OTHER] = guild
    world.channels[OTHER_LOG] = Channel(
        id=OTHER_LOG, type=ChannelType.TEXT, name="log", guild_id=OTHER
    )


async def settle(running: Running, guild_id: int, **settings: Any) -> None:
    async with running.services.database.transaction() as connection:
        await guild_settings.put(connection, guild_id=guild_id, settings=GuildSettings(**settings))


async def note(running: Running, guild_id: int) -> None:
    await running.services.audit.record(AuditEvent(kind=AuditKind.LIMITS_RESET, guild_id=guild_id))


async def parked(running: Running) -> list[OutboxItem]:
    return await running.services.outbox.parked(limit=100)


async def until_parked(running: Running) -> OutboxItem:
    found = await until(lambda: parked(running))
    return found[0]


async def undelivered(running: Running) -> list[AuditEntry]:
    async with running.services.database.reader() as reader:
        return await audit.page(
            reader, guild_id=IDS.guild, kinds=["undelivered"], offset=0, limit=100
        )


def posts_in(place: Discord, channel_id: int) -> int:
    return sum(bool(message.embeds) for message in place.world.messages_in(channel_id))


async def attempts(running: Running, lane: str) -> int:
    async with running.services.database.reader() as reader:
        found = await outbox.due_in(reader, lane=lane, now=9e9, limit=1)
    return found[0].attempts if found else 0


def give_role(place: Discord) -> None:
    role = place.loopback.changes.add_role(IDS.guild, "painter")
    place.loopback.changes.set_roles(IDS.guild, IDS.bot, [IDS.bot_role, role.id])


def delete_role(place: Discord) -> None:
    place.loopback.changes.delete_role(IDS.guild, IDS.moderator_role)


def restrict(place: Discord) -> None:
    place.loopback.changes.set_age_restricted(IDS.gallery, on=True)


async def in_a_thread(place: Discord, running: Running) -> int:
    """A message of the bot in a thread of #general."""
    place.world.channels[THREAD] = Channel(
        id=THREAD, type=ChannelType.PUBLIC_THREAD, name="t", guild_id=IDS.guild,
        parent_id=IDS.general, owner_id=IDS.alice,
    )  # fmt: skip
    created = channel_json(place.world, place.world.channel(THREAD))
    place.loopback.gateway.dispatch("THREAD_CREATE", created, intent=GUILDS)
    sent = await running.bot.get_partial_messageable(THREAD).send("picture")
    return sent.id
