"""A gallery as it grows: 1k, 10k, 100k and 200k entries in one run.

Goals: search p99 below 50 ms and the first page below 100 ms at 200,000 entries; listing, paging
and voting cost the same at every size. Median and 99th percentile of wall time,
through the code that the bot and the page run; the page over HTTP by a client in the same process,
so that its work counts as well.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp
import discord

from benchmarks.gallery_rows import COMMON, GUILD, START, Item, fill, made_up, vocabulary
from benchmarks.report import Row, machine, percentile, print_report
from bot.common.clock import SystemClock
from bot.config.settings import Settings
from bot.web.serving import serving
from data.gallery import search, votes
from data.gallery.entries import Order
from data.gallery.search import Wanted
from data.guilds import guild_settings
from data.guilds.server_settings import GuildSettings
from data.store.database import DATABASE_NAME, Database
from pipeline.rating import Rating

SIZES: Final = (1_000, 10_000, 100_000, 200_000)
_LIMIT: Final = 36  # as many as the page asks for
_RUNS: Final = 150
_PAGES: Final = 40


def run() -> list[Row]:
    """The rows of a report."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    figures: dict[str, dict[str, str]] = {}
    with TemporaryDirectory() as folder:
        async with Database.open(Path(folder) / DATABASE_NAME) as database:
            async with database.transaction() as connection:
                settings = GuildSettings(gallery_web=True)
                await guild_settings.put(connection, guild_id=GUILD, settings=settings)
                await fill(connection, _small_server())
            filled = 0
            for size in SIZES:
                async with database.transaction() as connection:
                    await fill(connection, made_up(size - filled, start=filled))
                filled = size
                found = await _measure(database, size) | await _over_http(Path(folder))
                for name, figure in found.items():
                    figures.setdefault(name, {})[f"{size:,} entries"] = figure
    return [Row(name, cells=by_size) for name, by_size in figures.items()]


async def _measure(database: Database, size: int) -> dict[str, str]:
    rng = random.Random(4)
    words = vocabulary()

    def common() -> str:
        return " ".join(rng.sample(COMMON, 2))

    def usual() -> str:
        return f"{rng.choice(COMMON)}, {words[int(rng.paretovariate(0.6)) % len(words)]}"

    def rare() -> str:
        return rng.choice(words[len(words) // 2 :])

    def begun() -> str:
        return rng.choice(words)[:3] + "*"

    found: dict[str, str] = {}
    everything: list[float] = []
    for order in ("new", "top"):
        for name, make in (("common", common), ("usual", usual), ("rare", rare), ("begun", begun)):
            times = await _times(database, order, make)
            everything += times
            found[f"search, {order}, {name} words"] = _figures(times)
    for name, wanted in _narrow(size).items():
        times = [
            await _timed(lambda w=wanted, o=order: _page(database, w, o))
            for order in ("new", "top") * (_RUNS // 6)
        ]
        everything += times
        found[f"search, common words, {name}"] = _figures(times)
    found["search, all of these"] = _figures(everything)
    for order in ("new", "top"):
        found[f"first page, {order}"] = _figures(await _times(database, order, str))
        found[f"page {_PAGES}, {order}"] = _figures(await _deep(database, order))
    lately = Wanted(guild_id=GUILD, since=START + 60.0 * (size - 100))
    times = [await _timed(lambda: _page(database, lately, "top")) for _ in range(_RUNS)]
    found["first page, top of the last hundred"] = _figures(times)
    found["a vote, given and taken"] = _figures(await _votes(database, size))
    return found


def _narrow(size: int) -> dict[str, Wanted]:
    """Words that most pictures have, and a filter that few of those pass."""
    common = Wanted(guild_id=GUILD, ceiling=Rating.EXPLICIT, words="solo, smile")
    return {
        "one maker": replace(common, maker_id=_RARE_MAKER),
        "one rating": replace(common, rating=Rating.EXPLICIT),
        "one shape": replace(common, shape="landscape"),
        "the last hundred": replace(common, since=START + 60.0 * (size - 100)),
        "a small server": replace(common, guild_id=_SMALL_GUILD),
    }


def _small_server() -> Iterator[Item]:
    """Thirty entries among the many of another server, the oldest of all."""
    for number, item in enumerate(made_up(30, seed=9)):
        at = START - 3600.0 + number
        yield replace(item, guild_id=_SMALL_GUILD, maker_id=_RARE_MAKER + number, posted_at=at)


_SMALL_GUILD: Final = 200000000000000009
_RARE_MAKER: Final = 5_000  # of whom nothing, or nearly nothing, is in the large server


async def _times(database: Database, order: Order, words: Callable[[], str]) -> list[float]:
    """Seconds of a page of results."""
    times: list[float] = []
    for _ in range(_RUNS):
        wanted = Wanted(words=words())
        times.append(await _timed(lambda wanted=wanted: _page(database, wanted, order)))
    return times


async def _page(database: Database, wanted: Wanted, order: Order) -> None:
    async with database.reader() as connection:
        await search.page(connection, wanted=wanted, order=order, limit=_LIMIT)


async def _over_http(folder: Path) -> dict[str, str]:
    """Milliseconds of whole pages, from asking to the last byte."""
    settings = Settings(
        data_dir=folder, web_address="127.0.0.1:0", web_requests_per_minute=1_000_000
    )
    client = discord.Client(intents=discord.Intents.none())
    found: dict[str, str] = {}
    async with (
        serving(settings, client=client, clock=SystemClock()) as address,
        aiohttp.ClientSession() as http,
    ):
        for name, path in _PATHS.items():
            await _fetch(http, address + path)
            times = [
                await _timed(lambda path=path: _fetch(http, address + path))
                for _ in range(_RUNS // 3)
            ]
            found[f"over HTTP, {name}"] = _figures(times)
    return found


async def _fetch(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(url) as answer:
        body = await answer.read()
    assert answer.status == 200, answer.status
    assert b'class="pictures"' in body, "an empty page costs nothing"


_PATHS: Final = {
    "first page": "/",
    "first page, most stars": "/?order=top",
    "first page of a search": "/?q=smile+solo",
}


async def _deep(database: Database, order: Order) -> list[float]:
    """Seconds of the pages around the fortieth, or of the last where there are fewer."""
    times: list[float] = []
    async with database.reader() as connection:
        last = None
        for _ in range(_PAGES):
            began = time.perf_counter()
            found = await search.page(
                connection, wanted=Wanted(), order=order, limit=_LIMIT, beside=last
            )
            times.append(time.perf_counter() - began)
            if not found:
                break
            last = found[-1]
    return times[-10:]


async def _votes(database: Database, size: int) -> list[float]:
    """Seconds of a star and of taking it away, each its own transaction."""
    rng = random.Random(5)
    numbers = [rng.randint(1, size) for _ in range(_RUNS // 3)]
    return [await _timed(lambda n=number: _vote(database, n)) for number in numbers]


async def _vote(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await votes.star(connection, number=number, user_id=99, message_id=votes.BUTTON, now=1.0)
    async with database.transaction() as connection:
        await votes.unvote(connection, number=number, user_id=99)


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _figures(times: list[float]) -> str:
    p50, p99 = (percentile(times, share) * 1e3 for share in (0.5, 0.99))
    return f"{p50:.2f} / {p99:.2f} ms"


if __name__ == "__main__":
    print(machine())
    print_report("Gallery", run())
