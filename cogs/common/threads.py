"""Closed threads can't be changed: opens them, changes, and closes them again."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord

from bot.client.client import EkakiBot

_log = logging.getLogger(__name__)

THREAD_ARCHIVED: Final = 50083
"""Discord's error code for editing or deleting a message of a closed thread."""


async def unarchived(bot: EkakiBot, thread_id: int, change: Callable[[], Awaitable[Any]]) -> None:
    """Call `change`; if the thread is closed, open it for that and close it again."""
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
        bot.locked_threads.add(thread_id)  # retried once it is unlocked
    await thread.edit(archived=False)
    try:
        await change()
    finally:
        await _close(thread)


async def _close(thread: discord.Thread) -> None:
    """Restore its state. The change remains, whether this works or not."""
    try:
        await thread.edit(archived=True)
    except discord.HTTPException as error:
        if error.code != 10003:  # the change removed the thread
            _log.info("Thread %d stays open: %s", thread.id, error.text)
