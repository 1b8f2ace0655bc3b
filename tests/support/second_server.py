"""A second server, which is on another shard than the default world's, if there are two."""

from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Channel, ChannelType, Guild, Member, Role, World

OTHER = 600000000004194305
OTHER_GENERAL, OTHER_GALLERY = OTHER + 1, OTHER + 2


def add_other(world: World) -> None:
    """The second server, with the people of the first."""
    guild = Guild(id=OTHER, name="Other", owner_id=IDS.owner)
    guild.roles[OTHER] = Role(id=OTHER, name="@everyone", permissions=p.EVERYONE)
    for user_id in (IDS.owner, IDS.moderator, IDS.alice, IDS.bob, IDS.bot):
        guild.members[user_id] = Member(user_id=user_id, joined_at=world.time())
    world.guilds[OTHER] = guild
    for channel_id, name in ((OTHER_GENERAL, "general"), (OTHER_GALLERY, "gallery")):
        world.channels[channel_id] = Channel(
            id=channel_id, type=ChannelType.TEXT, name=name, guild_id=OTHER
        )
