"""Posts a server's audit log into its log channel, each entry once, even after a crash."""

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.kinds import Kind
from cogs.common.audit_lines import line
from cogs.common.extension import extension
from cogs.common.known import channel_of
from cogs.common.languages import guild_locale
from cogs.drawing.verdicts import CONTENT_CODES
from data.guilds import audit
from data.guilds.audit import AuditEntry
from data.guilds.outbox import OutboxItem
from data.shipped.text import speaking, text

_log = logging.getLogger(__name__)

LogPlace: TypeAlias = (
    discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.StageChannel
)

AT_ONCE: Final = 10  # entries per message
SETTLE_S: Final = 0.5  # so that simultaneous entries are posted together
_LOOK_BACK: Final = 50  # messages of the channel, for what was posted before a crash
_FOOTER: Final = re.compile(r"(?:#\d+[-–])?#(\d+)")


class LogChannel(commands.Cog):
    """No commands: sends one kind of the outbox."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._looked: set[int] = set()  # channels for which this run knows what is posted

    async def cog_load(self) -> None:
        self.bot.services.outbox.senders[Kind.AUDIT_LOG] = self.post

    async def post(self, item: OutboxItem) -> None:
        """Post all waiting entries of a server. If the channel was deleted, the entries stay in the
        database: `/moderate log` shows them."""
        guild_id = int(item.key)
        settings = await self.bot.services.servers.settings(guild_id)
        channel_id = settings.log_channel_id
        if channel_id is None:
            return
        await asyncio.sleep(SETTLE_S)
        channel = await channel_of(self.bot, guild_id, channel_id)
        if not isinstance(channel, LogPlace):
            await self._mark(guild_id, None)
            return
        if channel_id not in self._looked:
            await self._mark(guild_id, await self._posted_up_to(channel))
            self._looked.add(channel_id)
        await self._post_all(guild_id, channel)

    async def _post_all(self, guild_id: int, channel: LogPlace) -> None:
        while entries := await self._waiting(guild_id):
            try:
                await self._send(channel, entries)
            except discord.HTTPException as error:
                if error.code not in CONTENT_CODES or len(entries) == 1:
                    raise
                if not await self._one_by_one(guild_id, channel, entries):
                    raise
            else:
                hit("log_posted_unmarked")
                await self._mark(guild_id, entries[-1].id)

    async def _send(self, channel: LogPlace, entries: Sequence[AuditEntry]) -> None:
        message = _message(self.bot, channel, entries)
        await channel.send(embed=message, nonce=f"log-{entries[0].id}-{entries[-1].id}"[:25])

    async def _one_by_one(
        self, guild_id: int, channel: LogPlace, entries: Sequence[AuditEntry]
    ) -> bool:
        """Post those of `entries` that Discord accepts; `/moderate log` shows the others too.
        Returns whether it accepts any.

        A rejected one is skipped only if it is rejected again after Discord accepted a later one:
        until then, the channel may be rejecting everything for a while.
        """
        taken, refused = False, list[AuditEntry]()
        for entry in entries:
            if not await self._takes(channel, entry):
                refused.append(entry)
                continue
            taken = True
            for earlier in refused:
                if not await self._takes(channel, earlier):
                    _log.warning("Entry %d of the log is left out of its channel", earlier.id)
            refused.clear()
            hit("log_posted_unmarked")
            await self._mark(guild_id, entry.id)
        return taken

    async def _takes(self, channel: LogPlace, entry: AuditEntry) -> bool:
        """Send one entry. Returns whether Discord accepts its content."""
        try:
            await self._send(channel, [entry])
        except discord.HTTPException as error:
            if error.code not in CONTENT_CODES:
                raise
            _log.warning("Discord does not take entry %d of the log: %s", entry.id, error.text)
            return False
        return True

    async def _waiting(self, guild_id: int) -> list[AuditEntry]:
        return await self.bot.services.database.read(
            audit.to_post, guild_id=guild_id, limit=AT_ONCE
        )

    async def _posted_up_to(self, channel: LogPlace) -> int:
        """The last entry in the channel, by the footers of our messages; 0: none."""
        found = 0
        try:
            async for message in channel.history(limit=_LOOK_BACK):
                if self.bot.user is None or message.author.id != self.bot.user.id:
                    continue
                for embed in message.embeds:
                    match = _FOOTER.fullmatch(embed.footer.text or "")
                    found = max(found, int(match[1])) if match else found
        except discord.Forbidden:  # writing may still be allowed; the nonce prevents repeats
            _log.info("The log channel %d can't be read", channel.id)
        return found

    async def _mark(self, guild_id: int, up_to: int | None) -> None:
        """Mark entries up to this one as not to be posted; None: those waiting now."""
        await self.bot.services.database.write(audit.mark_posted, guild_id=guild_id, up_to=up_to)


def _message(bot: EkakiBot, channel: LogPlace, entries: Sequence[AuditEntry]) -> discord.Embed:
    with speaking(guild_locale(bot, channel.guild)):
        public = is_public(channel)
        lines = [line(entry, hide_private=public) for entry in entries]
        embed = discord.Embed(title=text("audit.title"), description="\n".join(lines))
    first, last = entries[0].id, entries[-1].id
    embed.set_footer(text=f"#{first}" if first == last else f"#{first}–#{last}")
    return embed


def is_public(channel: object) -> bool:
    """Whether every member of the server can read it; True if unknown."""
    if not isinstance(channel, discord.TextChannel | discord.Thread | discord.VoiceChannel):
        return True
    parent = channel.parent if isinstance(channel, discord.Thread) else channel
    return parent is None or parent.permissions_for(channel.guild.default_role).view_channel


setup = extension(LogChannel)
