"""The connection of one shard to Discord's gateway.

discord.py reconnects shards one after another, with all their pauses, so one that can't connect
would keep the others from it; and after a failed attempt it identifies anew, which loses the events
of the meantime. Here each shard does on its own what discord.py's client without shards does.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable
from typing import Any, Final, Literal

import discord
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.shard import EventItem, EventType, Shard
from discord.utils import MISSING
from yarl import URL

from bot.client.turns import Turns

_log = logging.getLogger(__name__)

CONNECT_S: Final = 60.0  # as discord.py
RESUMES: Final = 5
"""Attempts in a row at the address that Discord named for resuming; then at the usual one."""
AGAIN_S: Final = (1.0, 5.0)
"""The pause before a session that Discord ended is replaced by a new one."""
_NORMAL_CLOSURE: Final = 1000


class SteadyShard(Shard):
    """Connects, listens and connects again until the bot closes. `opened` is called with it when it
    has its first connection."""

    def __init__(
        self,
        client: discord.AutoShardedClient,
        shard_id: int,
        *,
        gateway: URL,
        turns: Turns,
        opened: Callable[["SteadyShard"], None],
        ends: Callable[[EventItem], None],
    ) -> None:
        super().__init__(MISSING, client, ends)  # `ws` is set before anybody sees it
        self._shard_id = shard_id
        self._gateway = gateway
        self._turns = turns
        self._opened = opened
        self._identified = False
        self._resumable = False
        self._before = self._position()  # when the current connection began
        self._failed = 0  # attempts in a row without any event
        self._pauses: ExponentialBackoff[Literal[False]] = ExponentialBackoff()

    @property
    def id(self) -> int:
        return self._shard_id

    @property
    def connected(self) -> bool:
        """Whether it has a connection in which Discord has begun or resumed its session."""
        return self.ws is not MISSING and self.ws.open and self._position() != self._before

    @property
    def latency_s(self) -> float | None:
        """From a heartbeat to Discord's answer; None while that is not known."""
        latency_s = self.ws.latency if self.connected else math.inf
        return latency_s if math.isfinite(latency_s) else None

    def stop(self) -> None:
        """Stop without closing the connection."""
        self._cancel_task()

    async def worker(self) -> None:
        """Called by `launch`, in a task. Errors that no new connection cures end the bot."""
        try:
            while not self._client.is_closed():
                await self._live()
        except Exception as error:  # noqa: BLE001 - `connect` of the client raises it
            known = isinstance(error, discord.ConnectionClosed)
            kind = EventType.close if known else EventType.terminate
            self._queue_put(EventItem(kind, self, error))

    async def reconnect(self) -> None:
        """Begin anew."""
        self._cancel_task()
        self.launch()

    async def _live(self) -> None:
        """One connection, to its end. Raises ConnectionClosed if Discord rejects the bot."""
        self._before = self._position()
        try:
            await self._open()
            while True:
                await self.ws.poll_event()
        except ReconnectWebSocket as error:
            self._resumable, reason = error.resume, "Discord asked for it, or the connection broke"
        except self._handled_exceptions as error:
            if isinstance(error, discord.ConnectionClosed) and error.code != _NORMAL_CLOSURE:
                raise
            self._resumable, reason = True, f"{type(error).__name__}: {error}"
        if self._client.is_closed():
            return
        self._dispatch("disconnect")
        self._dispatch("shard_disconnect", self.id)
        self._failed = self._failed + 1 if self._position() == self._before else 0
        if self._failed:
            pause_s = self._pauses.delay()
            _log.warning("Shard %d connects again in %.1f s: %s", self.id, pause_s, reason)
            await asyncio.sleep(pause_s)

    def _position(self) -> tuple[str | None, int | None]:
        """The session and the number of its latest event."""
        return (None, None) if self.ws is MISSING else (self.ws.session_id, self.ws.sequence)

    async def _open(self) -> None:
        """Resume the session if there is one, otherwise begin one."""
        session, sequence = self._position()
        if session is not None and self._resumable:
            gateway = self.ws.gateway if self._failed < RESUMES else self._gateway
            self.ws = await self._socket(gateway, resume=True, session=session, sequence=sequence)
            return
        if self._identified:
            await asyncio.sleep(random.uniform(*AGAIN_S))  # noqa: S311 - no secret
        async with self._turns.of(self.id):
            self.ws = await self._socket(self._gateway)
        if not self._identified:
            self._identified = True
            self._opened(self)

    async def _socket(self, gateway: URL, **options: Any) -> DiscordWebSocket:
        """`initial`: discord.py need not wait before it identifies; the turn came."""
        opening = DiscordWebSocket.from_client(
            self._client, gateway=gateway, shard_id=self.id, initial=True, **options
        )
        return await asyncio.wait_for(opening, CONNECT_S)
