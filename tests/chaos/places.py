"""More than the default world has: a log channel, a second server, and servers that invite us."""

from collections.abc import Collection
from typing import Final

from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.gateway import GUILDS
from bot.playground.simulator.payloads import guild_create_json
from bot.playground.simulator.world import Channel, ChannelType, Guild, Member, Role, User, World
from tests.support.simulator import Loopback

PEOPLE: Final = (IDS.alice, IDS.bob, IDS.owner)
LOG: Final = 300000000000000050
OTHER: Final = 600000000004194305  # on the second of two shards
OTHER_ART: Final = 500000000000000002
OTHER_LOG: Final = 500000000000000003
LORA: Final = "ink"
"""In the bot's library."""
TROUBLEMAKER: Final = 100000000000000050
"""Who is blocked again and again."""
LOGS: Final = {IDS.guild: LOG, OTHER: OTHER_LOG}
"""Log channels, by server."""


def furnish(world: World) -> None:
    """Add what rounds need, before the first bot starts."""
    world.users[TROUBLEMAKER] = User(id=TROUBLEMAKER, username="tom", global_name="Tom")
    world.guild(IDS.guild).members[TROUBLEMAKER] = Member(user_id=TROUBLEMAKER)
    _add_channel(world, IDS.guild, LOG, "log")
    add_server(world, OTHER, (*PEOPLE, IDS.moderator), ((OTHER_ART, "art"), (OTHER_LOG, "log")))


def add_server(
    world: World,
    guild_id: int,
    people: Collection[int],
    channels: Collection[tuple[int, str]],
) -> Guild:
    """A server of the owner's that the bot is in; `channels` by id and name."""
    guild = Guild(id=guild_id, name=f"Server {guild_id % 1000}", owner_id=IDS.owner)
    guild.roles[guild_id] = Role(id=guild_id, name="@everyone", permissions=p.EVERYONE)
    for user_id in (*people, IDS.bot):
        guild.members[user_id] = Member(user_id=user_id, joined_at=world.time())
    world.guilds[guild_id] = guild
    for channel_id, name in channels:
        _add_channel(world, guild_id, channel_id, name)
    return guild


def _add_channel(world: World, guild_id: int, channel_id: int, name: str) -> None:
    position = len(world.channels_of(guild_id))
    world.channels[channel_id] = Channel(
        id=channel_id, type=ChannelType.TEXT, name=name, guild_id=guild_id, position=position
    )


def invite(loopback: Loopback) -> int:
    """A new server invites the bot. Returns its id."""
    world = loopback.world
    guild_id, channel_id = world.new_id(), world.new_id()
    guild = add_server(world, guild_id, (IDS.owner,), ((channel_id, "lobby"),))
    created = guild_create_json(world, guild, all_members=False)
    del created["unavailable"]  # Discord says it only of servers that the bot was in already
    loopback.gateway.dispatch("GUILD_CREATE", created, intent=GUILDS)
    return guild_id


def leave_new_servers(world: World) -> None:
    """Those that invited us go: each start would have to read them all."""
    for guild_id in world.guilds.keys() - {IDS.guild, OTHER}:
        del world.guilds[guild_id]
        for channel in world.channels_of(guild_id):
            channel.guild_id = None
