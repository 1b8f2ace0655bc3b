"""Finds messages of a job whose id is not known because the bot was killed before it could record
it. They are recognised by the Cancel button and by file names."""

from collections.abc import AsyncIterator
from typing import Final

import discord

from bot.client.client import EkakiBot
from cogs.drawing.cancel import cancel_id
from cogs.drawing.render import file_stem

RECENT: Final = 100
"""Messages of a channel that are searched, newest first."""


async def our_messages(
    bot: EkakiBot, target: discord.abc.Messageable
) -> AsyncIterator[discord.Message]:
    """The bot's own recent messages."""
    me = bot.user
    async for message in target.history(limit=RECENT):
        if me is not None and message.author.id == me.id:
            yield message


def has_cancel_button(message: discord.Message, job_id: str) -> bool:
    """Whether the message shows the job waiting."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    return any(each.custom_id == cancel_id(job_id) for row in rows for each in row.children)


def shows(message: discord.Message, job_id: str) -> bool:
    """Whether the message shows the job waiting or has its pictures."""
    pictures = any(name.startswith(file_stem(job_id)) for name in stems(message))
    return pictures or has_cancel_button(message, job_id)


def stem(file_name: str) -> str:
    """Without the suffix: if a file was too large, another format was sent."""
    return file_name.rpartition(".")[0]


def stems(message: discord.Message) -> set[str]:
    """The stems of all files of a message."""
    return {stem(file.filename) for file in message.attachments}
