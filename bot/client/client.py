"""The Discord client: discord.py's bot with our services on it."""

from typing import Any, Final, Protocol, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.global_limit import guard
from bot.client.sharded import ShardedBot
from bot.client.state import ShardedState
from bot.client.traffic import Traffic
from bot.client.wire import tracing
from bot.jobs.values import JobEvent
from bot.services import Services
from data.jobs.jobs import JobRecord
from pipeline.errors import RefusedError

MAX_NOTED: Final = 10_000
"""Channels remembered as deleted or locked: some servers have hundreds a day."""


class NotedChannels:
    """The ids of the latest MAX_NOTED channels for which Discord reported something."""

    def __init__(self) -> None:
        self._ids: dict[int, None] = {}

    def add(self, channel_id: int) -> None:
        self._ids[channel_id] = None
        if len(self._ids) > MAX_NOTED:
            del self._ids[next(iter(self._ids))]

    def discard(self, channel_id: int) -> None:
        self._ids.pop(channel_id, None)

    def __contains__(self, channel_id: object) -> bool:
        return channel_id in self._ids


class Presenting(Protocol):
    """What shows jobs in Discord; `cogs.drawing.presenters` does."""

    def start(
        self,
        job: JobRecord,
        *,
        message_id: int | None,
        shown: JobEvent | None = None,
        file_limit: int | None = None,
        resumed: bool = False,
    ) -> None:
        """Show `job` until its end, in its own task. `message_id`: the message that already shows
        it, with the content `shown`. `file_limit`: bytes per file. `resumed`: its end may have been
        reported before.
        """
        ...

    async def ended(self, job_id: str) -> None:
        """Wait until a deleted job is no longer shown."""
        ...


class EkakiBot(ShardedBot):
    """A bot with slash commands only. Pings nobody unless a message says whom."""

    def __init__(self, services: Services) -> None:
        # No voice, so no warnings that its libraries are missing.
        discord.VoiceClient.warn_nacl = False
        discord.VoiceClient.warn_dave = False
        self.traffic = Traffic(services.observer, services.clock)
        super().__init__(
            command_prefix=commands.when_mentioned,  # required by the class; no text commands exist
            # None of them is privileged. Messages: to notice deletions, and to answer people who
            # write to the bot itself (`cogs.moderation.mentions`). Discord leaves out the text of
            # all others.
            intents=discord.Intents(
                guilds=True, guild_messages=True, guild_reactions=True, dm_messages=True
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            help_command=None,
            # No user-installed app for now: follow-ups are limited there and places unknown.
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=False
            ),
            max_messages=None,
            http_trace=tracing(self.traffic),
        )
        guard(self.http)
        self.services = services
        self.leaving = False  # whether it stops: cogs are unloaded one by one, with their commands
        self._presenters: Presenting | None = None
        self.gone_channels = NotedChannels()  # none returns; a forgotten one is fetched again
        self.locked_threads = NotedChannels()

    @property
    def presenters(self) -> Presenting:
        """What shows jobs, once `cogs.inference` is loaded. RefusedError while it stops."""
        if self._presenters is None:
            raise RefusedError("engine_closed")
        return self._presenters

    @presenters.setter
    def presenters(self, presenters: Presenting | None) -> None:
        self._presenters = presenters

    async def close(self) -> None:
        self.leaving = True
        await super().close()

    async def on_message(self, message: discord.Message, /) -> None:
        """Does nothing: discord.py would log each mention as an unknown text command."""

    def _get_state(self, **options: Any) -> ShardedState:
        """Called by discord.py."""
        return ShardedState(
            arrived=self.traffic.arrived,
            dispatch=self.dispatch,
            handlers=self._handlers,
            hooks=self._hooks,
            http=self.http,
            **options,
        )


Interaction: TypeAlias = discord.Interaction[EkakiBot]
"""What people do in Discord, as our client gets it."""
