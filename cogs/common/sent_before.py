"""Whether a word of the outbox was sent already, by a run of the bot that ended before it could
enter that. Discord drops a repeated nonce only within some minutes."""

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
    """Whether `place` has a message of ours with this content, or with an embed of this title.
    `repeats`: the same may be said again some day, so only what came since the first attempt
    counts. Discord's ids tell, as this machine's clock may be wrong: the newest one is stored
    before anything is sent. Discord's exceptions are raised, but for one: where we may not read we
    can't know."""
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
