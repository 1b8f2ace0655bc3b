"""The gateway: HELLO, IDENTIFY, READY, heartbeats, RESUME with replay, close codes, shards."""

import asyncio
import contextlib
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from bot.playground.simulator.errors import Json
from bot.playground.simulator.payloads import guild_create_json, me_json
from bot.playground.simulator.sharding import Sharding, guild_id_of, read_shard, shard_of
from bot.playground.simulator.world import Guild, World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME = 0, 1, 2, 3, 6
ANSWER_AFTER_S = 0.01
MEMBERS_REQUEST, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11

UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED = 4001, 4002, 4003, 4004
ALREADY_AUTHENTICATED, INVALID_SEQ, INVALID_API_VERSION, INVALID_INTENTS = 4005, 4007, 4012, 4013
INVALID_SHARD, SHARDING_REQUIRED, GOING_AWAY = 4010, 4011, 1001

HEARTBEAT_INTERVAL_MS = 41_250
KEPT = 5000  # events of a session, for RESUME
KNOWN_INTENTS = (1 << 26) - 1
GUILDS, GUILD_MEMBERS, GUILD_MESSAGES, GUILD_REACTIONS = 1 << 0, 1 << 1, 1 << 9, 1 << 10
DIRECT_MESSAGES, DIRECT_REACTIONS, MESSAGE_CONTENT = 1 << 12, 1 << 13, 1 << 15


@dataclass(slots=True)
class Session:
    """One identified session of a shard; it outlives its connection so that it can be resumed, if
    not more than KEPT events were missed. `seq`: the number of the latest event."""

    id: str
    intents: int
    shard_id: int = 0
    shards: int = 1
    seq: int = 0
    sent: deque[Json] = field(default_factory=deque[Json])  # the latest ones, oldest first
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    cursor: int = 0
    connection: "Connection | None" = None

    def serves(self, guild_id: int | None) -> bool:
        """Whether it gets the events of a server, or (None) of direct messages."""
        return shard_of(guild_id, self.shards) == self.shard_id

    def push(self, name: str, data: Json) -> None:
        self.seq += 1
        self.sent.append({"op": DISPATCH, "t": name, "s": self.seq, "d": data})
        while len(self.sent) > KEPT and (self.connection is None or self.cursor > self.forgotten):
            self.sent.popleft()
        self.wake.set()

    @property
    def forgotten(self) -> int:
        """The number of the latest event that can't be sent any more."""
        return self.seq - len(self.sent)


class Connection:
    """A WebSocket, with zlib-stream compression if it was asked for."""

    def __init__(self, socket: web.WebSocketResponse, *, compressed: bool) -> None:
        self.socket = socket
        self._zlib = zlib.compressobj() if compressed else None
        self._lock = asyncio.Lock()

    async def send(self, payload: Json) -> None:
        text = json.dumps(payload)
        async with self._lock:
            if self._zlib is None:
                await self.socket.send_str(text)
                return
            data = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
            await self.socket.send_bytes(data)


class Gateway:
    """All sessions of the bot."""

    def __init__(self, world: World, *, token: str, sharding: Sharding | None = None) -> None:
        self.world = world
        self.token = token
        self.sharding = sharding or Sharding()
        self.base_url = ""
        self.sessions: dict[str, Session] = {}
        self.away: set[int] = set()  # servers in an outage

    @property
    def url(self) -> str:
        """Where sessions begin; each resumes at an address of its own."""
        return self.base_url.replace("http", "ws", 1) + "/gateway"

    @property
    def connected(self) -> bool:
        """Whether a bot is connected and identified, with all shards."""
        there = {each.shard_id for each in self.sessions.values() if each.connection is not None}
        return there >= {*range(self.sharding.shards)}

    def dispatch(self, name: str, data: Json, *, intent: int = 0) -> None:
        """Send an event to each session that asked for `intent` (0: everyone gets it), of the shard
        of its server.

        A session without a connection keeps it for RESUME.
        """
        guild_id = guild_id_of(name, data)
        for session in self.sessions.values():
            if session.serves(guild_id) and (not intent or session.intents & intent):
                session.push(name, data)

    def dispatch_message(self, name: str, data: Json, *, in_guild: bool) -> None:
        """As `dispatch`, without content for those who may not read it."""
        intent = GUILD_MESSAGES if in_guild else DIRECT_MESSAGES
        own = data["author"]["id"] == str(self.world.bot_user_id)
        mentioned = any(u["id"] == str(self.world.bot_user_id) for u in data["mentions"])
        guild_id = guild_id_of(name, data)
        for session in self.sessions.values():
            if not session.intents & intent or not session.serves(guild_id):
                continue
            if own or mentioned or not in_guild or session.intents & MESSAGE_CONTENT:
                session.push(name, data)
            else:
                blank: Json = {"content": "", "embeds": [], "attachments": [], "components": []}
                session.push(name, data | blank)

    async def drop(self, *, code: int = GOING_AWAY, shard_id: int | None = None) -> None:
        """Close every connection, or those of one shard."""
        for session in list(self.sessions.values()):
            if session.connection is not None and shard_id in {None, session.shard_id}:
                await session.connection.socket.close(code=code)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from HELLO to its end. 503 where a shard that is down would resume."""
        if request.match_info.get("shard") in {str(each) for each in self.sharding.down}:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(max_msg_size=64 * 1024, compress=False)
        await socket.prepare(request)
        if request.query.get("v", "10") != "10" or request.query.get("encoding") == "etf":
            await socket.close(code=INVALID_API_VERSION)
            return socket
        compressed = request.query.get("compress") == "zlib-stream"
        connection = Connection(socket, compressed=compressed)
        hello = {"heartbeat_interval": HEARTBEAT_INTERVAL_MS, "_trace": ["loopback"]}
        await connection.send({"op": HELLO, "s": None, "t": None, "d": hello})
        await _Conversation(self, connection).run()
        return socket


class _Conversation:
    """The messages of one connection, and the answers."""

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self.gateway = gateway
        self.connection = connection
        self.session: Session | None = None
        self.sender: asyncio.Task[None] | None = None

    async def run(self) -> None:
        try:
            async for message in self.connection.socket:
                if message.type != aiohttp.WSMsgType.TEXT:
                    await self._close(DECODE_ERROR)
                    break
                try:
                    payload: Json = json.loads(message.data)
                except ValueError:
                    await self._close(DECODE_ERROR)
                    break
                await self._answer(payload.get("op"), payload.get("d"))
        finally:
            if self.session is not None and self.session.connection is self.connection:
                self.session.connection = None
            if self.sender is not None:
                self.sender.cancel()
                await asyncio.gather(self.sender, return_exceptions=True)

    async def _close(self, code: int) -> None:
        await self.connection.socket.close(code=code)

    async def _answer(self, op: Any, data: Any) -> None:
        if op == HEARTBEAT:
            # discord.py records the time of a heartbeat after sending it: an earlier answer would
            # be measured from the previous heartbeat, 41 s ago, and logged as a problem.
            await asyncio.sleep(ANSWER_AFTER_S)
            await self.connection.send({"op": HEARTBEAT_ACK, "d": None})
        elif op == IDENTIFY:
            await self._identify(data)
        elif op == RESUME:
            await self._resume(data)
        elif self.session is None:
            await self._close(NOT_AUTHENTICATED)
        elif op not in {PRESENCE, MEMBERS_REQUEST, 4}:
            await self._close(UNKNOWN_OPCODE)

    async def _identify(self, data: Json) -> None:
        gateway = self.gateway
        if self.session is not None:
            return await self._close(ALREADY_AUTHENTICATED)
        if data.get("token") != gateway.token:
            return await self._close(AUTHENTICATION_FAILED)
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return await self._close(INVALID_INTENTS)
        shard = read_shard(data.get("shard"))
        if shard is None:
            return await self._close(INVALID_SHARD)
        session = Session(secrets.token_hex(16), intents, *shard)
        guilds = [each for each in gateway.world.guilds.values() if session.serves(each.id)]
        if len(guilds) > gateway.sharding.most_guilds:
            return await self._close(SHARDING_REQUIRED)
        if session.shard_id in gateway.sharding.down:
            return await self._close(GOING_AWAY)
        if not gateway.sharding.may_identify(session.shard_id):
            return await self.connection.send({"op": INVALID_SESSION, "d": False})
        gateway.sessions[session.id] = session
        self._begin(session, guilds)
        self._attach(session, after=0)
        return None

    def _begin(self, session: Session, guilds: list[Guild]) -> None:
        """READY with servers of which nothing is known yet, then each of them."""
        session.push("READY", self._ready(session, guilds))
        if not session.intents & GUILDS:
            return
        everyone = bool(session.intents & GUILD_MEMBERS)
        for guild in guilds:
            if guild.id not in self.gateway.away:
                created = guild_create_json(self.gateway.world, guild, all_members=everyone)
                session.push("GUILD_CREATE", created)

    def _ready(self, session: Session, guilds: list[Guild]) -> Json:
        world = self.gateway.world
        return {
            "v": 10,
            "user": me_json(world.user(world.bot_user_id)),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": f"{self.gateway.url}/{session.shard_id}",
            "shard": [session.shard_id, session.shards],
            "application": {"id": str(world.application_id), "flags": 0},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "_trace": ["loopback"],
        }

    async def _resume(self, data: Json) -> None:
        gateway = self.gateway
        if data.get("token") != gateway.token:
            return await self._close(AUTHENTICATION_FAILED)
        session = gateway.sessions.get(str(data.get("session_id")))
        if session is None:
            return await self.connection.send({"op": INVALID_SESSION, "d": False})
        if session.shard_id in gateway.sharding.down:
            return await self._close(GOING_AWAY)
        seq = data.get("seq")
        if not isinstance(seq, int) or not 0 <= seq <= session.seq:
            return await self._close(INVALID_SEQ)
        if seq < session.forgotten:
            return await self.connection.send({"op": INVALID_SESSION, "d": False})
        if session.connection is not None:
            with contextlib.suppress(ConnectionError):
                await session.connection.socket.close(code=4000)
        self._attach(session, after=seq)
        session.push("RESUMED", {"_trace": ["loopback"]})
        return None

    def _attach(self, session: Session, *, after: int) -> None:
        self.session = session
        session.connection = self.connection
        session.cursor = after
        self.sender = asyncio.create_task(self._send(session))

    async def _send(self, session: Session) -> None:
        with contextlib.suppress(ConnectionError):
            while session.connection is self.connection:
                while session.cursor < session.seq:
                    payload = session.sent[session.cursor - session.forgotten]
                    session.cursor += 1
                    await self.connection.send(payload)
                session.wake.clear()
                await session.wake.wait()
