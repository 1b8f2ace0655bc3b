"""Takes messages of deleted pictures out of Discord, also those that a crash left."""

from typing import Final

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.kinds import Kind
from cogs.common.threads import unarchived
from data.guilds.outbox import OutboxItem


class RemovalsCog(commands.Cog, name="Removals"):
    """No commands: sends one kind of the outbox."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        self.bot.services.outbox.senders[Kind.MESSAGE_REMOVAL] = self.remove

    async def remove(self, item: OutboxItem) -> None:
        """Delete one message. Where it is gone already there is nothing to do."""
        channel_id, message_id = int(item.payload["channel_id"]), int(item.payload["message_id"])
        message = self.bot.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            await unarchived(self.bot, channel_id, message.delete)
        except discord.NotFound as error:
            if error.code not in GONE:
                raise
        hit("message_removed_unmarked")


GONE: Final = frozenset({10003, 10008})  # unknown channel, unknown message


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(RemovalsCog(bot))
