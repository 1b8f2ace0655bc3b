"""Which LoRAs jobs are drawn with: counted by place, gone with the job."""

from dataclasses import replace

from data.jobs import jobs, loras, pictures
from data.store.database import Database
from tests.data.records import a_job, a_picture


async def fill(database: Database) -> None:
    """Two pictures in server 10, one in server 11, one in a direct message."""
    for number, guild_id in (("1", 10), ("2", 11), ("3", None)):
        job = replace(a_job(f"job{number}"), guild_id=guild_id)
        async with database.transaction() as connection:
            await jobs.insert(connection, job=job)
            await loras.insert(connection, job_id=job.id, names=["ink", "水彩"], role_ids=[7, 5])
            made = a_picture(f"p{number}", job.id)
            await pictures.insert(connection, picture=made)
    await database.write(pictures.insert, picture=a_picture("p4", "job1", position=1))
    await database.write(jobs.insert, job=a_job("job4"))


async def test_pictures_are_counted_where_they_were_drawn(database: Database) -> None:
    await fill(database)
    assert await database.read(loras.counts, guild_id=10, user_id=1) == {"ink": 2, "水彩": 2}
    assert await database.read(loras.counts, guild_id=11, user_id=2) == {"ink": 1, "水彩": 1}
    assert await database.read(loras.counts, guild_id=None, user_id=1) == {"ink": 1, "水彩": 1}
    assert await database.read(loras.counts, guild_id=None, user_id=2) == {}
    await database.write(jobs.delete, job_id="job1")
    assert await database.read(loras.counts, guild_id=10, user_id=1) == {}


async def test_roles_are_kept_until_the_job_ends(database: Database) -> None:
    await fill(database)
    assert await database.read(loras.roles_of, job_id="job1") == {5, 7}
    assert await database.read(loras.roles_of, job_id="job4") == frozenset()
    await database.write(jobs.mark_ended, job_id="job1", state="finished", error=None, now=20.0)
    assert await database.read(loras.roles_of, job_id="job1") == frozenset()
    assert await database.read(loras.roles_of, job_id="job2") == {5, 7}
