"""Suggestions that come too late or can't be made are no fault: nothing is logged as an error."""

import logging
from contextlib import suppress
from typing import Any

import pytest
from discord import app_commands

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import RefusedByClient
from pipeline.errors import StorageError
from tests.cogs.running import Discord, Running
from tests.cogs.test_in_direct_messages import OPTIONS
from tests.cogs.visitors import Visitor, labels, open_bot
from tests.support.faults import Fault
from tests.support.patience import until

WHICH = [("imagine", "prompt"), ("imagine", "saved"), ("show", "id")]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "No suggestions" in each.getMessage()]


def faults(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the bot logged as more than a line; the simulated Discord tells of its own cuts."""
    ours = (each for each in caplog.records if each.name != "aiohttp.server")
    return [each for each in ours if each.levelno >= logging.WARNING or each.exc_info]


@pytest.mark.parametrize(("command", "option"), WHICH)
@pytest.mark.parametrize(
    "fault",
    [{"status": 404, "code": 10062}, {"cut": "before", "times": 99}],
    ids=["too late", "cut off"],
)
async def test_too_late_is_a_line(  # noqa: PLR0917 - fixtures
    place: Discord,
    running: Running,
    caplog: pytest.LogCaptureFixture,
    command: str,
    option: str,
    fault: dict[str, object],
) -> None:
    caplog.set_level(logging.INFO)
    place.loopback.faults.add(Fault(method="POST", path=r"/interactions/.*/callback", **fault))  # pyright: ignore[reportArgumentType]
    place.alice.command(command, focused=option, **dict[str, Any]({option: "um"}))
    await until(lambda: said(caplog))
    place.loopback.faults.clear()
    assert not faults(caplog)


async def test_a_busy_database_is_a_line(
    place: Discord,
    running: Running,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def busy(_user_id: int) -> None:
        raise StorageError("database_locked")

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(running.services.people, "presets", busy)
    place.alice.command("imagine", focused="saved", saved="um")
    await until(lambda: said(caplog))
    assert not faults(caplog)


async def test_a_fault_of_ours_stays_an_error(
    place: Discord,
    running: Running,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(_user_id: int) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(running.services.people, "presets", broken)
    place.alice.command("imagine", focused="saved", saved="um")
    (record,) = await until(lambda: [each for each in caplog.records if each.exc_info])
    assert record.levelno == logging.ERROR


async def test_suggestions_of_another_version_get_no_answer(
    place: Discord, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sent = place.alice.command("paint", focused="prompt", prompt="um")
    await until(lambda: said(caplog))
    assert sent.callback_type is None
    assert not faults(caplog)


async def test_a_command_that_is_answered_too_late_is_no_error_either(
    place: Discord, alice: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_bot(place) as running:
        job = await alice.draw(running, "1girl")
        message = alice.member.message(job.message_id or 0)
        late = Fault(method="POST", path=r"/callback$", times=10_000, status=404, code=10062)
        place.loopback.faults.add(late)
        commands = [
            each.qualified_name
            for each in running.bot.tree.walk_commands()
            if isinstance(each, app_commands.Command)
        ]
        for name in commands:
            seen = len(place.loopback.log.entries)
            options = OPTIONS.get(name, {})
            with suppress(RefusedByClient):  # not for her, or an option is missing
                await alice.member.slash(name, options, channel=IDS.general, wait=False)
                await until(lambda: len(place.loopback.log.entries) > seen)  # noqa: B023
        for label in labels(message):
            seen = len(place.loopback.log.entries)
            await alice.member.press(message, label, wait=False)
            await until(lambda: len(place.loopback.log.entries) > seen)  # noqa: B023
        await running.heard()
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
