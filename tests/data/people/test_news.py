"""What counts as news of a maker."""

from dataclasses import replace
from typing import Any

import pytest

from data.jobs import jobs, pictures
from data.people import news
from data.people.news import News, Told
from data.store.database import Database
from tests.data.records import a_job, a_picture

MAKER, OTHER = 1, 2


async def drawn_on(
    database: Database, *, source: dict[str, Any] | None = None, **made: Any
) -> list[News]:
    """What the maker is told after OTHER drew on from a job of theirs."""
    first = replace(a_job("source", user_id=MAKER), **source or {})
    then = replace(a_job("made", user_id=OTHER, source="source"), **made)
    async with database.transaction() as connection:
        await news.choose(connection, user_id=MAKER, told=Told.DAILY, locale="")
        for job in (first, then):
            await jobs.insert(connection, job=job)
            await pictures.insert(connection, picture=a_picture(f"of {job.id}", job.id))
            await jobs.mark_ended(connection, job_id=job.id, state="finished", now=20)
        await jobs.mark_delivered(
            connection, job_id="made", delivery="delivered", message_id=7, now=30
        )
        await news.begin(connection, user_id=MAKER, guild_ids=[10, 11], before=30, seen=0)
        return await news.sending(connection, user_id=MAKER, now=40)


async def test_a_public_remix_is_news(database: Database) -> None:
    (found,) = await drawn_on(database)
    assert found == News(kind="remix", job_id="source", by_id=OTHER, remix_id="made")


@pytest.mark.parametrize(
    "case",
    [
        {"private": True},
        {"guild_id": 11},
        {"guild_id": None},
        {"user_id": MAKER},
        {"source": {"private": True}},
    ],
    ids=str,
)
async def test_what_not_everybody_there_sees_is_none(
    database: Database, case: dict[str, Any]
) -> None:
    assert await drawn_on(database, **case) == []


async def test_what_became_private_is_none(database: Database) -> None:
    await drawn_on(database)
    async with database.transaction() as connection:
        await connection.execute("UPDATE jobs SET private = 1 WHERE id = 'made'")
        assert await news.sending(connection, user_id=MAKER, now=40) == []


async def test_old_news_are_removed(database: Database) -> None:
    await drawn_on(database)
    async with database.transaction() as connection:
        await news.expire(connection, before=29)
        assert len(await news.sending(connection, user_id=MAKER, now=40)) == 1
        await news.expire(connection, before=30)
        assert await news.sending(connection, user_id=MAKER, now=40) == []


@pytest.mark.parametrize("user_id", [MAKER, OTHER])
async def test_forgetting_either_removes_them(database: Database, user_id: int) -> None:
    await drawn_on(database)
    async with database.transaction() as connection:
        await news.forget(connection, user_id=user_id)
        assert not await connection.exists("SELECT 1 FROM maker_news")
        left = await news.settings(connection, user_id=MAKER)
    assert (left is None) == (user_id == MAKER)
