"""Permission bits and how roles and overwrites add up (Discord's documented algorithm)."""

from bot.playground.simulator.world import THREADS, Channel, World

ADD_REACTIONS = 1 << 6
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_MESSAGE_HISTORY = 1 << 16
MENTION_EVERYONE = 1 << 17
USE_APPLICATION_COMMANDS = 1 << 31
MANAGE_GUILD = 1 << 5
MANAGE_CHANNELS = 1 << 4
ADMINISTRATOR = 1 << 3
MANAGE_THREADS = 1 << 34
CREATE_PUBLIC_THREADS = 1 << 35
SEND_MESSAGES_IN_THREADS = 1 << 38
ALL = (1 << 53) - 1

EVERYONE = (
    ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS
)


def base_permissions(world: World, guild_id: int, user_id: int) -> int:
    """From ownership and roles, before a channel's overwrites."""
    guild = world.guild(guild_id)
    if guild.owner_id == user_id:
        return ALL
    bits = guild.roles[guild.id].permissions  # @everyone has the guild's id
    for role_id in world.member(guild_id, user_id).role_ids:
        bits |= guild.roles[role_id].permissions
    return ALL if bits & ADMINISTRATOR else bits


def permissions_in(world: World, channel: Channel, user_id: int) -> int:
    """What `user_id` may do in `channel`; 0 for non-members."""
    if channel.guild_id is None:
        here = user_id in channel.recipient_ids or user_id == world.bot_user_id
        return EVERYONE if here else 0
    if user_id not in world.guild(channel.guild_id).members:
        return 0
    bits = base_permissions(world, channel.guild_id, user_id)
    if bits == ALL:
        return bits
    if channel.type in THREADS and channel.parent_id is not None:
        channel = world.channel(channel.parent_id)
    assert channel.guild_id is not None
    roles = set(world.member(channel.guild_id, user_id).role_ids)
    by_id = {int(overwrite["id"]): overwrite for overwrite in channel.overwrites}
    for group in ([channel.guild_id], [i for i in by_id if i in roles], [user_id]):
        deny = allow = 0
        for target in group:
            if target in by_id:
                deny |= int(by_id[target]["deny"])
                allow |= int(by_id[target]["allow"])
        bits = (bits & ~deny) | allow
    return bits if bits & VIEW_CHANNEL else 0


def may(world: World, channel: Channel, user_id: int, wanted: int) -> bool:
    """Whether all bits of `wanted` are given."""
    return permissions_in(world, channel, user_id) & wanted == wanted
