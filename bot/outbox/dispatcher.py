"""Sends what is due, each lane separately: a slow or rejected one does not delay others."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

from bot.common.clock import Clock
from bot.common.logs import about
from bot.common.observer import NOBODY, Observer
from bot.outbox.service import AT_ONCE, Outbox
from bot.outbox.verdict import BACKOFF_S, CLOSED_S, Failure, Verdict
from data.guilds.outbox import OutboxItem
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

Explain: TypeAlias = Callable[[BaseException], Failure]

LOOK_EVERY_S: Final = 5.0  # another process may have added something
PAUSE_S: Final = 0.05  # between two checks: commits come in bursts
SEND_LIMIT_S: Final = 300.0
"""For one attempt, including waits for Discord's rate limits."""
MAX_REFUSALS: Final = 1500
"""Refusals by closed places within REFUSALS_IN_S, over all lanes; each may have cost up to five
requests. Discord bans a bot for 10,000 in ten minutes."""
REFUSALS_IN_S: Final = 600.0
LANES_AT_ONCE: Final = 50
SLOT_S: Final = 5.0
"""After this time a lane that is still sending no longer counts: lanes that hang or wait for a rate
limit must not use up all slots."""


class Dispatcher:
    """Runs the sending tasks. `explain`: says what an exception means. `begun`: whether a server
    can be known already since the start; what is for others waits, however old it is."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        clock: Clock,
        explain: Explain,
        begun: Callable[[int], bool] = lambda _: True,
        send_limit_s: float = SEND_LIMIT_S,
        observer: Observer = NOBODY,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._explain = explain
        self._begun = begun
        self._send_limit_s = send_limit_s
        self._observer = observer
        self._task: asyncio.Task[None] | None = None
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._rests: dict[str, float] = {}  # lanes, until when
        self._paced: dict[tuple[str, str], float] = {}  # kind and key, until when
        self._refusals: deque[float] = deque()  # of closed places, when
        self._missed: set[str] = set()  # lanes that became due while they were sending
        self._troubled: defaultdict[str, int] = defaultdict(int)
        self._guilds: dict[str, int | None] = {}
        self._open = asyncio.Semaphore(LANES_AT_ONCE)
        outbox.on_wake.append(self._woken)

    def start(self) -> None:
        """Start, once: Discord must be connected."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="outbox")

    @property
    def resting(self) -> frozenset[str]:
        """The lanes that are paused."""
        return frozenset(self._rests)

    async def stop(self) -> None:
        """Stop. What is being sent is sent again at the next start."""
        tasks = [*([self._task] if self._task else []), *self._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    def _woken(self, guild_id: int) -> None:
        """Resume a server's lanes, because something changed there."""
        for lane in [lane for lane in self._rests if self._guilds.get(lane) == guild_id]:
            del self._rests[lane]
            self._troubled.pop(lane, None)

    async def _run(self) -> None:
        started = False
        while True:
            self._outbox.fresh.clear()
            wait_s = LOOK_EVERY_S
            try:
                if not started:
                    await self._outbox.wake_all()
                    started = True
                await self._look()
                wait_s = await self._until_due()
            except StorageError as error:
                _log.warning("The outbox can't be read now: %s", error)
            except Exception:  # noqa: BLE001 - an error here must not end what all servers rely on
                _log.exception("The outbox")
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._outbox.fresh.wait()
            await asyncio.sleep(PAUSE_S)

    async def _until_due(self) -> float:
        """Seconds until an item of an idle lane can be sent."""
        ends = [*self._rests.values(), *self._paced.values()]
        now = self._clock.monotonic()
        soonest = min((end - now for end in ends if end > now), default=LOOK_EVERY_S)
        due_s = await self._outbox.next_due_s()
        if due_s is not None and due_s > 0:
            soonest = min(soonest, due_s)
        return min(max(soonest, 0.0), LOOK_EVERY_S)

    async def _look(self) -> None:
        now = self._clock.monotonic()
        self._rests = {lane: until for lane, until in self._rests.items() if until > now}
        self._guilds = {
            lane: guild_id
            for lane, guild_id in self._guilds.items()
            if lane in self._rests or lane in self._busy
        }
        self._paced = {item: until for item, until in self._paced.items() if until > now}
        for lane, guild_id in await self._outbox.lanes_due():
            if guild_id is not None and not self._begun(guild_id):
                continue
            if lane in self._busy:
                self._missed.add(lane)
            if lane in self._busy or lane in self._rests:
                continue
            self._guilds[lane] = guild_id
            task = asyncio.create_task(self._drain(lane), name=f"outbox {lane}")
            self._busy[lane] = task
            task.add_done_callback(lambda done, lane=lane: self._ended(lane, done))

    def _ended(self, lane: str, task: asyncio.Task[None]) -> None:
        self._busy.pop(lane, None)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._rest(lane, self._trouble(lane))
        if error is not None and not isinstance(error, StorageError):
            _log.error("The lane %s of the outbox", lane, exc_info=error)
        if lane in self._missed:
            self._missed.discard(lane)
            self._outbox.fresh.set()

    def _trouble(self, lane: str) -> float:
        """The pause after a problem not caused by an item: the database could not be written, or
        the server is not known now."""
        pause = BACKOFF_S[min(self._troubled[lane], 5)]
        self._troubled[lane] += 1
        return pause

    def _rest(self, lane: str, pause_s: float) -> None:
        if pause_s > 0:
            self._rests[lane] = self._clock.monotonic() + pause_s
            self._outbox.fresh.set()

    async def _drain(self, lane: str) -> None:
        """Send what is due in a lane, one after another, until it has to pause."""
        async with self._slot():
            while items := await self._due(lane):
                for item in items:
                    wakes = self._outbox.wakes(item.guild_id)
                    with about(guild=item.guild_id):
                        rest_s = await self._attempt(item, wakes)
                    if rest_s > 0:
                        if self._outbox.wakes(item.guild_id) == wakes:
                            self._rest(lane, rest_s)
                        return
                self._troubled.pop(lane, None)
                if len(items) < AT_ONCE:
                    return

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        """Hold one of LANES_AT_ONCE slots, for at most SLOT_S."""
        await self._open.acquire()
        given_back = False

        def give_back() -> None:
            nonlocal given_back
            if not given_back:
                given_back = True
                self._open.release()

        timer = asyncio.get_running_loop().call_later(SLOT_S, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()

    async def _due(self, lane: str) -> list[OutboxItem]:
        """What may be sent now."""
        now = self._clock.monotonic()
        found = await self._outbox.due_in(lane)
        return [item for item in found if self._paced.get((item.kind, item.key), now) <= now]

    async def _attempt(self, item: OutboxItem, wakes: int) -> float:
        """Send one item. `wakes`: of its server, so far. Returns how long its lane has to pause.
        StorageError if the outcome can't be stored: it is sent again, which is harmless."""
        try:
            sender = self._outbox.senders[item.kind]
            async with asyncio.timeout(self._send_limit_s):
                pace_s = await sender(item)
        except asyncio.CancelledError as error:
            if _ends():
                raise
            return await self._failed(item, error, wakes)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others continue
            return await self._failed(item, error, wakes)
        self._observer.item_tried(kind=item.kind, result="sent")
        if pace_s:
            self._paced[item.kind, item.key] = self._clock.monotonic() + pace_s
        return await self._entered(item, self._outbox.done(item))

    async def _failed(self, item: OutboxItem, error: BaseException, wakes: int) -> float:
        """Store the outcome of an attempt; see `_attempt`."""
        failure = self._explain(error)
        self._observer.item_tried(kind=item.kind, result=failure.verdict)
        if failure.verdict is Verdict.WAIT and not self._outbox.is_old(item):
            return self._trouble(item.lane)  # so is everything else of the lane
        if failure.verdict is Verdict.UNFORESEEN:
            _log.error("The outbox can't send %s %s", item.kind, item.key, exc_info=error)
        rest_s = await self._entered(item, self._outbox.failed(item, failure, wakes=wakes))
        return max(rest_s, self._refused() if failure.verdict is Verdict.CLOSED else 0.0)

    def _refused(self) -> float:
        """Count a refusal by a closed place. Returns how long its lane should pause, so that all
        lanes together stay far below the number for which Discord bans a bot."""
        now = self._clock.monotonic()
        self._refusals.append(now)
        while now - self._refusals[0] > REFUSALS_IN_S:
            self._refusals.popleft()
        return CLOSED_S if len(self._refusals) > MAX_REFUSALS else 0.0

    async def _entered(self, item: OutboxItem, entering: Awaitable[float]) -> float:
        """Store an attempt's outcome. A row that can't be written, perhaps damaged, is skipped for
        a while; those behind it are not."""
        try:
            return await entering
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 - damage of any kind
            _log.exception("What became of %s %s can't be entered", item.kind, item.key)
            self._paced[item.kind, item.key] = self._clock.monotonic() + CLOSED_S
            return 0.0


def _ends() -> bool:
    """Whether this task is to end. A sender may raise CancelledError for reasons of its own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
