"""Favourites, presets, defaults and uploads over a real database."""

import asyncio
import sqlite3

import pytest

from data.jobs import jobs, pictures, uploads
from data.jobs.uploads import UploadRecord
from data.people import favourites, presets, user_defaults
from data.people.user_defaults import UserDefaults
from data.store.database import Database
from pipeline.card import QualityPreset
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from tests.data.records import a_job, a_picture

REQUEST = GenerationRequest(prompt="night sky", rating=Rating.SENSITIVE, num_inference_steps=20)


async def with_picture(database: Database) -> None:
    async with database.transaction() as connection:
        await jobs.insert(connection, job=a_job("job"))
        await pictures.insert(connection, picture=a_picture("one", "job"))


async def test_marking_at_the_same_time_marks_once(database: Database) -> None:
    await with_picture(database)

    async def mark() -> bool:
        async with database.transaction() as connection:
            return await favourites.mark(connection, user_id=1, picture_id="one", now=5)

    assert await asyncio.gather(*(mark() for _ in range(20))) == [True] * 20
    async with database.reader() as reader:
        assert await favourites.of_user(reader, user_id=1) == [("one", 5)]


async def test_an_unknown_picture_is_not_marked(database: Database) -> None:
    async with database.transaction() as connection:
        assert not await favourites.mark(connection, user_id=1, picture_id="none", now=5)


async def test_marks_are_found_among_given_pictures_and_taken_away(database: Database) -> None:
    await with_picture(database)
    async with database.transaction() as connection:
        await favourites.mark(connection, user_id=1, picture_id="one", now=5)
        found = await favourites.among(connection, user_id=1, picture_ids=["one", "two", "'"])
        other = await favourites.among(connection, user_id=2, picture_ids=["one"])
        await favourites.unmark(connection, user_id=1, picture_id="one")
        assert (found, other) == ({"one"}, frozenset())
        assert await favourites.of_user(connection, user_id=1) == []


async def test_a_deleted_job_takes_marks_with_it(database: Database) -> None:
    await with_picture(database)
    async with database.transaction() as connection:
        await favourites.mark(connection, user_id=1, picture_id="one", now=5)
        await jobs.delete(connection, job_id="job")
        assert await favourites.of_user(connection, user_id=1) == []


async def test_presets_are_one_whatever_their_case_and_width(database: Database) -> None:
    async with database.transaction() as connection:
        for name in ("Night", "night", "Ｎｉｇｈｔ"):
            await presets.save(connection, user_id=1, name=name, request=REQUEST, now=1)
        await presets.save(connection, user_id=2, name="Night", request=REQUEST, now=1)
        (only,) = await presets.of_user(connection, user_id=1)
        assert (only.name, only.request) == ("Ｎｉｇｈｔ", REQUEST)
        assert await presets.count(connection, user_id=1, without="NIGHT") == 0
        assert await presets.delete(connection, user_id=1, name="NIGHT")
        assert not await presets.delete(connection, user_id=1, name="NIGHT")
        assert await presets.get(connection, user_id=2, name="night") is not None


async def test_the_schema_refuses_long_names(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        async with database.transaction() as connection:
            await presets.save(connection, user_id=1, name="x" * 51, request=REQUEST, now=1)


async def test_defaults_are_replaced_as_a_whole(database: Database) -> None:
    first = UserDefaults(
        aspect="832x1216",
        preset=QualityPreset.NONE,
        rating=Rating.SENSITIVE,
        negative_prompt="hat",
    )
    async with database.transaction() as connection:
        assert await user_defaults.get(connection, user_id=1) == UserDefaults()
        await user_defaults.put(connection, user_id=1, defaults=first)
        assert await user_defaults.get(connection, user_id=1) == first
        await user_defaults.put(connection, user_id=1, defaults=UserDefaults(aspect="1024x1024"))
        changed = await user_defaults.get(connection, user_id=1)
        assert changed == UserDefaults(aspect="1024x1024")


async def test_a_preset_of_another_version_is_no_error(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO user_defaults (user_id, preset) VALUES (1, 'gone')")
        assert (await user_defaults.get(connection, user_id=1)).preset is None


def an_upload(content_hash: str, *, uploaded_at: float = 10) -> UploadRecord:
    return UploadRecord(
        content_hash=content_hash,
        user_id=None,
        width=10,
        height=20,
        size_bytes=5,
        uploaded_at=uploaded_at,
    )


async def test_an_upload_belongs_to_whose_job_used_it_first(database: Database) -> None:
    async with database.transaction() as connection:
        await uploads.put(connection, upload=an_upload("a"))
        await uploads.take(connection, content_hash="a", user_id=1)
        await uploads.take(connection, content_hash="a", user_id=2)
        await uploads.put(connection, upload=an_upload("a", uploaded_at=99))
        (own,) = await uploads.of_user(connection, user_id=1)
        assert (own.user_id, own.uploaded_at) == (1, 99)
        assert await uploads.of_user(connection, user_id=2) == []


async def test_only_old_uploads_that_no_job_names_go(database: Database) -> None:
    async with database.transaction() as connection:
        for name in ("used", "old"):
            await uploads.put(connection, upload=an_upload(name))
        await uploads.put(connection, upload=an_upload("new", uploaded_at=11))
        await jobs.insert(connection, job=a_job("job", init_picture="used"))
        assert await uploads.delete_unused(connection, before=10) == ["old"]
        assert await uploads.get(connection, content_hash="used") is not None
        assert await uploads.get(connection, content_hash="new") is not None
