"""Collections by link: whoever has the link gets what its owner may see, for an hour."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from benchmarks.gallery_rows import GUILD, START, Item, fill
from bot.common.clock import SystemClock
from bot.gallery.collection_files import CollectionFiles
from bot.gallery.links import GOOD_FOR_S, CollectionLinks, Grant
from bot.web import answers, downloads
from data.files.picture_files import PictureFiles
from data.gallery import collections, entries, states
from data.store import notes
from data.store.database import DATABASE_NAME, Database
from pipeline.rating import Rating
from tests.bot.web.gallery import a_png, page_over
from tests.support.patience import PATIENCE_S, until

OWNER, MAKER = 7, 8
Stream = Callable[..., AsyncGenerator[bytes]]
COLLECTION = "abcdefghjkmn"


class Later(SystemClock):
    """A clock that is ahead."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class ServedPage:
    """A page with its database, and links as the bot makes them."""

    def __init__(self, database: Database, origin: str, names: list[str]) -> None:
        self.database = database
        self.origin = origin
        self.names = names
        self.clock = Later()
        self.links = CollectionLinks(database=database, clock=self.clock, origin=origin)

    async def link(self, **changes: object) -> str:
        grant = Grant(collection_id=COLLECTION, user_id=OWNER, guild_id=GUILD, ceiling=Rating.SAFE)
        return await self.links.make(replace(grant, **changes))  # type: ignore[arg-type]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[ServedPage]:
    """A collection of its owner's: two of somebody else's, an `nsfw` one, and a private one."""
    files = PictureFiles(tmp_path / "pictures")
    async with Database.open(tmp_path / DATABASE_NAME) as database:
        made = [
            Item(
                prompt=f"1girl, number {number}",
                content_hash=files.write(a_png(number)),
                maker_id=MAKER,
                width=208,
                height=304,
                rating=Rating.NSFW if number == 2 else Rating.SAFE,
                posted_at=START + number,
            )
            for number in range(3)
        ]
        async with database.transaction() as connection:
            names = await fill(connection, made)
            await collections.insert(
                connection, collection_id=COLLECTION, owner_id=OWNER, guild_id=None, name="Best",
                now=1.0,
            )  # fmt: skip
            for name in names:
                entry = await entries.get(connection, entry_id=name)
                assert entry is not None
                await collections.add(
                    connection, collection_id=COLLECTION, picture_id=entry.picture_id,
                    added_by=OWNER, now=entry.number,
                )  # fmt: skip
        async with page_over(tmp_path, web_requests_per_minute=100_000) as origin:
            yield ServedPage(database, origin, names)


async def fetched(http: ClientSession, url: str) -> list[str]:
    """The prompts in a ZIP that is whole."""
    async with http.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        body = await answer.read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        record = json.loads(archive.read("data.json"))
        named = {each["file"] for each in record["pictures"]}
        assert set(archive.namelist()) == {"data.json"} | named
        for name in named:
            assert archive.read(name).startswith(b"\x89PNG")
    return [each["request"]["wish"]["prompt"] for each in record["pictures"]]


async def status(http: ClientSession, url: str) -> int:
    async with http.get(url) as answer:
        return answer.status


async def test_a_link_gives_the_zip_up_to_the_ceiling_where_it_was_asked_for(
    served: ServedPage, http: ClientSession
) -> None:
    safe = await fetched(http, await served.link())
    assert safe == ["1girl, number 1", "1girl, number 0"]
    everything = await fetched(http, await served.link(ceiling=Rating.EXPLICIT))
    assert len(everything) == 3


async def test_what_was_taken_out_or_is_private_is_not_in_it(
    served: ServedPage, http: ClientSession
) -> None:
    url = await served.link()
    async with served.database.transaction() as connection:
        entry = await entries.get(connection, entry_id=served.names[0])
        assert entry is not None
        await states.remove(connection, number=entry.number, by=9, now=2.0)
    assert await fetched(http, url) == ["1girl, number 1"]
    async with served.database.transaction() as connection:
        await connection.execute("UPDATE jobs SET private = 1")
        await connection.execute("UPDATE gallery_entries SET state = 'candidate'")
    async with http.get(url) as answer:
        assert answer.status == 404
        assert "There is nothing in this collection" in await answer.text()
    maker = await served.link(user_id=MAKER)
    assert await status(http, maker) == 404, "another's collection"


async def test_a_link_ends_after_an_hour(served: ServedPage, http: ClientSession) -> None:
    served.clock.ahead_s = 60.0 - GOOD_FOR_S
    assert await status(http, await served.link()) == 200
    served.clock.ahead_s = -60.0 - GOOD_FOR_S
    assert await status(http, await served.link()) == 404


async def test_no_other_link_opens_anything(served: ServedPage, http: ClientSession) -> None:
    url = await served.link()
    start, _, signature = url.rpartition(".")
    path, _, said = start.rpartition("/")
    parts = said.split(".")
    for index, other in ((0, "nmkjhgfedcba"), (1, "8"), (2, "0"), (3, "3"), (4, "99999999999")):
        forged = ".".join([*parts[:index], other, *parts[index + 1 :]])
        assert await status(http, f"{path}/{forged}.{signature}") == 404, index
    for bad in (start, f"{start}.", f"{start}.{signature[:-1]}", f"{url}x", f"{path}/", path):
        assert await status(http, bad) == 404, bad
    async with served.database.transaction() as connection:
        await notes.put(connection, key="link_key", value="00" * 32)
    assert await status(http, url) == 404, "signed with another key"


class Streams:
    """Counts the collections that are being sent: each has a place."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stream: Stream) -> None:
        self.open = 0

        async def counted(*arguments: Any) -> AsyncGenerator[bytes]:
            self.open += 1
            try:
                async for piece in stream(*arguments):
                    yield piece
            finally:
                self.open -= 1

        monkeypatch.setattr(CollectionFiles, "stream", counted)

    async def ended(self) -> None:
        await until(lambda: not self.open)


async def test_a_reader_who_goes_away_frees_the_place(
    served: ServedPage, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = Streams(monkeypatch, CollectionFiles.stream)
    url = await served.link()
    for _ in range(4):
        async with http.get(url) as answer:
            answer.close()
    await streams.ended()
    assert len(await fetched(http, url)) == 2


async def test_who_reads_slowly_is_cut_off_and_the_log_has_no_link(
    served: ServedPage, http: ClientSession, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(answers, "SEND_S", 0.2)
    streams = Streams(monkeypatch, endless)
    url = await served.link()
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(downloads.AT_ONCE + 1):  # each frees its place
            async with http.get(url) as answer:
                assert answer.status == 200
                await streams.ended()
                with pytest.raises(ClientError):
                    while await answer.content.read(2**20):
                        pass
    said = [record.getMessage() for record in caplog.records if record.name.startswith("bot.")]
    assert not [each for each in said if "failed" in each or url.rpartition("/")[2] in each]


async def endless(*_: object) -> AsyncGenerator[bytes]:
    """More than anybody reads."""
    while True:
        yield bytes(2**20)
