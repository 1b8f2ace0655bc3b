"""`python -m benchmarks.bench_hosts`: what drawing on other machines costs.

A real Ray cluster of this machine's processes; each host sleeps through its steps, so that sixteen
of them can be simulated on two cores. Needs `pip install '.[ray]'`, 8 GiB of memory and about ten
minutes.
"""

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.hosts_actor import SCALE, STEP_S, TIMES, NoisyActor, NoisyEngine
from benchmarks.memory import memory_of
from benchmarks.report import Machine, Row, percentile, print_report
from benchmarks.results import RESULTS, Meter, Result
from bot.common.secret import Secret
from bot.hosts.cluster import Cluster, ClusterOptions
from bot.hosts.remote_engine import RemoteEngine
from bot.jobs.values import Completed
from pipeline.request import GenerationRequest
from tests.bot.conftest import open_harness, origin
from tests.bot.hosts.stage import Stage, open_stage
from tests.pipeline.own_model import make_request
from tests.support.host_process import TOKEN, HostProcess, free_port

COUNTS: Final = (1, 2, 4, 8, 16)
_STEPS: Final = 10
_STEP_S: Final = 0.5
_EACH: Final = 4  # pictures a host
_SMALL: Final = 16  # divides the size: the pictures of sixteen machines are encoded by two cores
_PICTURES: Final = 6  # of full size, one after another
_MIB: Final = 2**20


class _Arrivals:
    """A watch that notes when each step arrives."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: object) -> None:  # noqa: ARG002
        self.at.append(time.monotonic())


def one_host(folder: Path) -> list[Row]:
    """A host beside the bot: a picture's way, its steps' way, memory."""
    options = ClusterOptions(address=f"127.0.0.1:{free_port()}", token=Secret(TOKEN), folder=folder)
    cluster = Cluster(options)
    times = folder / "times"
    before = memory_of(psutil.Process()).private
    began = time.monotonic()
    cluster.connect()
    start_s = time.monotonic() - began
    driver = memory_of(psutil.Process()).private - before
    assert cluster.head is not None
    environment = {STEP_S: "0.1", SCALE: "1", TIMES: str(times)}
    began = time.monotonic()
    host = HostProcess(folder, cluster.address(), "one", **environment)
    try:
        engine = _engine_of(cluster)
        join_s = time.monotonic() - began
        rows = [
            Row("the bot starts its part of the cluster", f"{start_s:.1f} s"),
            Row("`python -m bot host` until it can draw (without a model)", f"{join_s:.1f} s"),
            *_ways(engine, times),
            Row(
                "memory of the bot's part (Ray's processes)", _mib(_tree(cluster.head.process.pid))
            ),
            Row(
                "memory that the connection adds to the bot's own process",
                f"{driver / _MIB:.0f} MiB",
            ),
            Row(
                "memory of a host without its actor (Ray's processes)",
                _mib(each for each in host.everything() if each not in host.actors()),
            ),
            Row("memory of an actor without a model", _mib(host.actors())),
        ]
        engine.close()
    finally:
        host.leave()
        cluster.stop()
    return rows


def _ways(engine: RemoteEngine, times: Path) -> list[Row]:
    request = make_request(width=832, height=1216, num_inference_steps=_STEPS)
    overheads_s, late_s, cpu_s = list[float](), list[float](), list[float]()
    for _ in range(_PICTURES + 1):  # the first one loads what it needs
        times.write_text("")
        watch = _Arrivals()
        began, cpu = time.monotonic(), time.process_time()
        drawn = engine.draw(request, 0, watch)
        overheads_s.append(time.monotonic() - began - drawn.elapsed_s)
        cpu_s.append(time.process_time() - cpu)
        made = [float(line) for line in times.read_text().split()]
        late_s += [at - done for at, done in zip(watch.at, made, strict=True)]
    late_ms = [each * 1000 for each in late_s[_STEPS:]]
    return [
        Row(
            "a picture of 832x1216 takes longer than in the bot's process by",
            f"{statistics.median(overheads_s[1:]) * 1000:.0f} ms (median of {_PICTURES}; a PNG of"
            " noise, encoded there and decoded here)",
        ),
        Row(
            "the bot's processor time for it, until it has the pixels",
            f"{statistics.median(cpu_s[1:]) * 1000:.0f} ms",
        ),
        Row(
            "a step arrives after",
            f"p50 {percentile(late_ms, 0.5):.1f} ms, p99 {percentile(late_ms, 0.99):.1f} ms",
        ),
    ]


def _engine_of(cluster: Cluster) -> RemoteEngine:
    while not (devices := cluster.devices()):
        time.sleep(0.05)
    engine = RemoteEngine.create(devices[0], NoisyActor)
    engine.hello()
    engine.load()
    return engine


async def many_hosts(folder: Path) -> list[Row]:
    """The same work for more and more hosts, through the bot's job service."""
    rows: list[Row] = []
    alone = 0.0
    async with open_stage(folder, kind=NoisyActor) as stage:
        for count in COUNTS:
            while len(stage.processes) < count:  # one by one: starting a node takes seconds of CPU
                stage.start_host(
                    f"h{len(stage.processes)}", **{STEP_S: str(_STEP_S), SCALE: str(_SMALL)}
                )
                await stage.until_ready(*(host.name for host in stage.processes))
            rate, cpu_s = await _rate(stage, count * _EACH)
            alone = alone or rate
            cells = {
                "pictures a minute": f"{60 * rate:.1f}",
                "of linear": f"{rate / alone / count:.1%}",
                "the bot's processor time a picture": f"{1000 * cpu_s:.0f} ms",
            }
            rows.append(Row(f"{count} host{'s' if count > 1 else ''}", cells=cells))
    return rows


async def _rate(stage: Stage, pictures: int) -> tuple[float, float]:
    """Pictures a second from the first submission to the last end, and processor seconds of this
    process for each. Different people ask for one each."""
    began, cpu = time.monotonic(), time.process_time()
    jobs = [await _submit(stage, user, count=1) for user in range(1, pictures + 1)]
    await asyncio.gather(*(_completed(stage, job) for job in jobs))
    took_s = time.monotonic() - began
    return pictures / took_s, (time.process_time() - cpu) / pictures


async def _submit(stage: Stage, user: int, *, count: int) -> str:
    request = GenerationRequest(prompt="1girl", seed=user, count=count, num_inference_steps=_STEPS)
    return (await stage.harness.jobs.submit(request, origin(user_id=user))).job.id


async def _completed(stage: Stage, job_id: str) -> float:
    end = await stage.harness.ended(job_id)
    assert isinstance(end, Completed), end
    return time.monotonic()


async def fairness(folder: Path) -> list[Row]:
    """One person asks for forty pictures; seven ask for one each a moment later, of four hosts."""
    async with open_stage(folder, kind=NoisyActor) as stage:
        for number in range(4):
            stage.start_host(f"h{number}", **{STEP_S: "0.1", SCALE: str(_SMALL)})
        await stage.until_ready(*(host.name for host in stage.processes))
        greedy = [await _submit(stage, 100, count=4) for _ in range(10)]
        await asyncio.sleep(0.3)
        began = time.monotonic()
        others = [await _submit(stage, user, count=1) for user in range(1, 8)]
        waits = [at - began for at in
                 await asyncio.gather(*(_completed(stage, job) for job in others))]  # fmt: skip
        ends = await asyncio.gather(*(_completed(stage, job) for job in greedy))
    picture_s = _STEPS * 0.1
    said = (
        f"seven others with one each: mean {statistics.mean(waits) / picture_s:.1f}, at most"
        f" {max(waits) / picture_s:.1f} pictures' time; who wants forty:"
        f" {(max(ends) - began) / picture_s:.1f}; first come, first served the others would wait"
        " about 11"
    )
    return [Row("waiting, four hosts", said)]


async def losses(folder: Path) -> list[Row]:
    """How long until the bot notices, and until the picture is drawn again by another host."""
    rows: list[Row] = []
    async with open_stage(folder, kind=NoisyActor) as stage:
        for what, number in (("killed actor", 0), ("host without power", signal.SIGKILL),
                             ("frozen host", signal.SIGSTOP)):  # fmt: skip
            first = stage.start_host("first", **{STEP_S: "10", SCALE: str(_SMALL)})
            await stage.until_ready("first")
            job = await _submit(stage, 1, count=1)
            await stage.until(lambda _, host=first: "Drawing" in host.said)
            second = stage.start_host("second", **{STEP_S: "0.1", SCALE: str(_SMALL)})
            await stage.until_ready("first", "second")
            began = time.monotonic()
            if number:
                first.signal(number)
            else:
                for actor in first.actors():
                    actor.kill()
            await stage.until(lambda _, host=second: "Drawing" in host.said)
            again_s = time.monotonic() - began
            await _completed(stage, job)
            rows.append(Row(f"{what}: another host begins its picture after", f"{again_s:.1f} s"))
            await stage.empty()
        stage.start_host("first", **{STEP_S: "0.1", SCALE: str(_SMALL)})
        await stage.until_ready("first")
        began = time.monotonic()
        stage.kill_head()
        await stage.until(lambda views: not views)
        await stage.until_ready("first")
        again_s = time.monotonic() - began
        rows.append(Row("killed head: the host has joined the next one after", f"{again_s:.1f} s"))
    return rows


async def local(folder: Path) -> list[Row]:
    """The same pictures by an engine in the bot's process, to compare with."""
    engine = NoisyEngine(step_s=_STEP_S, scale=_SMALL)
    async with open_harness(folder, engine=engine) as harness:
        began, cpu = time.monotonic(), time.process_time()
        jobs: list[Any] = []
        for user in range(1, _EACH + 1):
            request = GenerationRequest(prompt="1girl", seed=user, num_inference_steps=_STEPS)
            jobs.append((await harness.jobs.submit(request, origin(user_id=user))).job.id)
        for job in jobs:
            await harness.ended(job)
        took_s = time.monotonic() - began
        cells = {
            "pictures a minute": f"{60 * _EACH / took_s:.1f}",
            "of linear": "-",
            "the bot's processor time a picture":
                f"{1000 * (time.process_time() - cpu) / _EACH:.0f} ms",
        }  # fmt: skip
    return [Row("an engine in the bot's process", cells=cells)]


def _tree(pid: int) -> list[psutil.Process]:
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


def _mib(processes: Iterable[psutil.Process]) -> str:
    found = [memory_of(each).private for each in processes if each.status() != "zombie"]
    return f"{sum(found) / _MIB:.0f} MiB in {len(found)} processes"


def main() -> None:
    """Measure, print, and keep the figures for the docs."""
    os.environ["OMP_NUM_THREADS"] = "1"
    meter = Meter()
    machine = Machine.here()
    with tempfile.TemporaryDirectory(prefix="ekaki-bench-hosts-") as name:
        folder = Path(name)
        rows = one_host(_made(folder / "one"))
        rows += asyncio.run(losses(_made(folder / "losses")))
        rows += asyncio.run(fairness(_made(folder / "fairness")))
        rows += asyncio.run(local(_made(folder / "local")))
        rows += asyncio.run(many_hosts(_made(folder / "many")))
    spent = meter.read()
    result = Result.of(
        spent,
        rows,
        title="Several machines, as processes of one",
        command="make bench-hosts",
        weights="none: steps of a fixed time",
        machine=machine,
    )
    print_report(result.title, rows)
    result.save(RESULTS / "hosts.json")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
