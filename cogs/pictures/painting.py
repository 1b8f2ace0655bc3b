"""The button that links to the page where a mask is painted, and what the page needs of Discord."""

import asyncio
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import discord

from bot.client.client import EkakiBot, Interaction
from bot.common.failpoints import hit
from bot.jobs.values import Origin, Ticket
from bot.library.painting import GOOD_FOR_S
from bot.library.results import from_picture
from cogs.common.answers import begin, say
from cogs.common.errors import UNREACHABLE, words_of
from cogs.common.known import GuildChannel, channel_of, guild_of
from cogs.common.lasting import view_of
from cogs.common.places import lacking, origin_of, place_of_channel
from cogs.common.words import duration
from cogs.drawing import render
from cogs.pictures.drawing_on import drawable_picture
from data.jobs.jobs import JobRecord
from data.jobs.stored import StoredPicture
from data.shipped.text import speaking, text
from pipeline.errors import EkakiError, RefusedError, StorageError

_log = logging.getLogger(__name__)

_MOMENT = re.compile(r"<t:(\d+)(?::[A-Za-z])?>")
_COMMAND = re.compile(r"<(/[^:>]+):\d+>")
_CHANNEL = re.compile(r"<#(\d+)>")


def may_paint(interaction: Interaction, job: JobRecord) -> bool:
    """Whether this person can paint on pictures of `job`."""
    return interaction.client.services.painting.possible and job.user_id == interaction.user.id


async def paint(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """Link to the page, for the picture's owner only. RefusedError otherwise."""
    painting = interaction.client.services.painting
    stored = await drawable_picture(interaction, picture_id)
    if not painting.possible:
        raise RefusedError("paint_no_page")
    if _is_not_in(interaction):
        raise RefusedError("paint_private_thread")
    private = from_picture(stored).private
    origin = origin_of(interaction, private=private)
    if not private:  # its first response is the link, which only this person sees
        origin = replace(origin, interaction_token="")
    await begin(interaction)
    url = await painting.link(stored, origin)
    button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
        label=text("paint.open"), url=url
    )
    await say(interaction, text("paint.link", time=duration(GOOD_FOR_S)), view=view_of([button]))


def _is_not_in(interaction: Interaction) -> bool:
    """Whether it is a private thread without the bot: it answers there, but can post nothing."""
    channel, guild = interaction.channel, interaction.guild
    if not isinstance(channel, discord.Thread) or not channel.is_private():
        return False
    return guild is None or guild.get_thread(channel.id) is None


class PaintedInDiscord:
    """What the page needs of the running client: see `bot.library.painting.InDiscord`."""

    def __init__(self, bot: EkakiBot) -> None:
        self._bot = bot
        self._showing: set[asyncio.Task[None]] = set()

    async def present(self, origin: Origin) -> Origin:
        """`origin` with the person's roles and the channel as they are now. RefusedError
        `paint_left`: they have left, are timed out, or don't see the channel any more."""
        if origin.guild_id is None:
            return origin
        guild = guild_of(self._bot, origin.guild_id)
        try:
            channel = await channel_of(self._bot, origin.guild_id, origin.channel_id)
            member = await guild.fetch_member(origin.user_id)
        except discord.NotFound as error:
            raise RefusedError("paint_left") from error
        except UNREACHABLE as error:
            raise RefusedError("place_unknown") from error
        if channel is None or not _may_ask(channel, member):
            raise RefusedError("paint_left")
        missing = lacking(channel.permissions_for(guild.me), channel, private=_is_private(origin))
        return replace(
            origin,
            place=place_of_channel(channel),
            missing_permissions=missing,
            role_ids=tuple(role.id for role in member.roles),
        )

    def show(self, ticket: Ticket, source: StoredPicture) -> None:
        """Show the job where it was asked for, in the background: it is accepted already."""
        task = asyncio.create_task(self._show(ticket, source), name=f"painted {ticket.job.id}")
        self._showing.add(task)
        task.add_done_callback(self._showing.discard)

    def explain(self, error: EkakiError) -> str:
        """What is wrong, without Discord's notation."""
        return plain(self._bot, words_of(error, now=self._bot.services.clock.time()))

    async def _show(self, ticket: Ticket, source: StoredPicture) -> None:
        job, services = ticket.job, self._bot.services
        try:
            presenters = self._bot.presenters
        except RefusedError:  # the bot is ending: the next start shows it
            return
        sent = None
        if not job.private:  # a private one replaces the link
            try:
                sent = await self._send_waiting(ticket, source)
            except UNREACHABLE as error:  # the end is sent on its own then
                _log.warning("Job %s is not shown while it waits: %s", job.id, error)
        if sent is not None:
            hit("painted_shown_unmarked")
        message_id = None if sent is None else sent.id
        shown = None if sent is None else ticket.queued
        presenters.start(job, message_id=message_id, shown=shown)
        if message_id is not None:
            try:
                await services.jobs.set_message(job_id=job.id, message_id=message_id)
            except StorageError as error:  # the end records it again
                _log.warning("The message of job %s is not entered: %s", job.id, error)

    async def _send_waiting(self, ticket: Ticket, source: StoredPicture) -> discord.Message:
        """As a reply to the message with the picture, if that is there and Discord allows it."""
        job = ticket.job
        with speaking(job.locale):
            message = render.waiting(job, ticket.queued)
        assert message.view is not None, "it has a Cancel button"
        channel = self._bot.get_partial_messageable(job.channel_id, guild_id=job.guild_id)
        content: dict[str, Any] = {
            "embeds": list(message.embeds),
            "view": message.view,
            "allowed_mentions": discord.AllowedMentions.none(),
            "nonce": f"{job.id}-w",
        }
        shown = source.job
        if shown.message_id is None or shown.private or shown.channel_id != job.channel_id:
            return await channel.send(**content)
        reference = discord.MessageReference(
            message_id=shown.message_id, channel_id=shown.channel_id, fail_if_not_exists=False
        )
        try:
            return await channel.send(**content, reference=reference)
        except discord.HTTPException as error:
            if error.status not in {400, 403}:  # a reply needs to read the channel's history
                raise
            return await channel.send(**content)


def plain(bot: EkakiBot, words: str) -> str:
    """`words` as a page shows them: channels, commands and times by name, no code or bold."""

    def channel(match: re.Match[str]) -> str:
        found = bot.get_channel(int(match[1]))
        return f"#{getattr(found, 'name', match[1])}"

    def moment(match: re.Match[str]) -> str:
        return f"{datetime.fromtimestamp(int(match[1]), UTC):%Y-%m-%d %H:%M} UTC"

    said = _COMMAND.sub(r"\1", _CHANNEL.sub(channel, _MOMENT.sub(moment, words)))
    return said.replace("`", "").replace("**", "")


def _may_ask(channel: GuildChannel, member: discord.Member) -> bool:
    return not member.is_timed_out() and channel.permissions_for(member).view_channel


def _is_private(origin: Origin) -> bool:
    """Only a private request keeps the token, to replace the link."""
    return bool(origin.interaction_token)
