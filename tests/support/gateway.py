"""What tests do to the loopback's gateway, and what they ask it."""

from bot.client.sharded import ShardedBot
from bot.playground.simulator.gateway import Connection, Gateway

RECONNECT = 7


def _connections(gateway: Gateway, shard_id: int | None = None) -> list[Connection]:
    """Those of a shard; None: of all."""
    sessions = [s for s in gateway.sessions.values() if shard_id in {None, s.shard_id}]
    return [each.connection for each in sessions if each.connection is not None]


def last_event(gateway: Gateway, shard_id: int = 0) -> int:
    """The number of the latest event that was sent to a shard's connected session; 0: none."""
    there = (each for each in gateway.sessions.values() if each.connection is not None)
    sessions = [each for each in there if each.shard_id == shard_id]
    return sessions[-1].seq if sessions else 0


def sequence(bot: ShardedBot, shard_id: int = 0) -> int:
    """The number of the latest event that a shard of the bot has taken; 0: none."""
    shard = bot.get_shard(shard_id)
    socket = None if shard is None else shard._parent.ws  # pyright: ignore[reportPrivateUsage]
    return 0 if socket is None else socket.sequence or 0


def last_events(gateway: Gateway) -> dict[int, int]:
    """`last_event` of every shard."""
    return {each: last_event(gateway, each) for each in range(gateway.sharding.shards)}


def resumes(gateway: Gateway) -> int:
    """How often a session was taken up again."""
    sent = [event for session in gateway.sessions.values() for event in session.sent]
    return sum(event["t"] == "RESUMED" for event in sent)


async def forget(gateway: Gateway, shard_id: int | None = None) -> None:
    """Close every connection, or those of a shard; RESUME will be refused."""
    connections = _connections(gateway, shard_id)
    for session in [s for s in gateway.sessions.values() if shard_id in {None, s.shard_id}]:
        del gateway.sessions[session.id]
    for connection in connections:
        await connection.socket.close(code=1001)


async def cut(gateway: Gateway, shard_id: int | None = None) -> None:
    """End every connection, or that of a shard, without a word, as a broken network does."""
    for connection in _connections(gateway, shard_id):
        request = connection.socket.get_extra_info("peername") and (
            connection.socket._req  # pyright: ignore[reportPrivateUsage]
        )
        if request is not None and request.transport is not None:
            request.transport.abort()


async def ask_reconnect(gateway: Gateway, shard_id: int | None = None) -> None:
    """Send RECONNECT (op 7) to every connection, or to that of a shard."""
    for connection in _connections(gateway, shard_id):
        await connection.send({"op": RECONNECT, "d": None})
