"""Accepts connections for an aiohttp server, up to a limit.

`asyncio` accepts all connections: a thousand idle ones use up the process's file descriptors, and
then the database, the pictures and the connection to Discord have none. This keeps some free.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

from aiohttp.http import HttpProcessingError

from bot.common import descriptors
from bot.web.slots import Slots
from bot.web.throttle import network

MAX_CONNECTIONS: Final = 1000
_SHARE: Final = 2  # of all descriptors: the rest is for the database, pictures and Discord
# this many addresses fill the page. A browser opens 6, and many share an address
_OF_ONE: Final = 8
QUEUE: Final = 256  # connections that the system queues
QUIET_S: Final = 60.0  # between two log lines about what strangers do
_RETRY_S: Final = 1.0

Protocols = Callable[[], asyncio.Protocol]


class QuietFilter(logging.Filter):
    """Passes one record per minute, and none about requests that are not HTTP: strangers could
    otherwise fill the log."""

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError) or record.created - self._last < QUIET_S:
            return False
        self._last = record.created
        return True


_log = logging.getLogger(__name__)
_log.addFilter(QuietFilter())


def connection_slots(*, behind_proxy: bool) -> Slots:
    """The slots for connections, by what the system allows. Behind a proxy all have its address."""
    total = max(16, min(MAX_CONNECTIONS, descriptors.limit() // _SHARE))
    return Slots(total=total, each=total if behind_proxy else max(8, total // _OF_ONE))


@asynccontextmanager
async def listening(
    sock: socket.socket, protocols: Protocols, slots: Slots
) -> AsyncGenerator[None, None]:
    """Accept connections of `sock` (bound, listening) until the block ends; the server closes those
    that are still open."""
    sock.setblocking(False)
    task = asyncio.create_task(_Acceptor(sock, protocols, slots).keep())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        sock.close()


class _Acceptor:
    """Accepts connections one after another, so that other tasks run in between."""

    def __init__(self, sock: socket.socket, protocols: Protocols, slots: Slots) -> None:
        self._sock = sock
        self._protocols = protocols
        self._slots = slots
        self._room = asyncio.Event()
        self._room.set()

    async def keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self._slots.full:
                _log.warning("The page has %d connections; more wait", self._slots.taken)
                self._room.clear()
                await self._room.wait()
            try:
                connection, peer = await loop.sock_accept(self._sock)
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no descriptor is left, or no memory
                _log.warning("The page can't take a connection: %s", error)
                await asyncio.sleep(_RETRY_S)
                continue
            await self._enter(connection, network(str(peer[0])))

    async def _enter(self, connection: socket.socket, address: str) -> None:
        if not self._slots.take(address):
            _log.warning("One address has %d connections to the page", self._slots.each)
            connection.close()
            return
        watched = _Watched(self._protocols(), ended=lambda: self._left(address))
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: watched, connection)
        except OSError as error:
            _log.warning("The page can't take a connection: %s", error)
            connection.close()
            watched.end()

    def _left(self, address: str) -> None:
        self._slots.give_back(address)
        self._room.set()


class _Watched(asyncio.Protocol):
    """Passes everything to the server's protocol, and calls `ended` once at the end."""

    def __init__(self, protocol: asyncio.Protocol, *, ended: Callable[[], None]) -> None:
        self._protocol = protocol
        self._ended: Callable[[], None] | None = ended

    def end(self) -> None:
        if self._ended is not None:
            self._ended()
            self._ended = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Don't buffer an answer once it is sent: a connection that is closed with buffered data
        # stays open until its client has read it, which may be never.
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=0)
        self._protocol.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            self._protocol.connection_lost(exc)
        finally:
            self.end()

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()
