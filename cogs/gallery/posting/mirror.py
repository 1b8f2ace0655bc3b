"""Keeps messages in gallery channels in sync with entries: posted once, updated, deleted.

Pending updates wait in the outbox, written in the same transaction as the change. Each server's
gallery is a separate lane, so that a slow channel delays nobody else; edits of a message are at
least some seconds apart.
"""

from collections.abc import Callable
from typing import Final

import discord

from bot.client.client import EkakiBot
from bot.outbox.kinds import Kind
from cogs.common.gallery_gates import gate_of
from cogs.common.known import PlaceUnknownError, guild_of
from cogs.common.languages import guild_locale
from cogs.common.sent_before import sent_before
from cogs.gallery.posting.channel import Missing
from cogs.gallery.posting.poster import Follower
from data.guilds.outbox import OutboxItem
from data.shipped.text import speaking, text

EDIT_EVERY_S: Final = 3.0  # per message: stars come in bursts


class Mirror:
    """Sends the gallery's items of the outbox. `posted` is called with server and message once a
    message is recorded, since it may already have stars."""

    def __init__(
        self,
        bot: EkakiBot,
        *,
        posted: Callable[[int, int], None],
        edit_every_s: float = EDIT_EVERY_S,
    ) -> None:
        self.edit_every_s = edit_every_s
        self._bot = bot
        self._follower = Follower(bot, posted=posted)

    def enter(self) -> None:
        """Register as the outbox's sender."""
        senders = self._bot.services.outbox.senders
        senders[Kind.GALLERY_CHECK] = self.settle
        senders[Kind.GALLERY_ENTRY] = self.follow
        senders[Kind.GALLERY_REFUSED] = self.tell_refused

    async def settle(self, item: OutboxItem) -> None:
        """Bring a server's entries in line with its settings and channels."""
        await self._bot.services.gallery.settle(await gate_of(self._bot, int(item.key)))

    async def follow(self, item: OutboxItem) -> float | None:
        """Bring the message of one entry up to date, then pause for a moment."""
        assert item.guild_id is not None
        guild = guild_of(self._bot, item.guild_id)
        with speaking(guild_locale(self._bot, guild)):
            try:
                changed = await self._follower.follow(item.key, await gate_of(self._bot, guild.id))
            except Missing as missing:  # it was just deleted: check again
                raise PlaceUnknownError(guild.id) from missing
        return self.edit_every_s if changed else None

    async def tell_refused(self, item: OutboxItem) -> None:
        """Tell the person who shared an entry that Discord rejects its message."""
        entry = await self._bot.services.gallery.entry(item.key)
        if entry is None or entry.shared_by is None or entry.state != "posted":
            return
        post = await self._bot.services.gallery.post_of(entry.id)
        if post is not None and post.message_id is not None:
            return  # it was accepted meanwhile
        job = await self._bot.services.jobs.job(entry.job_id)
        direct = await self._bot.create_dm(discord.Object(entry.shared_by))
        with speaking(job.locale if job is not None else "en-US"):
            words = text("gallery.refused", picture=entry.job_id)
        # It may be shared, and rejected, again.
        if not await sent_before(self._bot, direct, item, content=words, repeats=True):
            await direct.send(words, nonce=f"refused-{entry.id}"[:25])
