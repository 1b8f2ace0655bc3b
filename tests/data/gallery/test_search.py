"""Searching the gallery: whatever is typed, in both orders, in both directions, by every filter."""

import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gallery_rows import GUILD, START, Item, fill, made_up
from data.gallery import search, votes
from data.gallery.entries import Entry, Order
from data.gallery.query import expression
from data.gallery.search import Wanted
from data.store.connection import Connection
from data.store.database import Database
from pipeline.rating import Rating

EVERYTHING = Wanted(ceiling=Rating.EXPLICIT)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    async with Database.open(tmp_path / "gallery.db") as opened:
        yield opened


def item(prompt: str, number: int = 0, **changes: object) -> Item:
    made = Item(prompt=prompt, content_hash=f"{number:064x}", posted_at=START + number)
    return replace(made, **changes)  # type: ignore[arg-type]


async def find(database: Database, wanted: Wanted, order: Order = "new", **more: object) -> str:
    """The prompts' first words, of a page."""
    async with database.reader() as connection:
        found = await search.page(
            connection, wanted=wanted, order=order, limit=50, **more  # type: ignore[arg-type]
        )  # fmt: skip
        return " ".join([await _first_word(connection, entry) for entry in found])


async def _first_word(connection: Connection, entry: Entry) -> str:
    async with connection.execute("SELECT words FROM jobs WHERE id = ?", (entry.job_id,)) as cursor:
        row = await cursor.fetchone()
    assert row is not None
    return str(row[0]).partition(",")[0]


@pytest.fixture
async def filled(database: Database) -> Database:
    async with database.transaction() as connection:
        await fill(
            connection,
            [
                item("night, blue_eyes, long hair", 1, votes=3, maker_name="Zoë"),
                item("dawn, blue hair, long eyes, umbrella", 2, votes=9, width=1216, height=832),
                item("noon, Blue Eyes, 初音ミク", 3, votes=3, rating=Rating.NSFW),
                item("dusk, hat, blue_eyes", 4, votes=1, guild_id=5, maker_id=8),
                item("secret, blue_eyes", 5, on_web=False),
                item("removed, blue_eyes", 6, state="removed"),
            ],
        )
    return database


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", "dusk dawn night"),
        ("blue", "dusk dawn night"),
        ("blue_eyes", "dusk night"),
        ('"blue eyes"', "dusk night"),
        ("blue eyes", "dusk dawn night"),
        ("BLUE_EYES, hat", "dusk"),
        ("blue_eyes -hat", "night"),
        ("-hat", "dawn night"),
        ("umbrel*", "dawn"),
        ("umbrel", ""),
        ("by:zoe", "night"),
        ("zoe", "night"),
        ("any portrait", ""),
        ("nothing like it", ""),
        ("\0\0", "dusk dawn night"),
    ],
)
async def test_words(filled: Database, typed: str, found: str) -> None:
    assert await find(filled, Wanted(words=typed)) == found


async def test_stars_come_first_and_of_equals_the_latest(filled: Database) -> None:
    wanted = replace(EVERYTHING, words="blue")
    assert await find(filled, wanted, "top") == "dawn noon night dusk"
    assert await find(filled, EVERYTHING, "top") == "dawn noon night dusk"


async def test_filters(filled: Database) -> None:
    assert await find(filled, Wanted(shape="landscape")) == "dawn"
    assert await find(filled, Wanted(shape="portrait", words="hat")) == "dusk"
    assert await find(filled, Wanted(maker_id=8)) == "dusk"
    assert await find(filled, Wanted(since=START + 2, words="blue")) == "dusk dawn"
    assert await find(filled, Wanted(until=START + 2)) == "night"
    assert await find(filled, Wanted(guild_id=5, on_web=True)) == "dusk"
    assert await find(filled, replace(EVERYTHING, rating=Rating.NSFW)) == "noon"
    assert await find(filled, replace(EVERYTHING, words="初音ミク")) == "noon"


async def test_a_server_sees_its_own_beside_the_web(filled: Database) -> None:
    assert await find(filled, Wanted(guild_id=GUILD)) == "secret dawn night"
    assert await find(filled, Wanted(guild_id=GUILD, on_web=True)) == "dawn night"


async def test_open_servers_show_every_rating_and_others_stay_safe(filled: Database) -> None:
    assert await find(filled, Wanted(open_guilds=frozenset({GUILD}))) == "dusk noon dawn night"
    assert await find(filled, Wanted(open_guilds=frozenset({5}))) == "dusk dawn night"


async def test_a_star_moves_an_entry_at_once(filled: Database) -> None:
    wanted = replace(EVERYTHING, words="blue")
    async with filled.transaction() as connection:
        for user_id in range(10):
            await votes.star(
                connection, number=4, user_id=user_id, message_id=votes.BUTTON, now=1.0
            )
    assert await find(filled, wanted, "top") == "dusk dawn noon night"
    async with filled.transaction() as connection:
        for user_id in range(3):
            await votes.forget(connection, user_id=user_id)
    assert await find(filled, wanted, "top") == "dawn dusk noon night"


async def test_a_candidate_is_found_once_it_is_posted(database: Database) -> None:
    async with database.transaction() as connection:
        await fill(connection, [item("dawn", 1)])
        await connection.execute("DELETE FROM gallery_words")
        await connection.execute("UPDATE gallery_entries SET posted_at = NULL, state = 'candidate'")
    assert await find(database, Wanted(words="dawn")) == ""
    async with database.transaction() as connection:
        await connection.execute("UPDATE gallery_entries SET posted_at = 5, state = 'posted'")
        await connection.execute("UPDATE gallery_entries SET maker_name = 'Nova'")
    assert await find(database, Wanted(words="dawn by:nova")) == "dawn"


@pytest.mark.parametrize("words", ["", "solo", "smile -1girl"])
async def test_the_most_starred_of_some_days_are_the_same_found_either_way(
    database: Database, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """Sorted where few fall into the time, looked for among all where many do."""
    async with database.transaction() as connection:
        await fill(connection, made_up(300))

    async def all_pages() -> list[str]:
        wanted = replace(EVERYTHING, words=words, since=START + 60.0 * 150)
        found: list[Entry] = []
        async with database.reader() as connection:
            while page := await search.page(
                connection,
                wanted=wanted,
                order="top",
                limit=7,
                beside=found[-1] if found else None,
            ):
                found += page
            back = await search.page(
                connection, wanted=wanted, order="top", limit=300, beside=found[-1], way="before"
            )
        assert back == found[:-1]
        return [entry.id for entry in found]

    sorted_ones = await all_pages()
    monkeypatch.setattr(search, "_BRIEF", -1)
    assert sorted_ones == await all_pages()
    assert len(sorted_ones) > 7


async def test_a_rating_that_a_moderator_raised_is_searched(database: Database) -> None:
    async with database.transaction() as connection:
        await fill(connection, [item("dawn", 1)])
        await connection.execute("UPDATE gallery_entries SET rating = 2")
    for rating, found in ((Rating.SAFE, ""), (Rating.NSFW, "dawn")):
        assert await find(database, replace(EVERYTHING, rating=rating)) == found


async def test_what_the_tagger_saw_is_found(database: Database) -> None:
    async with database.transaction() as connection:
        await fill(connection, [item("dawn", 1)])
        await connection.execute("DELETE FROM gallery_words")
        await connection.execute("UPDATE gallery_entries SET posted_at = NULL, state = 'candidate'")
        await connection.execute(
            "INSERT INTO picture_tags SELECT id, 'cat_ears', 0.9 FROM pictures"
        )
        await connection.execute("UPDATE gallery_entries SET posted_at = 5, state = 'posted'")
    assert await find(database, Wanted(words="cat_ears")) == "dawn"


async def test_what_the_tagger_sees_later_is_found_as_well(database: Database) -> None:
    async with database.transaction() as connection:
        await fill(connection, [item("dawn", 1), item("noon", 2)])
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO picture_tags SELECT p.id, t.value, 0.9 FROM pictures p, json_each(?) t",
            ('["cat_ears", "night_sky"]',),
        )
    for order in ("new", "top"):
        assert await find(database, Wanted(words="cat_ears, night sky"), order) == "noon dawn"
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM picture_tags WHERE tag = 'cat_ears'")
        await connection.execute("DELETE FROM jobs WHERE words = 'noon'")
    for order in ("new", "top"):
        assert await find(database, Wanted(words="cat_ears"), order) == ""
        assert await find(database, Wanted(words="night sky"), order) == "dawn"


async def test_deleted_words_leave_the_file(filled: Database, tmp_path: Path) -> None:
    async with filled.transaction() as connection:
        await connection.execute("DELETE FROM jobs WHERE words LIKE '%umbrella%'")
    more = begin = True
    while more:
        async with filled.transaction() as connection:
            more = await search.tidy(connection, begin=begin)
        begin = False
    await filled.forget_log()
    assert await find(filled, Wanted(words="umbrella")) == ""
    assert b"umbrella" not in (tmp_path / "gallery.db").read_bytes()
    plain = sqlite3.connect(tmp_path / "gallery.db")
    for index in ("gallery_fts_new", "gallery_fts_top"):
        plain.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
    plain.close()


@pytest.mark.parametrize("order", ["new", "top"])
@pytest.mark.parametrize("words", ["", "solo", "smile -1girl"])
async def test_pages_forth_and_back_show_everything_once(
    database: Database, order: Order, words: str
) -> None:
    async with database.transaction() as connection:
        await fill(connection, made_up(120))
    wanted = Wanted(words=words)
    async with database.reader() as connection:
        everything = await search.page(connection, wanted=wanted, order=order, limit=500)
        seen: list[Entry] = []
        while found := await search.page(
            connection, wanted=wanted, order=order, limit=7, beside=seen[-1] if seen else None
        ):
            seen += found
        assert seen == everything
        assert len(seen) > 5
        for here in range(3, len(seen)):
            before = await search.page(
                connection, wanted=wanted, order=order, limit=3, beside=seen[here], way="before"
            )
            assert before == seen[here - 3 : here]


_FTS = sqlite3.connect(":memory:", check_same_thread=False)
_FTS.execute("CREATE VIRTUAL TABLE t USING fts5 (words, tags, maker, marks)")
_HARD = st.text(st.sampled_from("ab1 ,:*-\"'()^{}+_\\\0\nANDORTE初ß☃"), max_size=40)


@given(st.one_of(st.text(max_size=60), _HARD), st.sampled_from([None, "portrait"]))
def test_nothing_typed_breaks_the_query(typed: str, shape: str | None) -> None:
    query = expression(typed, shape=shape)
    if query is not None:
        _FTS.execute("SELECT rowid FROM t WHERE t MATCH ?", (query,)).fetchall()
    assert query is not None or shape is None
