"""Tells people who mention the bot or write it a direct message that it takes commands. Discord
sends the content of both even without the message content intent."""

import re
from typing import Final

import discord
from discord.ext import commands
from discord.utils import MISSING

from bot.client.client import EkakiBot
from cogs.common.errors import UNREACHABLE
from cogs.common.extension import extension
from cogs.common.languages import guild_locale
from data.jobs import of_person
from data.shipped.text import speaking, text
from pipeline.errors import StorageError

PAUSE_S: Final = 600.0
"""A person is told again only after this time."""


class Mentions(commands.Cog):
    """No commands: listens. Remembers who was told; a repeat after a restart is harmless."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._told: dict[int, float] = {}  # user: when

    @commands.Cog.listener("on_message")
    async def answer(self, message: discord.Message) -> None:
        """Say how to ask for a picture, occasionally to each person."""
        if not self._is_to_us(message) or not _may_answer(message):
            return
        if not self._is_due(message.author.id):
            return
        with speaking(await self._locale(message)):
            words = text("mention.answer")
        try:
            await message.channel.send(words, reference=_reference(message))
        except UNREACHABLE:  # they block us, or the place is gone
            return

    def _is_to_us(self, message: discord.Message) -> bool:
        """Whether a person addresses the bot itself, not by a reply to its pictures."""
        kinds = {discord.MessageType.default, discord.MessageType.reply}
        if message.author.bot or message.webhook_id is not None or message.type not in kinds:
            return False
        if message.guild is None:
            return isinstance(message.channel, discord.DMChannel)
        us = self.bot.user
        return us is not None and re.search(rf"<@!?{us.id}>", message.content) is not None

    def _is_due(self, user_id: int) -> bool:
        """Whether the person was not told recently; records that they are told now."""
        now = self.bot.services.clock.monotonic()
        self._told = {each: at for each, at in self._told.items() if now - at < PAUSE_S}
        if user_id in self._told:
            return False
        self._told[user_id] = now
        return True

    async def _locale(self, message: discord.Message) -> str | None:
        """The server's language; in a direct message that of the person's latest request, because a
        message does not contain its author's language."""
        if message.guild is not None:
            return guild_locale(self.bot, message.guild)
        try:
            return await self.bot.services.database.read(
                of_person.latest_locale, user_id=message.author.id
            )
        except StorageError:
            return None


def _may_answer(message: discord.Message) -> bool:
    """Whether we may write there, as far as is known."""
    if message.guild is None:
        return True
    may = _permissions(message)
    if isinstance(message.channel, discord.Thread):
        return may.view_channel and may.send_messages_in_threads
    return may.view_channel and may.send_messages


def _reference(message: discord.Message) -> discord.MessageReference:
    """The message as a reply reference, if the bot may reply."""
    if message.guild is None or _permissions(message).read_message_history:
        return message.to_reference(fail_if_not_exists=False)
    return MISSING


def _permissions(message: discord.Message) -> discord.Permissions:
    guild, channel = message.guild, message.channel
    if guild is None or guild.me is None or isinstance(channel, discord.PartialMessageable):  # pyright: ignore[reportUnnecessaryComparison] - while Discord has not sent it
        return discord.Permissions.none()
    return channel.permissions_for(guild.me)


setup = extension(Mentions)
