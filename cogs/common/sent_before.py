"""Whether a word of the outbox was sent already, by a run of the bot that ended before it could
enter that. Discord drops a repeated nonce only within some minutes."""

from datetime import UTC, datetime, timedelta
from typing import Final

import discord

from bot.client.client import EkakiBot
from data.guilds.outbox import OutboxItem

_LOOK_AT: Final = 100  # messages: one request
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


async def sent_before(
    bot: EkakiBot,
    place: discord.abc.Messageable,
    item: OutboxItem,
    *,
    content: str = "",
    title: str = "",
    repeats: bool = False,
) -> bool:
    """Whether `place` has a message of ours with this content, or with an embed of this title.
    `repeats`: the same may be said again some day, so only what is not older than `item` counts,
    which takes this machine's clock for right. Discord's exceptions are raised, but for one: where
    we may not read we can't know."""
    since = datetime.fromtimestamp(item.put_at, UTC) - _CLOCKS_DIFFER
    try:
        async for message in place.history(limit=_LOOK_AT):
            if repeats and message.created_at < since:
                break
            ours = bot.user is not None and message.author.id == bot.user.id
            titles = [embed.title for embed in message.embeds]
            if ours and (message.content == content if content else title in titles):
                return True
    except discord.Forbidden:
        return False
    return False
