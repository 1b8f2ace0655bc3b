"""The world in which every test and the demo start: one guild, four people, the bot."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.simulator import permissions as p
from bot.playground.simulator.world import Channel, ChannelType, Guild, Member, Role, User, World


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultIds:
    """Ids in the default world. They are fixed, so that a saved world fits later versions."""

    bot: int = 100000000000000001
    owner: int = 100000000000000002
    moderator: int = 100000000000000003
    alice: int = 100000000000000004
    bob: int = 100000000000000005
    guild: int = 200000000000000001
    moderator_role: int = 200000000000000002
    bot_role: int = 200000000000000003
    general: int = 300000000000000001
    art: int = 300000000000000002
    age_restricted: int = 300000000000000003
    gallery: int = 300000000000000004
    thread: int = 300000000000000005
    age_restricted_thread: int = 300000000000000006
    moderators: int = 300000000000000007
    dm_alice: int = 400000000000000001
    dm_bob: int = 400000000000000002
    dm_moderator: int = 400000000000000003
    dm_owner: int = 400000000000000004


IDS = DefaultIds()


def default_world(*, now: Callable[[], float] = time.time) -> World:
    """A guild with five channels (one that only moderators see) and a thread in two of them, and a
    DM with each person."""
    world = World(now=now, bot_user_id=IDS.bot)
    for user in (
        User(id=IDS.bot, username="Ekaki", bot=True),
        User(id=IDS.owner, username="olga", global_name="Olga"),
        User(id=IDS.moderator, username="mika", global_name="Mika"),
        User(id=IDS.alice, username="alice", global_name="Alice"),
        User(id=IDS.bob, username="bob", global_name="Bob"),
    ):
        world.users[user.id] = user
    world.guilds[IDS.guild] = _guild(world.time())
    _add_channels(world)
    return world


def _guild(joined_at: float) -> Guild:
    moderator = p.EVERYONE | p.MANAGE_MESSAGES | p.MANAGE_CHANNELS | p.MANAGE_GUILD
    guild = Guild(id=IDS.guild, name="Atelier", owner_id=IDS.owner)
    for role in (
        Role(id=IDS.guild, name="@everyone", permissions=p.EVERYONE),
        Role(id=IDS.moderator_role, name="Moderator", permissions=moderator, position=1),
        Role(id=IDS.bot_role, name="Ekaki", permissions=p.EVERYONE, position=2),
    ):
        guild.roles[role.id] = role
    roles = {IDS.moderator: [IDS.moderator_role], IDS.bot: [IDS.bot_role]}
    for user_id in (IDS.owner, IDS.moderator, IDS.alice, IDS.bob, IDS.bot):
        guild.members[user_id] = Member(
            user_id=user_id, role_ids=roles.get(user_id, []), joined_at=joined_at
        )
    return guild


def _add_channels(world: World) -> None:
    named = (
        (IDS.general, "general", False),
        (IDS.art, "art", False),
        (IDS.age_restricted, "age-restricted", True),
        (IDS.gallery, "gallery", False),
    )
    for position, (channel_id, name, nsfw) in enumerate(named):
        world.channels[channel_id] = Channel(
            id=channel_id,
            type=ChannelType.TEXT,
            name=name,
            guild_id=IDS.guild,
            nsfw=nsfw,
            position=position,
        )
    hidden, shown = str(p.VIEW_CHANNEL), {"allow": str(p.VIEW_CHANNEL), "deny": "0"}
    world.channels[IDS.moderators] = Channel(
        id=IDS.moderators,
        type=ChannelType.TEXT,
        name="moderators",
        guild_id=IDS.guild,
        nsfw=True,  # withheld pictures are reviewed here
        position=len(named),
        overwrites=[
            {"id": str(IDS.guild), "type": 0, "allow": "0", "deny": hidden},
            {"id": str(IDS.moderator_role), "type": 0, **shown},
            {"id": str(IDS.bot_role), "type": 0, **shown},
        ],
    )
    for thread_id, name, parent_id in (
        (IDS.thread, "sketches", IDS.art),
        (IDS.age_restricted_thread, "after-dark", IDS.age_restricted),
    ):
        world.channels[thread_id] = Channel(
            id=thread_id,
            type=ChannelType.PUBLIC_THREAD,
            name=name,
            guild_id=IDS.guild,
            parent_id=parent_id,
            owner_id=IDS.owner,
        )
    for channel_id, user_id in (
        (IDS.dm_alice, IDS.alice),
        (IDS.dm_bob, IDS.bob),
        (IDS.dm_moderator, IDS.moderator),
        (IDS.dm_owner, IDS.owner),
    ):
        world.channels[channel_id] = Channel(
            id=channel_id, type=ChannelType.DM, recipient_ids=[user_id]
        )
