"""Finds messages of a job whose id is not known: a run of the bot was killed before it could enter
it. They are told by the Cancel button and by the names of the files."""

from collections.abc import AsyncIterator
from typing import Final

import discord

from bot.client.client import EkakiBot
from cogs.drawing.cancel import cancel_id
from cogs.drawing.render import file_stem

RECENT: Final = 100
"""Messages of a channel that are looked through, the newest first."""


async def our_messages(
    bot: EkakiBot, target: discord.abc.Messageable
) -> AsyncIterator[discord.Message]:
    """The bot's own among the recent messages."""
    me = bot.user
    async for message in target.history(limit=RECENT):
        if me is not None and message.author.id == me.id:
            yield message


def has_cancel_button(message: discord.Message, job_id: str) -> bool:
    """Whether the message waits for the job."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    return any(each.custom_id == cancel_id(job_id) for row in rows for each in row.children)


def shows(message: discord.Message, job_id: str) -> bool:
    """Whether the message waits for the job or has pictures of it."""
    pictures = any(name.startswith(file_stem(job_id)) for name in stems(message))
    return pictures or has_cancel_button(message, job_id)


def stem(file_name: str) -> str:
    """Without the suffix: where a file was too large, one of another format is sent."""
    return file_name.rpartition(".")[0]


def stems(message: discord.Message) -> set[str]:
    """The stems of all files of a message."""
    return {stem(file.filename) for file in message.attachments}
