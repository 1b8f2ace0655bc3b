"""Whether a message of the outbox was already sent by a run of the bot that ended before it could
record that. Discord drops a repeated nonce only within some minutes."""

from typing import Final

import discord

from bot.client.client import EkakiBot
from data.guilds.outbox import OutboxItem

_LOOK_AT: Final = 100  # messages: one request
_SEEN: Final = "seen"
"""In an item's payload: the newest message of its place before the first attempt, 0 for none."""


async def sent_before(
    bot: EkakiBot,
    place: discord.abc.Messageable,
    item: OutboxItem,
    *,
    content: str = "",
    title: str = "",
    repeats: bool = False,
) -> bool:
    """Whether `place` has one of our messages with this content, or with an embed of this title.
    `repeats`: the same message may be sent again some day, so only messages since the first attempt
    count. Discord's ids decide that, because this machine's clock may be wrong: the newest id is
    stored before anything is sent. Raises Discord's exceptions, except if the bot may not read the
    channel."""
    seen = item.payload.get(_SEEN) if repeats else None
    newest = 0
    try:
        async for message in place.history(limit=_LOOK_AT):
            newest = max(newest, message.id)
            if repeats and (not isinstance(seen, int) or message.id <= seen):
                break
            ours = bot.user is not None and message.author.id == bot.user.id
            titles = [embed.title for embed in message.embeds]
            if ours and (message.content == content if content else title in titles):
                return True
    except discord.Forbidden:
        return False
    if repeats and not isinstance(seen, int):
        await bot.services.outbox.note(item, {_SEEN: newest})
    return False
