"""Deletes messages of deleted pictures from Discord, including those that a crash left."""

from typing import Final

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.kinds import Kind
from cogs.common.extension import extension
from cogs.common.known import PlaceUnknownError
from cogs.common.threads import unarchived
from cogs.drawing.finding import our_messages, shows
from data.guilds.outbox import OutboxItem
from pipeline.errors import RefusedError


class RemovalsCog(commands.Cog, name="Removals"):
    """No commands: sends one kind of the outbox."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        self.bot.services.outbox.senders[Kind.MESSAGE_REMOVAL] = self.remove

    async def remove(self, item: OutboxItem) -> None:
        """Delete one message, or those that are found to show a job."""
        channel_id, job_id = int(item.payload["channel_id"]), item.payload.get("job_id")
        if job_id is None:
            await self._delete(channel_id, int(item.payload["message_id"]))
        else:
            try:
                presenters = self.bot.presenters
            except RefusedError as error:  # the bot stops
                raise PlaceUnknownError(item.guild_id or 0) from error
            await presenters.ended(job_id)  # what it sends may be on its way
            channel = self.bot.get_partial_messageable(channel_id)
            found = [
                message.id
                async for message in our_messages(self.bot, channel)
                if shows(message, job_id)
            ]
            for message_id in found:
                await self._delete(channel_id, message_id)
        hit("message_removed_unmarked")

    async def _delete(self, channel_id: int, message_id: int) -> None:
        """Delete a message; does nothing if it is already deleted."""
        message = self.bot.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            await unarchived(self.bot, channel_id, message.delete)
        except discord.NotFound as error:
            if error.code not in GONE:
                raise


GONE: Final = frozenset({10003, 10008})  # unknown channel, unknown message


setup = extension(RemovalsCog)
