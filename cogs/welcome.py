"""A word to a server that the bot was just invited to: what members type, and what its managers
decide first. Once for each server, whatever happens."""

import logging

import discord
from discord.ext import commands

from bot.client import EkakiBot
from cogs.errors import UNREACHABLE
from cogs.languages import guild_locale
from data import notes
from data.text import speaking, text
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)


class Welcome(commands.Cog):
    """Listens. A server that was joined while the bot was not running is not greeted: Discord does
    not say when that was."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot

    @commands.Cog.listener("on_guild_join")
    async def joined(self, guild: discord.Guild) -> None:
        channel = hall(guild)
        try:
            if channel is None or not await self._is_first(guild.id):
                return
            with speaking(guild_locale(self.bot, guild)):
                embed = discord.Embed(
                    title=text("welcome.title"), description=text("welcome.members")
                )
                embed.add_field(
                    name=text("welcome.managers"), value=text("welcome.setup"), inline=False
                )
            await channel.send(embed=embed, allowed_mentions=discord.AllowedMentions.none())
        except (StorageError, *UNREACHABLE) as error:
            _log.warning("Server %s was not greeted: %s", guild.id, error)

    async def _is_first(self, guild_id: int) -> bool:
        """Noted before it is said: rather never than twice."""
        key = f"welcomed:{guild_id}"
        async with self.bot.services.database.transaction() as connection:
            if await notes.get(connection, key=key) is not None:
                return False
            await notes.put(connection, key=key, value="")
        return True


def hall(guild: discord.Guild) -> discord.TextChannel | None:
    """Where a newcomer is greeted: the channel in which Discord itself does so, else the first in
    which we may write."""
    first = [] if guild.system_channel is None else [guild.system_channel]
    for channel in [*first, *sorted(guild.text_channels, key=lambda each: each.position)]:
        may = channel.permissions_for(guild.me)
        if may.view_channel and may.send_messages and may.embed_links:
            return channel
    return None


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Welcome(bot))
