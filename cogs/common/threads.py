"""Threads that are closed take no changes: open, change, close again."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord

from bot.client.client import EkakiBot

_log = logging.getLogger(__name__)

THREAD_ARCHIVED: Final = 50083
"""What Discord answers where a message of a closed thread is edited or deleted."""


async def unarchived(bot: EkakiBot, thread_id: int, change: Callable[[], Awaitable[Any]]) -> None:
    """Call `change`; where the thread is closed, open it for that and close it again."""
    try:
        await change()
    except discord.HTTPException as error:
        if error.code != THREAD_ARCHIVED:
            raise
    else:
        return
    thread = await bot.fetch_channel(thread_id)
    if not isinstance(thread, discord.Thread):
        await change()
        return
    if thread.locked:
        bot.locked_threads.add(thread_id)  # what is refused here is tried again once it is unlocked
    await thread.edit(archived=False)
    try:
        await change()
    finally:
        await _close(thread)


async def _close(thread: discord.Thread) -> None:
    """As it was. What was changed stands, whether this works or not."""
    try:
        await thread.edit(archived=True)
    except discord.HTTPException as error:
        if error.code != 10003:  # the change removed the thread
            _log.info("Thread %d stays open: %s", thread.id, error.text)
