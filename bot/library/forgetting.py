"""What is deleted in one transaction, by the running bot and again in a restored backup."""

from collections.abc import Collection

from bot.jobs.accept.limits import DAY_S
from data.gallery import collections, entries, votes, web
from data.guilds import audit, reports
from data.jobs import (
    jobs,
    of_person,
    paint_links,
    pictures,
    quota,
    quota_grants,
    uploads,
    withheld,
)
from data.people import favourites, news, presets, tag_uses, user_defaults, web_sessions
from data.store.connection import Connection


async def forget_person(
    connection: Connection, *, user_id: int, now: float, tables: Collection[str] | None = None
) -> list[str]:
    """Remove everything about a person; returns the hashes of files that nothing may need now. What
    stays is said at `People.forget`. `tables` (None: all): those that there are, in a database of
    an earlier version to which an operator goes back."""
    freed = await of_person.init_pictures(connection, user_id=user_id)
    has_masks = tables is None or "job_masks" in tables
    masks = await uploads.masks_of_user(connection, user_id=user_id) if has_masks else []
    freed += await pictures.delete_of_user(connection, user_id=user_id)
    freed += await withheld.files_of_user(connection, user_id=user_id)
    for table in (favourites, votes, entries, collections):
        await table.forget(connection, user_id=user_id)
    await web.forget_maker(connection, user_id=user_id)
    await of_person.delete_of_user(connection, user_id=user_id)
    freed += await uploads.forget(connection, user_id=user_id)
    freed += await uploads.forget_masks(connection, hashes=[mask.content_hash for mask in masks])
    for table in (presets, user_defaults, tag_uses, web_sessions):
        await table.forget(connection, user_id=user_id)
    if tables is None or "paint_links" in tables:
        await paint_links.forget(connection, user_id=user_id)
    if tables is None or "maker_news" in tables:
        await news.forget(connection, user_id=user_id)
    await quota.expire(connection, before=now - DAY_S)
    for table in (reports, audit, quota_grants):
        await table.forget(connection, user_id=user_id)
    return freed


async def forget_job(connection: Connection, *, job_id: str) -> list[str]:
    """Remove an ended job with its pictures; returns as `forget_person`."""
    job = await jobs.get(connection, job_id=job_id)
    freed = await pictures.delete_of_job(connection, job_id=job_id)
    freed += await withheld.files_of_job(connection, job_id=job_id)
    await jobs.delete(connection, job_id=job_id)
    return [*freed, "" if job is None else job.request.init_picture]
