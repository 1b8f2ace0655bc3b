"""Entries, exact votes, pages that stay cheap, and what may be on the web."""

from typing import Any

import pytest

from data.gallery import entries, search, web
from data.gallery import votes as gallery_votes
from data.gallery.entries import Entry
from data.gallery.search import Wanted
from data.guilds import guild_settings
from data.guilds.server_settings import GuildSettings
from data.jobs import jobs, pictures
from data.store.connection import Connection
from data.store.database import Database
from pipeline.rating import Rating
from tests.data.records import a_job, a_picture

GUILD, MAKER = 10, 1


async def add(
    database: Database, name: str, *, state: str = "posted", at: float = 1.0, rating: int = 0
) -> Entry:
    """An entry of a picture of its own."""
    async with database.transaction() as connection:
        await jobs.insert(connection, job=a_job(f"job{name}", user_id=MAKER))
        picture = a_picture(f"pic{name}", f"job{name}", content_hash=name)
        await pictures.insert(connection, picture=picture)
        await entries.insert(
            connection,
            entry_id=name,
            picture_id=f"pic{name}",
            guild_id=GUILD,
            channel_id=100,
            maker_id=MAKER,
            maker_name="Alice",
            rating=Rating(rating),
        )
        await connection.execute(
            "UPDATE gallery_entries SET state = ?, shared_at = ?, posted_at = ? WHERE id = ?",
            (state, at, at, name),
        )
        entry = await entries.get(connection, entry_id=name)
    assert entry is not None
    return entry


async def votes(database: Database, entry_id: str) -> int:
    async with database.reader() as connection:
        entry = await entries.get(connection, entry_id=entry_id)
    assert entry is not None
    return entry.votes


async def test_one_person_is_one_vote_until_all_their_stars_are_gone(database: Database) -> None:
    entry = await add(database, "a")
    async with database.transaction() as connection:
        for message_id in (gallery_votes.BUTTON, 7, 8, 7):
            await gallery_votes.star(
                connection, number=entry.number, user_id=2, message_id=message_id, now=5.0
            )
        await gallery_votes.star(connection, number=entry.number, user_id=3, message_id=7, now=5.0)
    assert await votes(database, "a") == 2
    async with database.transaction() as connection:
        await gallery_votes.unstar(connection, number=entry.number, user_id=2, message_id=7)
    assert await votes(database, "a") == 2, "two other stars of theirs are left"
    async with database.transaction() as connection:
        assert await gallery_votes.clear_message(connection, message_id=8) == {entry.number}
        assert await gallery_votes.unvote(connection, number=entry.number, user_id=2)
        assert not await gallery_votes.unvote(connection, number=entry.number, user_id=2)
    assert await votes(database, "a") == 1


async def test_the_stars_under_a_message_become_what_discord_says(database: Database) -> None:
    entry = await add(database, "a")
    for people in ({2, 3, 4}, {4, 5}, set[int]()):
        async with database.transaction() as connection:
            await gallery_votes.set_message(
                connection, number=entry.number, message_id=7, user_ids=people, now=5.0
            )
        async with database.reader() as connection:
            assert (
                await gallery_votes.under(connection, number=entry.number, message_id=7) == people
            )
        assert await votes(database, "a") == len(people)


async def test_a_person_who_is_forgotten_has_no_vote(database: Database) -> None:
    first, second = await add(database, "a"), await add(database, "b")
    async with database.transaction() as connection:
        for entry in (first, second):
            for user_id in (2, 3):
                await gallery_votes.star(
                    connection, number=entry.number, user_id=user_id, message_id=0, now=5.0
                )
        assert await gallery_votes.of_user(connection, user_id=2) == [("a", 5.0), ("b", 5.0)]
        await gallery_votes.forget(connection, user_id=2)
        assert await gallery_votes.of_user(connection, user_id=2) == []
    assert [await votes(database, name) for name in "ab"] == [1, 1]


async def test_a_deleted_picture_takes_entry_and_votes_along(database: Database) -> None:
    entry = await add(database, "a")
    async with database.transaction() as connection:
        await gallery_votes.star(connection, number=entry.number, user_id=2, message_id=0, now=5.0)
        await jobs.delete(connection, job_id="joba")
        assert await entries.get(connection, entry_id="a") is None
        assert await gallery_votes.of_user(connection, user_id=2) == []


async def test_pages_follow_each_other_without_gaps(database: Database) -> None:
    for number, name in enumerate("abcdefg"):
        entry = await add(database, name, at=float(number // 2), rating=number % 4)
        async with database.transaction() as connection:
            for user_id in range(number % 3):
                await gallery_votes.star(
                    connection, number=entry.number, user_id=50 + user_id, message_id=0, now=5.0
                )
    await add(database, "h", state="hidden")
    wanted = Wanted(guild_id=GUILD, ceiling=Rating.NSFW)
    orders: dict[entries.Order, str] = {"new": "gfecba", "top": "fcebga"}
    async with database.reader() as connection:
        for order, expected in orders.items():
            seen: list[Entry] = []
            while found := await search.page(
                connection, wanted=wanted, order=order, beside=seen[-1] if seen else None, limit=2
            ):
                seen += found
            assert "".join(entry.id for entry in seen) == expected, order


async def test_the_web_has_only_what_server_and_maker_both_allow(database: Database) -> None:
    await add(database, "a")

    async def shown() -> bool:
        async with database.reader() as connection:
            everything = await search.page(connection, wanted=Wanted(), order="new", limit=9)
            one = await entries.on_web(connection, entry_id="a")
        assert bool(everything) == (one is not None)
        return one is not None

    assert not await shown(), "nobody said so"
    async with database.transaction() as connection:
        await web.set_maker(connection, user_id=MAKER, on_web=True)
    assert not await shown(), "only the maker said so"
    async with database.transaction() as connection:
        await put_on_web(connection)
    assert await shown()
    async with database.transaction() as connection:
        await put_on_web(connection, on=False)
    assert not await shown(), "the server changed its mind"
    async with database.transaction() as connection:
        await put_on_web(connection)
    async with database.transaction() as connection:
        await web.forget_maker(connection, user_id=MAKER)
    assert not await shown()


async def put_on_web(connection: Connection, *, on: bool = True) -> None:
    settings = GuildSettings(gallery_web=on)
    await guild_settings.put(connection, guild_id=GUILD, settings=settings)


async def test_a_private_picture_stays_off_the_web(database: Database) -> None:
    await add(database, "a")
    async with database.transaction() as connection:
        await connection.execute("UPDATE jobs SET private = 1")
        await put_on_web(connection)
        await web.set_maker(connection, user_id=MAKER, on_web=True)
        assert await web.guilds(connection), "the server is on it"
    async with database.reader() as connection:
        assert await entries.on_web(connection, entry_id="a") is None


@pytest.mark.parametrize("order", ["new", "top"])
@pytest.mark.parametrize("guild_id", [GUILD, None])
async def test_a_page_reads_an_index_in_its_order(
    database: Database, order: entries.Order, guild_id: int | None
) -> None:
    """Nothing is sorted, so that the cost stays flat as a gallery grows."""
    seen: list[str] = []
    async with database.reader() as connection:
        plain: Any = connection
        await plain.set_trace_callback(seen.append)
        wanted = Wanted(guild_id=guild_id, ceiling=Rating.SENSITIVE)
        await search.page(connection, wanted=wanted, order=order, limit=10)
        await plain.set_trace_callback(None)
        async with connection.execute(f"EXPLAIN QUERY PLAN {seen[-1]}") as cursor:
            plan = " / ".join(str(row[3]) for row in await cursor.fetchall())
    assert "TEMP B-TREE" not in plan, plan
    assert "USING INDEX gallery_" in plan, plan
