"""Takes messages of deleted pictures out of Discord, also those that a crash left."""

import logging

import discord
from discord.ext import commands

from bot.client import EkakiBot
from bot.failpoints import hit
from cogs.background import Background

_log = logging.getLogger(__name__)


class RemovalsCog(commands.Cog, name="Removals"):
    """No commands: work in the background."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        removals = bot.services.removals
        self.background = Background(
            bot, name="removing messages", fresh=removals.fresh, work=self.work
        )

    async def cog_load(self) -> None:
        self.background.start()

    async def cog_unload(self) -> None:
        await self.background.stop()

    async def work(self) -> None:
        """Remove everything that waits. Raises where Discord is out of reach."""
        removals = self.bot.services.removals
        while waiting := await removals.waiting():
            for channel_id, message_id in waiting:
                await self._remove(channel_id, message_id)
                hit("message_removed_unmarked")
                await removals.done(channel_id=channel_id, message_id=message_id)

    async def _remove(self, channel_id: int, message_id: int) -> None:
        channel = self.bot.get_partial_messageable(channel_id)
        try:
            await channel.get_partial_message(message_id).delete()
        except (discord.NotFound, discord.Forbidden) as error:  # gone, or not ours to remove
            _log.info("Message %s is not removed: %s", message_id, error)


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(RemovalsCog(bot))
