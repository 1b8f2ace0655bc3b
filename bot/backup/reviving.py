"""Makes a database from a backup fit for today: what was deleted since is deleted again, and what
it still wanted to do is ended, because it may have been done since."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.jobs.keep.stored import error_to_json
from bot.library.forgetting import forget_job, forget_person
from data.gallery import entries, search, states, web
from data.guilds import reports, unsettled
from data.guilds.unsettled import Settled
from data.jobs import jobs, withheld
from data.people import everybody
from data.store import notes, restored, schema
from data.store.connection import Connection
from data.store.database import Database
from data.store.restored import Restored
from data.store.tombstone_lines import Kind, Tombstones
from data.store.tombstones import CarriedOut, carried_out, set_carried_out
from pipeline.errors import EngineError, RefusedError

OLDEST: Final = 14
"""The earliest version of a database that is understood here: that of Ekaki 0.2.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revived:
    """`deleted`: how many people, jobs and so on were deleted again."""

    settled: Settled
    deleted: Counter[Kind]


async def revive(
    database: Database,
    stones: Sequence[Tombstones],
    *,
    made_at: float,
    now: float,
    insist: bool = False,
) -> Revived:
    """Do both in one transaction. `made_at`: when the backup was made; `now`: seconds since the
    epoch. Files that no row names any more are left to the caller.

    RefusedError `deletions_expired`, unless `insist`: deletions since the backup are not known any
    more, so people who left may be in it.
    """
    async with database.transaction() as connection:
        done = await carried_out(connection)
        if not insist and _has_expired(stones, done):
            raise RefusedError("deletions_expired")
        settled = await unsettled.settle(
            connection, error=error_to_json(EngineError("job_restored")), now=now
        )
        deleted = await _carry_out(connection, stones, done, now=now)
        await set_carried_out(connection, done=_with(done, stones))
        await notes.put(connection, key="command_tree", value="")  # sent again
        await restored.put(connection, restored=Restored(made_at=made_at, at=now))
    begin = more = bool(deleted["person"])
    while more:  # words that are deleted leave the full-text indexes, too
        more = await database.write(search.tidy, begin=begin)
        begin = False
    await database.forget_log()
    return Revived(settled=settled, deleted=deleted)


def _has_expired(stones: Sequence[Tombstones], done: CarriedOut) -> bool:
    return any(each.through > done.numbers.get(each.key_id, 0) for each in stones)


def _with(done: CarriedOut, stones: Sequence[Tombstones]) -> CarriedOut:
    numbers = dict(done.numbers)
    for each in stones:
        numbers[each.key_id] = max(each.last, numbers.get(each.key_id, 0))
    return CarriedOut(key_id=done.key_id, numbers=numbers)


async def _carry_out(
    connection: Connection, stones: Sequence[Tombstones], done: CarriedOut, *, now: float
) -> Counter[Kind]:
    tables = await schema.names(connection)
    found: Counter[Kind] = Counter()
    for file in stones:
        last = done.numbers.get(file.key_id, 0)
        new = {(stone.kind, stone.digest) for stone in file.stones if stone.number > last}
        for action in _ACTIONS:
            if action.kind not in {kind for kind, _ in new}:
                continue
            for identifier in await action.ids(connection):
                if (action.kind, file.digest(action.kind, identifier)) in new:
                    await action.delete(connection, identifier, now, tables)
                    found[action.kind] += 1
    return found


@dataclass(frozen=True, slots=True)
class _Action:
    """How deletions of a kind are carried out. `ids`: all that could be meant."""

    kind: Kind
    ids: Callable[[Connection], Awaitable[Sequence[int] | Sequence[str]]]
    delete: Callable[..., Awaitable[None]]


async def _people(connection: Connection) -> list[int]:
    return sorted(await everybody.ids(connection))


async def _forget(connection: Connection, user_id: int, now: float, tables: set[str]) -> None:
    await forget_person(connection, user_id=user_id, now=now, tables=tables)


async def _delete_job(connection: Connection, job_id: str, now: float, _: set[str]) -> None:
    await reports.picture_gone(connection, job_id=job_id, now=now)
    await forget_job(connection, job_id=job_id)


async def _discard(connection: Connection, withheld_id: str, now: float, _: set[str]) -> None:
    await withheld.decide(
        connection, withheld_id=withheld_id, decision="discarded", by=None, now=now
    )


async def _remove(connection: Connection, entry_id: str, now: float, _: set[str]) -> None:
    entry = await entries.get(connection, entry_id=entry_id)
    if entry is not None:
        await states.remove(connection, number=entry.number, by=None, now=now)


async def _leave_web(connection: Connection, user_id: int, _: float, __: set[str]) -> None:
    await web.set_maker(connection, user_id=user_id, on_web=False)


_ACTIONS: Final = (
    _Action("person", _people, _forget),
    _Action("job", jobs.all_ids, _delete_job),
    _Action("withheld", withheld.waiting_ids, _discard),
    _Action("entry", entries.kept_ids, _remove),
    _Action("web", web.makers, _leave_web),
)
