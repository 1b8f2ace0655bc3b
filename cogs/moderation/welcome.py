"""Greets a server that has just invited the bot: what members type, and what its managers decide
first. Once per server."""

import logging
from typing import Final

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.kinds import Kind, guild_lane
from cogs.common.extension import extension
from cogs.common.known import guild_of
from cogs.common.languages import guild_locale
from cogs.common.lasting import Button, Lasting
from cogs.common.result_buttons import view_of
from cogs.common.sent_before import sent_before
from cogs.drawing.submission import submit
from data.guilds import outbox
from data.guilds.outbox import OutboxItem
from data.shipped.text import speaking, text
from data.store import notes
from pipeline.errors import StorageError
from pipeline.request import GenerationRequest

START_PROMPT: Final = "1girl, green hair, beanie, outdoors, night"
"""Of the greeting's button: the demo model draws it well, too."""
_START_ID: Final = "ekaki:start:1"

_log = logging.getLogger(__name__)


class Welcome(commands.Cog):
    """Listens. A server that was joined while the bot was offline is not greeted: Discord does not
    say when that was."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        self.bot.services.outbox.senders[Kind.WELCOME] = self.greet

    @commands.Cog.listener("on_guild_join")
    async def joined(self, guild: discord.Guild) -> None:
        if hall(guild) is None:
            return  # another time: when it is invited again
        try:
            await self._ask(guild.id)
        except StorageError as error:
            _log.warning("Server %s is not greeted: %s", guild.id, error)

    async def _ask(self, guild_id: int) -> None:
        """Queue the greeting of a server, once only."""
        key = f"welcomed:{guild_id}"
        async with self.bot.services.database.transaction() as connection:
            if await notes.get(connection, key=key) is None:
                await notes.put(connection, key=key, value="")
                await outbox.put(
                    connection,
                    kind=Kind.WELCOME,
                    key=str(guild_id),
                    lane=guild_lane("welcome", guild_id),
                    guild_id=guild_id,
                )

    async def greet(self, item: OutboxItem) -> None:
        """Post what members type and what managers decide, if the bot may write anywhere."""
        guild = guild_of(self.bot, int(item.key))
        channel = hall(guild)
        if channel is None:
            return
        with speaking(guild_locale(self.bot, guild)):
            embed = discord.Embed(title=text("welcome.title"), description=text("welcome.members"))
            embed.add_field(
                name=text("welcome.managers"), value=text("welcome.setup"), inline=False
            )
            view = view_of([_start_button()])
        if not await sent_before(self.bot, channel, item, title=embed.title or ""):
            await channel.send(embed=embed, view=view, nonce=nonce_of(guild.id))
        hit("greeted_unmarked")


def _start_button() -> Button:
    return discord.ui.Button(
        label=text("welcome.start", prompt=START_PROMPT),
        style=discord.ButtonStyle.primary,
        custom_id=_START_ID,
    )


class StartButton(Lasting[Button], template=_START_ID):
    """Draws the greeting's prompt for the person who presses, within their own limits."""

    async def act(self, interaction: discord.Interaction[EkakiBot]) -> None:
        await submit(interaction, GenerationRequest(prompt=START_PROMPT))


def nonce_of(guild_id: int) -> str:
    """The nonce of a greeting: the whole id, at most 20 of the 25 characters of a nonce."""
    return f"hi-{guild_id}"


def hall(guild: discord.Guild) -> discord.TextChannel | None:
    """The channel for the greeting: the system channel, otherwise the first writable one."""
    first = [] if guild.system_channel is None else [guild.system_channel]
    for channel in [*first, *sorted(guild.text_channels, key=lambda each: each.position)]:
        may = channel.permissions_for(guild.me)
        if may.view_channel and may.send_messages and may.embed_links:
            return channel
    return None


setup = extension(Welcome, StartButton)
