"""Other machines that draw: they come and go while the bot runs."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bot.common.clock import Clock
from bot.common.wording import words
from bot.hosts import differences
from bot.hosts.cluster import Cluster
from bot.hosts.device_actor import DeviceActor
from bot.hosts.entries import Entry, HostView
from bot.hosts.losses import Losses
from bot.hosts.remote_engine import Device, RemoteEngine, shortened
from bot.hosts.signals import take_signals_back
from bot.jobs.draw.background import run_in_background
from bot.jobs.draw.eta import Pace
from bot.jobs.draw.runner import Runner
from bot.jobs.draw.schedule import ALWAYS_DRAWS, Schedule
from bot.jobs.draw.worker import EngineWorker
from data.store import notes
from data.store.database import Database
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EkakiError, EngineError, ModelError

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
SILENT_S: Final = 15.0
"""The head answers no question for so long: it is away."""
_DRAINED: Final = "hosts_drained"
_REMEMBERED: Final = 50
"""Devices that have left and are still shown."""


class Hosts:
    """Adds each device that joins the cluster to `runner`, and removes it when its machine is gone.
    Lives on the event loop. `schedule`: when they draw."""

    def __init__(
        self,
        *,
        runner: Runner,
        cluster: Cluster,
        database: Database,
        clock: Clock,
        schedule: Schedule = ALWAYS_DRAWS,
        kind: type[DeviceActor] = DeviceActor,
        loras: Path | None = None,
    ) -> None:
        self._runner = runner
        self._cluster = cluster
        self._database = database
        self._clock = clock
        self._schedule = schedule
        self._kind = kind
        self._loras = loras
        self._entries: dict[Device, Entry] = {}
        self._paces: dict[str, Pace] = {}
        self._losses = Losses()
        self._refused: dict[Device, str] = {}
        self._drained: set[str] = set()
        self._away: dict[str, HostView] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cluster")
        self.problem = ""

    async def check(self) -> None:
        """ModelError if the settings must be changed. What may get better, such as a network that
        is not there yet, is tried again."""
        try:
            await self._in_thread(self._cluster.check)
        except ModelError as error:
            if error.key != "hosts_address_unknown":
                raise

    async def start(self) -> None:
        """Connect and look for machines, in the background."""
        noted = await self._database.read(notes.get, key=_DRAINED)
        self._drained = set((noted or "").split())
        for host in self._drained:
            self._away.setdefault(host, HostView(name=host, host=host, state="away"))
        self._task = asyncio.create_task(self._run(), name="hosts")

    async def stop(self) -> None:
        """Leave the cluster. Call it after drawing has ended."""
        if self._task is None:
            return
        self._cluster.stopping.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        await self._in_thread(self._cluster.stop)
        self._thread.shutdown(wait=False)

    def view(self) -> list[HostView]:
        """All devices on other machines, by name."""
        found = [
            entry.view(
                drained=entry.device.host in self._drained,
                lost_at=self._losses.last(entry.device.host),
            )
            for entry in self._entries.values()
        ]
        found += [
            HostView(name=device.name, host=device.host, state="refused", problem=reason)
            for device, reason in self._refused.items()
        ]
        there = {view.host for view in found}
        found += [view for view in self._away.values() if view.host not in there]
        return sorted(found, key=lambda view: view.name)

    async def drain(self, host: str, *, resting: bool) -> bool:
        """Give `host` no more pictures, or again; remembered over restarts. False: no such host."""
        known = {view.host for view in self.view()} | self._drained
        if host not in known:
            return False
        self._drained = self._drained | {host} if resting else self._drained - {host}
        await self._database.write(notes.put, key=_DRAINED, value=" ".join(sorted(self._drained)))
        self._apply_rest()
        return True

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001 - the cluster may be back in the next round
                said = words(error) if isinstance(error, EkakiError) else shortened(error)
                if said != self.problem:
                    _log.error("Other machines can't draw now: %s", said)
                self.problem = said
                await self._lose_all()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _round(self) -> None:
        """Look once who is there."""
        if not (self._cluster.connected and self._cluster.head_runs):
            await self._lose_all()
            await self._in_thread(self._cluster.connect)
            take_signals_back()
            self.problem = ""
        try:
            async with asyncio.timeout(SILENT_S):
                there = await self._in_thread(self._cluster.devices)
        except TimeoutError:
            # The call may hang until the head is back; its thread with it.
            self._thread.shutdown(wait=False)
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="cluster")
            await self._lose_all()  # while what they draw can still be told apart
            await self._in_thread(self._cluster.disconnect)
            raise ModelError("hosts_head_silent") from None
        for device in self._entries.keys() - set(there):
            self._note_loss(self._entries[device])
            run_in_background(self._lose(device), self._background)  # takes seconds; others go on
        for device in self._refused.keys() - set(there):
            del self._refused[device]
        await asyncio.sleep(0)  # those that are lost leave the list
        for device in there:
            if device not in self._entries and device not in self._refused:
                self._take(device)
        await asyncio.gather(*(self._see_whether_leaves(one) for one in self._entries.values()))
        self._note_losses()
        self._apply_rest()

    def _take(self, device: Device) -> None:
        """Draw with a device that has joined, unless its name is taken."""
        taken = {entry.device.name: entry for entry in self._entries.values()}.get(device.name)
        if taken is not None:
            reason = f"another machine has the name {device.host}: choose one with --name"
            _log.error("%s is not used: %s", device.name, reason)
            self._refused[device] = reason
            run_in_background(self._tell(device, reason), self._background)
            return
        _log.info("%s has joined", device.name)
        pace = self._paces.setdefault(device.host, Pace())
        worker = EngineWorker(
            partial(self._open, device),
            name=f"Host {device.name}",
            device=device.name,
            pace=pace,
            host=device.host,
            schedule=self._schedule,
        )
        seat = self._runner.add(worker)
        self._entries[device] = Entry(device, worker, seat)

    def _open(self, device: Device) -> RemoteEngine:
        """Called in the worker's thread. ModelError: that machine can't be used."""
        engine = RemoteEngine.create(device, self._kind, loras=self._loras)
        entry = self._entries.get(device)
        try:
            about = engine.hello()
            found = differences.of_versions(about, ekaki=version("ekaki"))
            if found:
                engine.refuse(found)
                raise ModelError("hosts_refused", host=device.name, problem=found)
            late_s = abs(about["clock"] - time.time())
            if late_s > 300:
                _log.warning("The clock of %s is wrong by %.0f minutes", device.name, late_s / 60)
            model = engine.load()
            found = differences.of_models(model, self._model())
            if found:
                engine.refuse(found)
                raise ModelError("hosts_refused", host=device.name, problem=found)
        except EkakiError as error:
            engine.close()
            if entry is not None:
                entry.problem = words(error)
            raise
        if entry is not None:
            entry.engine, entry.about, entry.problem = engine, about, ""
        return engine

    def _model(self) -> ModelDescription | None:
        """What is drawn with here, or by the others: all must draw with the same."""
        ready = [
            worker.model
            for worker in self._runner.engines.workers
            if worker.state in {"ready", "resting", "unloaded"} and worker.model is not None
        ]
        return ready[0] if ready else None

    async def _see_whether_leaves(self, entry: Entry) -> None:
        if entry.engine is None or entry.leaving or entry.worker.state not in {"ready", "resting"}:
            return
        try:
            entry.leaving = await asyncio.to_thread(entry.engine.is_leaving)
        except EngineError as error:
            _log.info("%s does not say whether it leaves: %s", entry.device.name, error)
        if entry.leaving:
            _log.info("%s is leaving; it gets no more pictures", entry.device.name)

    def _note_losses(self) -> None:
        """Of machines that do not respond and are still in the cluster."""
        for entry in self._entries.values():
            if entry.worker.state == "lost":
                self._note_loss(entry)
            else:
                entry.is_lost = False

    def _note_loss(self, entry: Entry) -> None:
        if not entry.leaving and not entry.is_lost:
            self._losses.note(entry.device.host, self._clock.time())
        entry.is_lost = True

    def _apply_rest(self) -> None:
        now = self._clock.time()
        for entry in self._entries.values():
            host = entry.device.host
            entry.avoided = self._losses.avoided(host, now) and self._others_draw(entry)
            entry.seat.drain(entry.leaving or entry.avoided or host in self._drained)

    def _others_draw(self, entry: Entry) -> bool:
        workers = self._runner.engines.workers
        return any(one.state == "ready" for one in workers if one is not entry.worker)

    async def _lose(self, device: Device) -> None:
        entry = self._entries.pop(device)
        self._note_away(entry)
        _log.warning("%s has left", device.name)
        await self._runner.remove(entry.seat)

    def _note_away(self, entry: Entry) -> None:
        lost_at = self._losses.last(entry.device.host)
        view = replace(entry.view(drained=False, lost_at=lost_at), state="away")
        self._away.pop(view.name, None)
        self._away[view.name] = view
        for oldest in list(self._away)[:-_REMEMBERED]:
            del self._away[oldest]

    async def _lose_all(self) -> None:
        await asyncio.gather(*(self._lose(device) for device in list(self._entries)))

    async def _tell(self, device: Device, reason: str) -> None:
        """Why it is not used."""

        def tell() -> None:
            RemoteEngine.create(device, self._kind).refuse(reason)

        try:
            await asyncio.to_thread(tell)
        except Exception as error:  # noqa: BLE001 - it may be gone, or the whole cluster
            _log.info("%s could not be told: %s", device.name, error)

    async def _in_thread(self, work: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
