"""Posts a server's audit log into its log channel, each entry once, also over a crash."""

import logging
import re
from collections.abc import Sequence
from typing import Final

import discord
from discord.ext import commands

from bot.client import EkakiBot
from bot.failpoints import hit
from cogs.audit_lines import line
from cogs.background import Background
from cogs.languages import guild_locale
from data import audit
from data.audit import AuditEntry
from data.text import speaking, text

_log = logging.getLogger(__name__)

AT_ONCE: Final = 10  # entries in a message
_LOOK_BACK: Final = 50  # messages of the channel, for what was posted before a crash
_FOOTER: Final = re.compile(r"#\d+–#(\d+)")


class LogChannel(commands.Cog):
    """No commands: work in the background."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._looked: set[int] = set()  # channels in which this run knows what is posted
        self.background = Background(
            bot, name="posting the audit log", fresh=bot.services.audit.fresh, work=self.work
        )

    async def cog_load(self) -> None:
        self.background.start()

    async def cog_unload(self) -> None:
        await self.background.stop()

    async def work(self) -> None:
        """Post everything that waits, server by server."""
        async with self.bot.services.database.reader() as connection:
            waiting = await audit.guilds_to_post(connection)
        for guild_id, channel_id in waiting:
            await self._post_all(guild_id, channel_id)

    async def _post_all(self, guild_id: int, channel_id: int) -> None:
        if channel_id not in self._looked:
            posted = await self._posted_up_to(channel_id)
            if posted is not None:
                await self._mark(guild_id, posted)
            self._looked.add(channel_id)
        while True:
            async with self.bot.services.database.reader() as connection:
                entries = await audit.to_post(connection, guild_id=guild_id, limit=AT_ONCE)
            if not entries:
                return
            await self._post(channel_id, entries)
            hit("log_posted_unmarked")
            await self._mark(guild_id, entries[-1].id)

    async def _post(self, channel_id: int, entries: Sequence[AuditEntry]) -> None:
        """One message. Where the channel is gone or closed to us the entries stay in the database
        only: `/moderate log` has them."""
        first, last = entries[0].id, entries[-1].id
        known = self.bot.get_channel(channel_id)
        guild = getattr(known, "guild", None)
        with speaking(guild_locale(self.bot, guild)):
            public = is_public(known)
            lines = [line(entry, hide_private=public) for entry in entries]
            embed = discord.Embed(title=text("audit.title"), description="\n".join(lines))
        embed.set_footer(text=f"#{first}–#{last}")
        channel = self.bot.get_partial_messageable(channel_id)
        try:
            await channel.send(embed=embed, nonce=f"log-{first}-{last}"[:25])
        except (discord.NotFound, discord.Forbidden) as error:
            _log.warning("Entries of the log can't be posted in %s: %s", channel_id, error)

    async def _posted_up_to(self, channel_id: int) -> int | None:
        """The last entry that stands in the channel, by the footers of our messages."""
        found: list[int] = []
        channel = self.bot.get_partial_messageable(channel_id)
        try:
            async for message in channel.history(limit=_LOOK_BACK):
                if self.bot.user is None or message.author.id != self.bot.user.id:
                    continue
                for embed in message.embeds:
                    match = _FOOTER.fullmatch(embed.footer.text or "")
                    found += [int(match[1])] if match else []
        except (discord.NotFound, discord.Forbidden):
            return None
        return max(found, default=None)

    async def _mark(self, guild_id: int, up_to: int) -> None:
        async with self.bot.services.database.transaction() as connection:
            await audit.mark_posted(connection, guild_id=guild_id, up_to=up_to)


def is_public(channel: object) -> bool:
    """Whether every member of the server can read it; what isn't known counts as if."""
    if not isinstance(channel, discord.TextChannel | discord.Thread | discord.VoiceChannel):
        return True
    parent = channel.parent if isinstance(channel, discord.Thread) else channel
    return parent is None or parent.permissions_for(channel.guild.default_role).view_channel


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(LogChannel(bot))
