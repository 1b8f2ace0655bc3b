"""What tests do to the loopback's gateway, and what they ask it."""

from bot.playground.simulator.gateway import Connection, Gateway

RECONNECT = 7


def _connections(gateway: Gateway) -> list[Connection]:
    found = [session.connection for session in gateway.sessions.values()]
    return [connection for connection in found if connection is not None]


def last_event(gateway: Gateway) -> int:
    """The number of the latest event that was sent to the connected session; 0: none."""
    sessions = [each for each in gateway.sessions.values() if each.connection is not None]
    return len(sessions[-1].sent) if sessions else 0


def resumes(gateway: Gateway) -> int:
    """How often a session was taken up again."""
    sent = [event for session in gateway.sessions.values() for event in session.sent]
    return sum(event["t"] == "RESUMED" for event in sent)


async def forget(gateway: Gateway) -> None:
    """Close every connection; RESUME will be refused."""
    connections = _connections(gateway)
    gateway.sessions.clear()
    for connection in connections:
        await connection.socket.close(code=1001)


async def cut(gateway: Gateway) -> None:
    """End every connection without a word, as a broken network does."""
    for connection in _connections(gateway):
        request = connection.socket.get_extra_info("peername") and (
            connection.socket._req  # pyright: ignore[reportPrivateUsage]
        )
        if request is not None and request.transport is not None:
            request.transport.abort()


async def ask_reconnect(gateway: Gateway) -> None:
    """Send RECONNECT (op 7) to every connection."""
    for connection in _connections(gateway):
        await connection.send({"op": RECONNECT, "d": None})
