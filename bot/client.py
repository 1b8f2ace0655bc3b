"""The Discord client: discord.py's bot with our services on it."""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.global_limit import guard
from bot.languages import ListeningState
from bot.services import Services
from bot.wire import tracing


class EkakiBot(commands.Bot):
    """A bot of slash commands only. Pings nobody unless a message says whom."""

    def __init__(self, services: Services) -> None:
        # No voice here, so no warnings that its libraries are missing.
        discord.VoiceClient.warn_nacl = False
        discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,  # required by the class; no text commands exist
            # None of them is privileged. Messages: to know of deleted ones, and to answer who
            # writes to the bot itself (`cogs.mentions`); other words Discord leaves out.
            intents=discord.Intents(
                guilds=True, guild_messages=True, guild_reactions=True, dm_messages=True
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            help_command=None,
            # Not as a user-installed app for now: there follow-ups are few and places unknown.
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=False
            ),
            max_messages=None,
            http_trace=tracing(),
        )
        guard(self.http)
        self.services = services
        self.gone_channels: set[int] = set()  # Discord said so; an id never comes back

    async def on_message(self, message: discord.Message, /) -> None:
        """Nothing: discord.py would look for a text command, and log each mention as an unknown
        one."""

    def _get_state(self, **options: Any) -> ListeningState:
        """Called by discord.py, which lets its sharded client choose its state in this way, too."""
        return ListeningState(
            dispatch=self.dispatch,
            handlers=self._handlers,
            hooks=self._hooks,
            http=self.http,
            **options,
        )
