"""How long the event loop is ever held up, and how fast the bot answers while it draws.

The real bot with the `own` engine on random weights; the loopback Discord is another process, so
that its work is not counted as ours. Two people ask for pictures at once, a third types.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from benchmarks.report import Row, machine, percentile, print_report
from bot import app
from bot.common.secret import Secret
from bot.config.settings import Settings
from pipeline.engine.protocol import Engine
from training.random_model import RandomKind, make_random_model

MODEL = Path("models/random-demo")
TICK_S = 0.001
_PATIENCE_S = 120.0
_TYPED = ("b", "lo", "long h", "1girl, smil", "bleu eyse", "笑顔", "zzzzqx")


@dataclass
class Ticker:
    """Wakes every millisecond and keeps how late it was, by phase."""

    phase: str = "start"
    late_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    async def run(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late = time.perf_counter() - began - TICK_S
            self.late_s.setdefault(self.phase, []).append(late)


@dataclass(frozen=True)
class Discord:
    """The loopback Discord in its own process, driven over HTTP."""

    url: str
    token: str
    ids: dict[str, int]
    session: aiohttp.ClientSession

    async def act(self, action: str, who: str, **body: Any) -> dict[str, Any]:
        """Do something as a member."""
        sent = {"as": str(self.ids[who]), **body}
        async with self.session.post(f"{self.url}/loopback/act/{action}", json=sent) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def get(self, path: str, **query: str) -> Any:
        async with self.session.get(f"{self.url}/loopback/{path}", params=query) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def acknowledged_s(self, action: str, who: str, **body: Any) -> float:
        """Do something, wait for the bot's first answer; seconds as Discord measured them."""
        made = await self.act(action, who, channel=str(self.ids["art"]), **body)
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                status = await self.act("status", who, interaction=made["interaction_id"])
                if status["elapsed_s"] is not None:
                    return float(status["elapsed_s"])
                await asyncio.sleep(0.01)

    async def pictures(self, who: str) -> int:
        """How many messages with a finished picture `who` sees."""
        query = {"as": str(self.ids[who]), "channel": str(self.ids["art"])}
        found = await self.get("messages", **query)
        return sum(
            any(file["filename"].startswith("ekaki-") for file in message["attachments"])
            for message in found
        )


@asynccontextmanager
async def discord_process() -> AsyncGenerator[Discord, None]:
    """A loopback Discord of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.loopback_process", stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        about = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            yield Discord(about["url"], about["token"], about["ids"], session)
    finally:
        process.terminate()
        await process.wait()


async def measure(settings: Settings, load: Callable[[], Engine]) -> list[Row]:
    """Start, load, draw for two while a third types."""
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    async with discord_process() as discord:
        await asyncio.sleep(0.2)  # making a process holds up this one, and is no work of the bot
        ticker.phase = "start and model load"
        stop = asyncio.Event()
        settings = Settings(
            discord_token=Secret(discord.token),
            discord_api_url=discord.url,
            data_dir=settings.data_dir,
            model=settings.model,
        )
        began = time.perf_counter()
        bot = asyncio.create_task(app.run(settings, load=load, stop=stop))
        try:
            rows = await _visit(discord, ticker, bot)
        finally:
            ticker.phase = "stop"
            stop.set()
            await bot
    ticking.cancel()
    total_s = time.perf_counter() - began
    stalls = [
        Row(f"longest stall, {phase}", f"{max(late) * 1000:.1f} ms")
        for phase, late in ticker.late_s.items()
        if phase != "start"
    ]
    return [*rows, *stalls, Row("whole run", f"{total_s:.1f} s")]


async def _visit(discord: Discord, ticker: Ticker, bot: "asyncio.Task[int]") -> list[Row]:
    while not (await discord.get("state", **{"as": str(discord.ids["alice"])}))["connected"]:
        if bot.done():
            bot.result()
        await asyncio.sleep(0.05)
    request = {"prompt": "1girl", "count": 2}
    asks = [
        discord.acknowledged_s("slash", who, name="imagine", options=request)
        for who in ("alice", "bob")
    ]
    submitted = await asyncio.gather(*asks)
    typing: list[float] = []
    ticker.phase = "drawing, encoding, delivering"
    began = time.perf_counter()
    while await discord.pictures("alice") < 2:
        for typed in _TYPED:
            options = {"prompt": typed}
            answered_s = await discord.acknowledged_s(
                "autocomplete", "moderator", name="imagine", options=options, focused="prompt"
            )
            typing.append(answered_s)
        if bot.done() or time.perf_counter() - began > _PATIENCE_S:
            raise TimeoutError("no pictures came")
    return [
        Row("/imagine acknowledged", _milliseconds(submitted)),
        Row("autocomplete while drawing", _milliseconds(typing)),
        Row("four pictures at 832x1216, 28 steps", f"{time.perf_counter() - began:.1f} s"),
    ]


def _milliseconds(times_s: list[float]) -> str:
    p50, p99 = percentile(times_s, 0.5) * 1000, percentile(times_s, 0.99) * 1000
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms ({len(times_s)})"


def run() -> list[Row]:
    """All figures. Makes the random model if it is not there."""
    if not MODEL.is_dir():
        make_random_model(MODEL, kind=RandomKind.DEMO)
    with TemporaryDirectory(prefix="ekaki-bench-") as state:
        settings = Settings(data_dir=Path(state), model=str(MODEL))
        return asyncio.run(measure(settings, app.engine_loader(settings)))


if __name__ == "__main__":
    print(machine())
    print_report("Event loop while drawing (random weights)", run())
