"""Searching one's own pictures: words, marks, pages, and only what is one's own and finished."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.jobs import jobs, pictures
from data.people import favourites, history
from data.store.database import Database, migrations
from data.store.words import searchable
from tests.data.records import a_job, a_picture


async def finished(
    database: Database,
    job_id: str,
    *,
    user_id: int = 1,
    prompt: str = "1girl",
    count: int = 1,
    accepted_at: float = 10,
    **request: str,
) -> None:
    job = a_job(job_id, user_id=user_id, prompt=prompt, accepted_at=accepted_at, **request)
    async with database.transaction() as connection:
        await jobs.insert(connection, job=job)
        for position in range(count):
            picture = a_picture(f"{job_id}-{position}", job_id, position=position)
            await pictures.insert(connection, picture=picture)
        await jobs.mark_ended(connection, job_id=job_id, state="finished", now=12)


async def found(
    database: Database,
    words: str = "",
    *,
    user_id: int = 1,
    favourites: bool = False,
    offset: int = 0,
    limit: int = 100,
) -> tuple[list[str], int]:
    async with database.reader() as connection:
        page = await history.search(
            connection,
            user_id=user_id,
            words=words,
            favourites=favourites,
            offset=offset,
            limit=limit,
        )
    return [entry.picture.id for entry in page.entries], page.total


async def test_own_finished_pictures_come_newest_first_in_their_order(database: Database) -> None:
    await finished(database, "old", accepted_at=1, count=2)
    await finished(database, "new", accepted_at=2)
    await finished(database, "other", user_id=2)
    async with database.transaction() as connection:  # its first picture is made, it runs on
        await jobs.insert(connection, job=a_job("running"))
        await pictures.insert(connection, picture=a_picture("running-0", "running"))
    assert await found(database) == (["new-0", "old-0", "old-1"], 3)


async def test_all_words_have_to_occur_in_any_case_and_place(database: Database) -> None:
    await finished(database, "a", prompt="Blue_Hair, smile", character="Ganyu")
    await finished(database, "b", prompt="blue eyes")
    await finished(database, "c", prompt="夜空, 50% off!", tags="long hair")
    for words, expected in {
        "blue": {"a-0", "b-0"},
        "blue hair": {"a-0"},
        "BLUE_HAIR": {"a-0"},
        "hair": {"a-0", "c-0"},
        "hair,blue": {"a-0"},
        "ganyu": {"a-0"},
        "空": {"c-0"},
        "50%": {"c-0"},
        "off!": {"c-0"},
        "%": {"c-0"},
        "red": set[str](),
        "'": set[str](),
    }.items():
        assert set((await found(database, words))[0]) == expected, words


async def test_the_quality_words_that_we_add_are_not_searched(database: Database) -> None:
    await finished(database, "a", prompt="1girl")
    assert await found(database, "masterpiece") == ([], 0)


async def test_only_ones_own_marks_count(database: Database) -> None:
    await finished(database, "a", count=2)
    async with database.transaction() as connection:
        await favourites.mark(connection, user_id=1, picture_id="a-1", now=1)
        await favourites.mark(connection, user_id=2, picture_id="a-0", now=1)
    assert await found(database, favourites=True) == (["a-1"], 1)


async def test_pages_follow_each_other_without_gap(database: Database) -> None:
    for number in range(7):
        await finished(database, f"j{number}", accepted_at=5)  # the same moment
    whole, total = await found(database)
    pages = [await found(database, offset=offset, limit=3) for offset in (0, 3, 6, 9)]
    assert [name for names, _ in pages for name in names] == whole
    assert {total} == {page_total for _, page_total in pages} == {7}


@given(st.lists(st.text(max_size=20), max_size=5))
@settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_text_is_found_by_its_own_words(words: Sequence[str]) -> None:
    text = searchable(", ".join(words))
    connection = sqlite3.connect(":memory:")
    try:
        for pattern in history.patterns(" ".join(words)):
            query = "SELECT ? LIKE ? ESCAPE '!'"
            assert connection.execute(query, (text, pattern)).fetchone() == (1,)
    finally:
        connection.close()


async def test_thousands_of_own_pictures_are_searched_in_milliseconds(database: Database) -> None:
    prompt = "1girl, " + ", ".join(f"tag number {n}" for n in range(40))
    async with database.transaction() as connection:
        for number in range(5000):
            word = "needle" if number == 17 else "hay"
            job = a_job(f"j{number}", prompt=f"{prompt}, {word}", accepted_at=number)
            await jobs.insert(connection, job=job)
            await pictures.insert(connection, picture=a_picture(f"p{number}", f"j{number}"))
        await connection.execute("UPDATE jobs SET state = 'finished', ended_at = 1")
    began = time.process_time()
    assert await found(database, "needle", limit=5) == (["p17"], 1)
    assert time.process_time() - began < 5.0  # about 20 ms on a quiet machine


async def test_history_of_before_the_migration_is_found(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    plain = sqlite3.connect(path)
    plain.executescript(f"BEGIN; {migrations()[0][1]} PRAGMA user_version = 1; COMMIT;")
    request = a_job("old", prompt="Blue_Hair", character="Ganyu").request.to_json()
    plain.execute(
        "INSERT INTO jobs (id, user_id, channel_id, private, rating, request, pictures, locale,"
        " state, application_id, token_expires_at, accepted_at, ended_at)"
        " VALUES ('old', 1, 100, 0, 0, ?, 1, 'en', 'finished', 5, 0, 1, 2)",
        (request,),
    )
    plain.commit()
    plain.close()
    async with Database.open(path) as database:
        async with database.transaction() as connection:
            await pictures.insert(connection, picture=a_picture("old-0", "old"))
        assert await found(database, "blue hair ganyu") == (["old-0"], 1)
        assert await found(database, "red") == ([], 0)


@pytest.mark.parametrize("words", [" ", ",", "_", "\\"])
async def test_words_without_letters_find_everything(database: Database, words: str) -> None:
    await finished(database, "a")
    assert await found(database, words) == (["a-0"], 1)
