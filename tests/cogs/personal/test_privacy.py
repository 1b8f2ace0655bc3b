"""`/privacy`: what comes out is complete and only one's own; what is removed is gone from disk."""

import io
import json
import sqlite3
import sys
import zipfile
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import pytest
from PIL import Image

from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import InteractionType
from data.people import web_sessions
from data.people.web_sessions import WebSession
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot
from tests.support.patience import until
from tests.support.views import MessageView

ROOM = 64 * 1024  # what an export leaves of the limit


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def export(visitor: Visitor) -> list[MessageView]:
    """All messages of `/privacy export`."""
    sent = await visitor.member.slash("privacy export", {}, channel=IDS.general)
    await visitor.member.wait_for(lambda: sent.message and "Collecting" not in sent.message.text)
    assert sent.message is not None
    return [sent.message, *sent.followups]


def unpacked(messages: Iterable[MessageView]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for message in messages:
        for file in message.attachments:
            if file.filename.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
                    found |= {name: archive.read(name) for name in archive.namelist()}
    return found


async def test_an_export_has_everything_of_oneself_and_nothing_of_others(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    await alice.draw(running, "1girl, umbrella", count=2)
    await alice.draw(running, "1girl, secret", private=True)
    await bob.draw(running, "1boy, treasure")
    await alice.answer("preset save", name="Night", steps=8)
    database = running.services.database
    async with database.transaction() as connection:
        for user_id, key in ((IDS.alice, "key of Alice"), (IDS.bob, "key of Bob")):
            signed_in = WebSession(
                user_id=user_id, name=key[7:], guild_ids=frozenset({IDS.guild}), expires_at=9e9
            )
            await web_sessions.insert(connection, key=key, session=signed_in)
    (message,) = await export(alice)
    assert message.ephemeral
    files = unpacked([message])
    record = json.loads(files["data.json"])
    assert record["user_id"] == str(IDS.alice)
    assert len(record["jobs"]) == 2
    assert record["web_sessions"] == [
        {"name": "Alice", "server_ids": [str(IDS.guild)], "expires_at": 9e9}
    ]
    assert [preset["name"] for preset in record["presets"]] == ["Night"]
    named = [picture["file"] for job in record["jobs"] for picture in job["pictures"]]
    assert sorted(named) == sorted(files.keys() - {"data.json"})
    for name in named:
        with Image.open(io.BytesIO(files[name])) as picture:
            assert "parameters" in picture.info
    text = files["data.json"].decode()
    assert "secret" in text
    assert "treasure" not in text
    assert "token" not in text


async def test_somebody_unknown_gets_an_empty_record(running: Running, alice: Visitor) -> None:
    (message,) = await export(alice)
    record = json.loads(unpacked([message])["data.json"])
    assert record["jobs"] == []


async def test_what_is_above_the_file_limit_comes_in_parts(
    running: Running, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await alice.draw(running, f"1girl, umbrella {number}", count=4)
    monkeypatch.setattr(limits, "FILE_BYTES", ROOM + 8000)
    messages = await export(alice)
    assert len(messages) > 2
    assert all(message.ephemeral for message in messages)
    assert f"in {len(messages)} files" in messages[0].text
    assert all(len(file.data) <= 8000 for m in messages for file in m.attachments)
    assert len(unpacked(messages)) == 1 + 16


async def test_what_does_not_fit_at_all_is_listed(
    running: Running, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await alice.draw(running, f"1girl, umbrella {number}", count=4)
    monkeypatch.setattr(limits, "FILE_BYTES", ROOM + 8000)
    monkeypatch.setattr(sys.modules["cogs.personal.zip_files"], "MAX_PARTS", 1)
    messages = await export(alice)
    sent = unpacked(messages)
    (names,) = [f for m in messages for f in m.attachments if f.filename == "left-out.txt"]
    left_out = names.data.decode().split()
    assert len(left_out) + len(sent) == 1 + 16
    assert not set(left_out) & set(sent)
    assert f"{len(left_out)} files could not be sent" in messages[-1].text


async def test_a_record_that_is_too_large_says_whom_to_ask(
    running: Running, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await alice.draw(running, "1girl, umbrella")
    monkeypatch.setattr(limits, "FILE_BYTES", ROOM + 100)
    messages = await export(alice)
    assert "too large" in messages[0].text
    assert unpacked(messages) == {}


async def test_delete_asks_first_and_no_is_no(
    running: Running, place: Discord, alice: Visitor
) -> None:
    await alice.draw(running, "1girl, umbrella")
    question = await alice.answer("privacy delete")
    assert question.ephemeral
    assert labels(question) == {"Remove everything": True, "Keep it": True}
    assert len(await running.jobs()) == 1
    await alice.member.press(question, "Keep it")
    answered = alice.member.message(question.id)
    assert "Nothing was removed" in answered.text
    assert answered.buttons == []
    assert len(await running.jobs()) == 1
    assert len(pictures_in(place)) == 1


def pictures_in(place: Discord) -> list[str]:
    return [file.name for file in place.folder.rglob("*.png")]


def rows_of(place: Discord, user_id: int) -> dict[str, int]:
    """Rows that contain the person's id, by table, in the whole database."""
    found: dict[str, int] = {}
    with sqlite3.connect(place.folder / "ekaki.db") as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            if "user_id" in columns:
                query = f"SELECT COUNT(*) FROM {table} WHERE user_id = ?"
                (count,) = connection.execute(query, (user_id,)).fetchone()
                if count:
                    found[table] = count
    connection.close()
    return found


async def test_delete_removes_rows_and_files_and_leaves_those_of_others(
    running: Running, place: Discord, alice: Visitor, bob: Visitor
) -> None:
    await alice.draw(running, "1girl, umbrella", count=2)
    await alice.answer("preset save", name="Night", steps=8)
    panel = await alice.answer("me")
    await alice.member.select(panel, "ekaki:me:rating", ["sensitive"])
    kept = await bob.draw(running, "1boy, treasure")
    question = await alice.answer("privacy delete")
    await alice.member.press(question, "Remove everything")
    await alice.member.wait_for(lambda: "is removed" in alice.member.message(question.id).text)
    assert alice.member.message(question.id).buttons == []
    assert [job.id for job in await running.jobs()] == [kept.id]
    assert len(pictures_in(place)) == 1
    assert rows_of(place, IDS.alice).keys() <= {"quota_uses"}
    assert await running.used() == 2  # limits can't be reset by it
    assert "no pictures yet" in (await alice.answer("history")).text
    assert "treasure" in (await bob.answer("history")).text


async def test_delete_cancels_what_is_open_and_its_button_outlives_a_restart(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place):
        question = await alice.answer("privacy delete")
    async with open_bot(place) as running:
        running.engine.hold()
        shown = await alice.imagine("1girl, umbrella")
        await until(lambda: running.engine.started.acquire(blocking=False))
        await alice.member.press(question, "Remove everything")
        await alice.member.wait_for(lambda: "is removed" in alice.member.message(question.id).text)
        assert await running.jobs() == []
        await alice.member.wait_for(lambda: _is_over(place, shown.id))
        running.engine.release()
        assert pictures_in(place) == []


async def test_a_removal_that_failed_can_be_tried_again(
    running: Running, place: Discord, alice: Visitor
) -> None:
    """As when the disk is full: reported, nothing half done, the buttons are back."""
    await alice.draw(running, "1girl, umbrella")
    question = await alice.answer("privacy delete")
    async with running.services.database.transaction() as connection:
        await connection.execute(
            "CREATE TRIGGER trouble BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    sent = await alice.member.press(question, "Remove everything")
    await sent.wait_for(lambda m: "went wrong" in m.text)
    asked = alice.member.message(question.id)
    assert labels(asked) == {"Remove everything": True, "Keep it": True}
    assert len(await running.jobs()) == len(pictures_in(place)) == 1
    async with running.services.database.transaction() as connection:
        await connection.execute("DROP TRIGGER trouble")
    await alice.member.press(asked, "Remove everything")
    await alice.member.wait_for(lambda: "is removed" in alice.member.message(question.id).text)
    assert await running.jobs() == []


async def test_a_forged_button_removes_nobody_else(
    running: Running, place: Discord, alice: Visitor, bob: Visitor
) -> None:
    """The client can't press another's ephemeral message; a program could."""
    await alice.draw(running, "1girl, umbrella")
    question = await alice.answer("privacy delete")
    data: dict[str, Any] = {
        "custom_id": f"ekaki:privacy:delete:{IDS.alice}", "component_type": 2,
    }  # fmt: skip
    sent = place.bob._send(  # pyright: ignore[reportPrivateUsage] - past what a client does
        InteractionType.COMPONENT, data, channel_id=IDS.general, source_message_id=question.id
    )
    await until(lambda: sent.response_message_id)
    assert len(await running.jobs()) == 1


def _is_over(place: Discord, message_id: int) -> bool:
    """Whether a job's message says that it was cancelled, or is removed already."""
    message = place.loopback.world.messages[message_id]
    return message.deleted_at is not None or any(
        "Cancelled" in str(embed) for embed in message.embeds
    )


@pytest.mark.parametrize(
    ("days", "said"), [(30, "for up to 30 days"), (1, "up to 1 day."), (0, "may still contain it")]
)
async def test_the_question_says_how_long_backups_keep_it(
    place: Discord, alice: Visitor, days: int, said: str
) -> None:
    async with open_bot(place, backup_days=days):
        question = await alice.answer("privacy delete")
        assert said in question.text
        assert "it is deleted again" in question.text
