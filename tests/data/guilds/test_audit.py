"""The audit log, a server's settings and blocks over a real database."""

import sqlite3
from dataclasses import replace

import pytest

from data.guilds import audit, blocks, guild_settings, outbox
from data.guilds.audit import AuditEvent, AuditKind
from data.guilds.blocks import EVERYWHERE, Block, Subject
from data.guilds.server_settings import GuildSettings, Words
from data.store.database import Database

DAY_S = 86400.0


def event(kind: AuditKind = AuditKind.ACCEPTED, **changes: object) -> AuditEvent:
    values: dict[str, object] = {"kind": kind, "guild_id": 10, "actor_id": 1, "user_id": 1}
    return AuditEvent(**(values | changes))  # type: ignore[arg-type]


async def test_entries_come_newest_first_by_server_kind_and_person(database: Database) -> None:
    async with database.transaction() as connection:
        await audit.insert(connection, event=event(details={"prompt": "夜"}), now=1)
        await audit.insert(connection, event=event(AuditKind.REFUSED, user_id=2), now=2)
        await audit.insert(connection, event=event(guild_id=11), now=3)
        await audit.insert(connection, event=event(guild_id=None), now=4)

    async def at(**wanted: object) -> list[float]:
        async with database.reader() as reader:
            values: dict[str, object] = {"guild_id": 10, "offset": 0, "limit": 10} | wanted
            return [entry.at for entry in await audit.page(reader, **values)]  # type: ignore[arg-type]

    assert await at() == [2, 1]
    assert await at(guild_id=None) == [4, 3, 2, 1]
    assert await at(guild_id=None, of_the_owner=True) == [4]
    assert await at(guild_id=None, of_the_owner=True, kinds=[AuditKind.REFUSED]) == []
    assert await at(kinds=[AuditKind.REFUSED]) == [2]
    assert await at(kinds=[AuditKind.REFUSED, AuditKind.ACCEPTED]) == [2, 1]
    assert await at(user_id=2) == [2]
    assert await at(user_id=1) == [2, 1]  # who did it, too
    assert await at(offset=1, limit=1) == [1]
    async with database.reader() as reader:
        (oldest,) = await audit.page(reader, guild_id=10, offset=1, limit=1)
    assert oldest.details == {"prompt": "夜"}


async def test_only_a_server_with_a_log_channel_has_entries_to_post(database: Database) -> None:
    async with database.transaction() as connection:
        await audit.insert(connection, event=event(), now=1)
        settings = GuildSettings(log_channel_id=77)
        await guild_settings.put(connection, guild_id=10, settings=settings)
        first = await audit.insert(connection, event=event(), now=2)
        last = await audit.insert(connection, event=event(), now=3)
        await audit.insert(connection, event=event(guild_id=None), now=3)
        (item,) = await outbox.due_in(connection, lane="log:10", now=9e9, limit=9)
        assert (item.kind, item.key, item.guild_id, item.changes) == ("audit_log", "10", 10, 2)
        waiting = await audit.to_post(connection, guild_id=10, limit=10)
        assert [entry.id for entry in waiting] == [first, last]
        await audit.mark_posted(connection, guild_id=10, up_to=first)
        assert [e.id for e in await audit.to_post(connection, guild_id=10, limit=9)] == [last]
        await audit.mark_posted(connection, guild_id=10, up_to=last)
        assert await audit.to_post(connection, guild_id=10, limit=9) == []


async def test_entries_live_as_long_as_their_server_says(database: Database) -> None:
    async with database.transaction() as connection:
        await guild_settings.put(connection, guild_id=10, settings=GuildSettings(retention_days=2))
        for guild_id in (10, 11, None):
            await audit.insert(connection, event=event(guild_id=guild_id), now=0)
            await audit.insert(connection, event=event(guild_id=guild_id), now=4 * DAY_S)
        await audit.expire(connection, now=5 * DAY_S, default_days=4)
        kept = await audit.page(connection, guild_id=None, offset=0, limit=10)
    assert sorted((entry.guild_id or 0, entry.at) for entry in kept) == [
        (0, 4 * DAY_S),
        (10, 4 * DAY_S),
        (11, 4 * DAY_S),
    ]


async def test_forgetting_takes_a_persons_words_and_leaves_that_they_were_blocked(
    database: Database,
) -> None:
    async with database.transaction() as connection:
        await audit.insert(connection, event=event(details={"prompt": "mine"}), now=1)
        await audit.insert(connection, event=event(user_id=2, details={"prompt": "bob's"}), now=1)
        blocked = event(
            AuditKind.BLOCKED, actor_id=9, job_id="j", details={"prompt": "mine", "reason": "spam"}
        )
        await audit.insert(connection, event=blocked, now=2)
        await audit.forget(connection, user_id=1)
        left = await audit.page(connection, guild_id=10, offset=0, limit=10)
    assert [(e.kind, e.job_id, e.details) for e in left] == [
        ("blocked", None, {"reason": "spam"}),
        ("accepted", None, {"prompt": "bob's"}),
    ]


async def test_a_servers_settings_are_kept_as_a_whole(database: Database) -> None:
    wanted = GuildSettings(
        set_up=True, allowed_channels=frozenset({1, 2}), log_channel_id=3, review=True,
        gallery_kind="forum", gallery_threshold=5, gallery_excluded=frozenset({4}),
    )  # fmt: skip
    async with database.transaction() as connection:
        assert await guild_settings.get(connection, guild_id=10) == GuildSettings()
        await guild_settings.put(connection, guild_id=10, settings=wanted)
        assert await guild_settings.get(connection, guild_id=10) == wanted
        assert await guild_settings.get(connection, guild_id=11) == GuildSettings()
        fewer = replace(wanted, allowed_channels=frozenset({2}), log_channel_id=None)
        await guild_settings.put(connection, guild_id=10, settings=fewer)
        assert await guild_settings.get(connection, guild_id=10) == fewer


@pytest.mark.parametrize(
    "settings",
    [
        GuildSettings(retention_days=0),
        GuildSettings(gallery_threshold=0),
        GuildSettings(gallery_kind="album"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_out_of_bounds_is_not_stored(
    database: Database, settings: GuildSettings
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        async with database.transaction() as connection:
            await guild_settings.put(connection, guild_id=10, settings=settings)


async def test_words_are_replaced_list_by_list(database: Database) -> None:
    async with database.transaction() as connection:
        await guild_settings.put_words(
            connection, guild_id=10, which="blocked", words=["spider", "gore"]
        )
        await guild_settings.put_words(
            connection, guild_id=10, which="allowed", words=["spider lily"]
        )
        await guild_settings.put_words(connection, guild_id=10, which="blocked", words=["spider"])
        assert await guild_settings.words(connection, guild_id=10) == Words(
            blocked=frozenset({"spider"}), allowed=frozenset({"spider lily"})
        )


def block(
    *, guild_id: int = 10, subject: Subject = "user", subject_id: int = 1,
    until: float | None = None,
) -> Block:  # fmt: skip
    return Block(
        guild_id=guild_id, subject=subject, subject_id=subject_id, reason="spam", blocked_by=9,
        blocked_at=100, until=until,
    )  # fmt: skip


async def test_blocks_hold_where_and_as_long_as_they_say(database: Database) -> None:
    async with database.transaction() as connection:

        async def kept_out(user_id: int, guild_id: int | None, now: float = 150) -> int | None:
            found = await blocks.in_force(connection, user_id=user_id, guild_id=guild_id, now=now)
            return None if found is None else found.guild_id

        await blocks.put(connection, block=block(until=200))
        assert await kept_out(1, 10) == 10
        assert await kept_out(1, 10, now=200) is None
        assert await kept_out(1, 11) is None
        assert await kept_out(1, None) is None
        assert await kept_out(2, 10) is None
        everywhere = block(guild_id=EVERYWHERE)
        await blocks.put(connection, block=everywhere)
        assert await kept_out(1, 10) == EVERYWHERE  # the wider one is shown
        assert await kept_out(1, None) == EVERYWHERE
        server = block(guild_id=EVERYWHERE, subject="guild", subject_id=12)
        await blocks.put(connection, block=server)
        assert await kept_out(5, 12) == EVERYWHERE
        assert await kept_out(12, 10) is None  # a person with the number of a blocked server
        assert await kept_out(5, None) is None
        await blocks.expire(connection, now=300)
        assert await blocks.of_guild(connection, guild_id=10, now=0) == []
        removed = await blocks.remove(connection, guild_id=EVERYWHERE, subject="user", subject_id=1)
        assert removed == everywhere
        assert await blocks.of_user(connection, user_id=1) == []


async def test_only_the_owner_blocks_servers(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        async with database.transaction() as connection:
            await blocks.put(connection, block=block(subject="guild"))
