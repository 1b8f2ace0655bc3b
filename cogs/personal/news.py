"""Notifies makers, if they choose so, of stars and remixes of their pictures."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeAlias

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.kinds import Kind
from cogs.common.extension import extension
from cogs.common.known import PlaceClosedError, channel_of, guild_of
from cogs.common.words import cut_to_columns, harmless
from data.guilds.outbox import OutboxItem
from data.jobs.jobs import JobRecord
from data.people.news import News
from data.shipped.text import speaking, text
from pipeline.errors import RefusedError
from pipeline.prompt.assemble import typed_text

_log = logging.getLogger(__name__)

_Seen: TypeAlias = dict[tuple[int, int], bool]  # server and channel: whether the maker sees it

GATHER_S: Final = 15.0  # between two messages to a person: a popular picture is one, not twenty
MAX_LINES: Final = 10
_TITLE_COLUMNS: Final = 40
_UNREACHABLE: Final = frozenset({
    10013,  # unknown user
    50007,  # cannot send messages to this user
    50278,  # no mutual guilds with this user
})  # fmt: skip


class MakerNewsCog(commands.Cog, name="MakerNews"):
    """No commands: sends one kind of the outbox. `/me` has the setting."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        self.bot.services.outbox.senders[Kind.MAKER_NEWS] = self.tell

    async def tell(self, item: OutboxItem) -> float:
        """Tell one person what is due, each star and remix once. Nothing is tried again if Discord
        does not let us write to them."""
        maker_id = int(item.key)
        try:
            await self._tell(maker_id)
        except discord.HTTPException as error:
            if error.code not in _UNREACHABLE:
                raise
            _log.info("A maker takes no direct messages")
            await self._begin(maker_id, seen=0)
            await self.bot.services.news.enter_told(maker_id)
        return GATHER_S

    async def _tell(self, maker_id: int) -> None:
        news = self.bot.services.news
        while (settings := await news.settings(maker_id)) is not None:
            direct = await self.bot.create_dm(discord.Object(maker_id))
            if not await news.is_sending(maker_id):
                newest = [message.id async for message in direct.history(limit=1)]
                if not await self._begin(maker_id, seen=max(newest, default=0)):
                    return
                settings = await news.settings(maker_id) or settings
            found = await news.sending(maker_id)
            with speaking(settings.locale):
                content = await self._content(maker_id, found)
                if content and not await self._sent(direct, after=settings.seen):
                    await direct.send(
                        content,
                        suppress_embeds=True,
                        allowed_mentions=discord.AllowedMentions.none(),
                    )
            hit("maker_told_unmarked")
            await news.enter_told(maker_id)

    async def _begin(self, maker_id: int, *, seen: int) -> bool:
        """Take up what is due in the servers that are known at this moment."""
        known = [guild.id for guild in self.bot.guilds if not guild.unavailable]
        return await self.bot.services.news.begin(maker_id, guild_ids=known, seen=seen)

    async def _sent(self, direct: discord.DMChannel, *, after: int) -> bool:
        """Whether it was sent by a run that ended before it could enter that."""
        me, end = self.bot.user, text("news.settings")
        async for message in direct.history(after=discord.Object(after)):
            if me is not None and message.author.id == me.id and message.content.endswith(end):
                return True
        return False

    async def _content(self, maker_id: int, found: Sequence[News]) -> str:
        """The message; "" where nothing is left that this person may see."""
        seen: _Seen = {}
        lines: list[str] = []
        for job_id, people in Counter(each.job_id for each in found if not each.remix_id).items():
            job = await self._job(maker_id, job_id, seen)
            if job is not None:
                lines.append(text("news.starred", count=people, picture=self._link(job)))
        for each in found:
            job = await self._job(maker_id, each.job_id, seen) if each.remix_id else None
            made = await self._job(maker_id, each.remix_id, seen) if each.remix_id else None
            if job is not None and made is not None:
                theirs = self._link(made, text("news.theirs"))
                user, picture = f"<@{each.by_id}>", self._link(job)
                lines.append(text("news.remixed", user=user, picture=picture, theirs=theirs))
        if not lines:
            return ""
        more = len(lines) - MAX_LINES
        shown = [*lines[:MAX_LINES], *([text("news.more", count=more)] if more > 0 else [])]
        return "\n".join([*shown, text("news.settings")])

    async def _job(self, maker_id: int, job_id: str, seen: _Seen) -> JobRecord | None:
        """A job of a channel that this person sees at this moment; None for any other."""
        try:
            job, made = await self.bot.services.results.pictures_of(job_id)
        except RefusedError:  # deleted meanwhile
            return None
        if job.guild_id is None or not made:
            return None
        place = (job.guild_id, job.channel_id)
        if place not in seen:
            seen[place] = await self._sees(maker_id, *place)
        return job if seen[place] else None

    async def _sees(self, user_id: int, guild_id: int, channel_id: int) -> bool:
        """PlaceUnknownError while nothing is known of the server."""
        guild = guild_of(self.bot, guild_id)
        try:
            member = await guild.fetch_member(user_id)  # who left stays in the cache
            channel = await channel_of(self.bot, guild_id, channel_id)
        except (discord.NotFound, PlaceClosedError):
            return False
        if channel is None:
            return False
        if isinstance(channel, discord.Thread) and (channel.is_private() or not channel.parent):
            return False
        return channel.permissions_for(member).view_channel

    def _link(self, job: JobRecord, name: str = "") -> str:
        """What was typed, or `name`, as a link to the job's message."""
        typed = cut_to_columns(typed_text(job.request.original), _TITLE_COLUMNS)
        name = name or harmless(typed) or text("news.untitled")
        if job.message_id is None:
            return name
        channel = self.bot.get_partial_messageable(job.channel_id, guild_id=job.guild_id)
        url = channel.get_partial_message(job.message_id).jump_url
        return f"[{name.replace('[', '(').replace(']', ')')}](<{url}>)"


setup = extension(MakerNewsCog)
