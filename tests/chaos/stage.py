"""Where rounds are played: a loopback Discord that lives on, one state folder, at most one bot."""

import asyncio
import shutil
import signal
import socket
import sqlite3
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.playground.simulator.sharding import Sharding
from bot.playground.simulator.world import Interaction, World
from tests.bot.loras.making import put
from tests.chaos.machines import Machines
from tests.chaos.places import LORA, OTHER, furnish
from tests.chaos.processes import BotProcess, ForkServer, open_fork_server
from tests.chaos.spec import BotSpec
from tests.support.member import Member
from tests.support.patience import PATIENCE_S
from tests.support.simulator import Loopback
from tests.support.tagger import make_tagger

DATABASE = "ekaki.db"


class StuckError(Exception):
    """Something that must happen did not."""


async def until(found: Callable[[], Any], what: str, *, patience_s: float = PATIENCE_S) -> Any:
    """The result of `found` once it is true. StuckError names `what` did not happen."""
    began = time.monotonic()
    while not (value := found()):
        if time.monotonic() - began > patience_s:
            raise StuckError(what)
        await asyncio.sleep(0.02)
    return value


@dataclass
class Stage:
    """`state` is the bots' folder by their name of it, `seen` the same folder as we reach it.
    `accepted`: the jobs that the loopback acknowledged so far, see `sight.accepted_jobs`;
    `requests`: the latest ones that it read there. `evidence`: why something was missing.
    `machines`: those that draw for the bots, if these don't draw themselves. `web_address`: of
    their web page. `patient`: no deadline of Discord's counts, as a busy machine may miss it.
    `spare_s`: for how much longer such a machine may take. `slots`: how many pictures a bot draws
    at once."""

    loopback: Loopback
    fork_server: ForkServer
    state: Path
    seen: Path
    log: Path
    bot: BotProcess | None = None
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    starts_s: list[float] = field(default_factory=list[float])
    accepted: dict[str, Interaction] = field(default_factory=dict[str, Interaction])
    requests: deque[str] = field(default_factory=lambda: deque[str](maxlen=2000))
    evidence: list[str] = field(default_factory=list[str])
    machines: Machines | None = None
    web_address: str = ""
    patient: bool = False
    spare_s: float = 0.0
    slots: int = 1
    _locking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def world(self) -> World:
        return self.loopback.world

    def member(self, user_id: int) -> Member:
        """A person at their client."""
        if user_id not in self.members:
            self.members[user_id] = Member(self.loopback, user_id)
        return self.members[user_id]

    @property
    def has_disk(self) -> bool:
        """Whether the state is on a separate small disk."""
        return self.seen != self.state

    @property
    def has_database(self) -> bool:
        """Whether a bot made it already."""
        return (self.seen / DATABASE).exists()

    @property
    def alive(self) -> bool:
        return self.bot is not None and self.bot.alive

    async def start(self, *, failpoint: str = "", wait: bool = True, **spec: Any) -> BotProcess:
        """Start a bot. `wait`: until it listens, or has died at its failpoint."""
        assert not self.alive, "one bot a folder"
        gateway = self.loopback.gateway
        gateway.sessions.clear()  # those of killed bots would be kept for a resumption forever
        began = time.monotonic()
        environment = {"EKAKI_FAILPOINT": failpoint} if failpoint else {}
        spec.setdefault("slots", self.slots)
        if self.machines is not None:
            spec["hosts_address"] = self.machines.address
        bot = await self.fork_server.start(
            BotSpec(
                url=self.loopback.url,
                token=self.loopback.token,
                state=str(self.state),
                log=str(self.log),
                environment=environment,
                tagger=str(self.log.parent / "model" / "tagger"),
                web_address=self.web_address,
                patient=self.patient,
                **spec,
            )
        )
        self.bot = bot
        if wait:
            await until(
                lambda: gateway.connected or not bot.alive,
                "the bot to connect",
            )
            self.starts_s.append(time.monotonic() - began)
        return bot

    @property
    def slow_s(self) -> float:
        """For how much longer one may have to wait for what a bot does by itself: to start a
        cluster takes a while."""
        return 0.0 if self.machines is None else 60.0

    @property
    def answer_s(self) -> float:
        """For how long people wait for an answer: Discord's deadline."""
        return PATIENCE_S if self.patient else 3.0

    async def stop(self) -> float:
        """SIGTERM: it must end by itself, with status 0. Returns the seconds that took."""
        assert self.bot is not None
        within_s = 10.0 + self.slow_s + self.spare_s
        began = time.monotonic()
        self.bot.send(signal.SIGTERM)
        try:
            status = await self.bot.end(within_s)
        except TimeoutError:
            raise StuckError(f"the bot to end within {within_s} s of SIGTERM") from None
        if status != 0:
            raise StuckError(f"the bot to end with 0 after SIGTERM; it was {status}")
        return time.monotonic() - began

    async def quiet(self, *, patience_s: float = PATIENCE_S) -> None:
        """Wait until every stored job has ended and was delivered."""

        def open_jobs() -> int:
            if not self.alive:
                raise StuckError("the bot to live on; see its log")
            try:
                return self.query("SELECT COUNT(*) FROM jobs WHERE ended_at IS NULL"
                                  " OR delivery = 'pending'")[0][0]  # fmt: skip
            except (
                sqlite3.DatabaseError,
                FileNotFoundError,
            ):  # the disk is full, or the database just being made
                return 1

        await until(
            lambda: open_jobs() == 0, "all jobs to end", patience_s=patience_s + self.slow_s
        )

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Read our database. It never counts for what was delivered, only for what must be."""
        address = f"file:{self._readable()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            return connection.execute(sql, values).fetchall()

    def _readable(self) -> Path:
        """The database; of a disk that only the bots see a copy, as SQLite follows `/proc/*/root`
        to our own root."""
        if not self.has_disk:
            return self.state / DATABASE
        copies = self.log.parent / "copies"
        copies.mkdir(exist_ok=True)
        for name in (DATABASE, f"{DATABASE}-wal"):
            (copies / name).unlink(missing_ok=True)
            if (self.seen / name).exists():
                shutil.copyfile(self.seen / name, copies / name)
        return copies / DATABASE

    async def execute(self, sql: str, *values: Any) -> None:
        """Change our database, as an operator or another program might."""
        async with self.locked() as connection:
            connection.execute(sql, values)

    @asynccontextmanager
    async def locked(self) -> AsyncGenerator[sqlite3.Connection]:
        """Nobody else can write to the database meanwhile."""
        async with self._locking:
            with closing(
                sqlite3.connect(self.state / DATABASE, isolation_level=None, timeout=10)
            ) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")


@contextmanager
def reserved_address() -> Generator[str]:
    """An address that is kept for one bot after the other: bound and not listened at, nobody else
    is given its port while none of them runs."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@asynccontextmanager
async def open_stage(
    folder: Path,
    *,
    fork_server: ForkServer | None = None,
    disk: bool = False,
    hosts: int = 0,
    loopback: Loopback | None = None,
) -> AsyncGenerator[Stage]:
    """A stage in `folder`, with bots of `fork_server` or of one of its own.

    `disk`: the state lies on a small disk that only the bots see; NoDiskError if that can't be.
    `hosts`: so many other machines draw for them. `loopback`: a Discord that exists already.
    """
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        # The servers are on a shard each; both may identify at once, as bots are killed often.
        sharding = Sharding(shards=2, max_concurrency=2, identify_every_s=0.0)
        loopback = await stack.enter_async_context(loopback or Loopback())
        loopback.gateway.sharding = sharding
        if fork_server is None:
            fork_server = await stack.enter_async_context(open_fork_server(state if disk else None))
        seen = Path(f"/proc/{fork_server.pid}/root{state}") if disk else state
        stage = Stage(loopback, fork_server, state, seen, folder / "bot.log")
        stage.web_address = stack.enter_context(reserved_address())
        if OTHER not in loopback.world.guilds:
            furnish(loopback.world)
        make_tagger(folder / "model" / "tagger")
        put(folder / "loras", LORA)
        if hosts:
            stage.machines = Machines(folder, hosts)
        try:
            yield stage
        finally:
            if stage.bot is not None:
                await stage.bot.kill()
            if stage.machines is not None:
                stage.machines.end()
