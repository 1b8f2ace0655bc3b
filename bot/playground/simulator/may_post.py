"""Whether the bot may post a message somewhere, as Discord decides it."""

from bot.playground.simulator import errors
from bot.playground.simulator import permissions as p
from bot.playground.simulator.errors import Json
from bot.playground.simulator.posting import Body
from bot.playground.simulator.world import THREADS, Channel, ChannelType, World


def check_may_post(world: World, channel: Channel, body: Body) -> None:
    """Raises ApiError if the bot may not post `body` there."""
    bot = world.bot_user_id
    if channel.type == ChannelType.DM:
        if not world.user(channel.recipient_ids[0]).accepts_dms:
            raise errors.cannot_message_user()
        return
    if channel.archived and channel.locked:
        raise errors.thread_archived()
    if channel.type in {ChannelType.FORUM, ChannelType.CATEGORY}:
        raise errors.wrong_channel_type()
    thread = channel.type in THREADS
    wanted = p.SEND_MESSAGES_IN_THREADS if thread else p.SEND_MESSAGES
    wanted |= p.ATTACH_FILES if body.uploads else 0
    wanted |= p.EMBED_LINKS if body.json.get("embeds") else 0
    if not p.may(world, channel, bot, wanted):
        raise errors.missing_permissions()


def check_reference(world: World, channel: Channel, body: Json) -> None:
    """Raises ApiError if `body` replies to a message that does not exist."""
    reference = body.get("message_reference")
    if not reference or not reference.get("fail_if_not_exists", True):
        return
    try:
        world.message(int(reference["message_id"]), channel_id=channel.id)
    except errors.ApiError:
        code, message = "REPLIES_UNKNOWN_MESSAGE", "Unknown message"
        raise errors.invalid(("message_reference",), code, message) from None
