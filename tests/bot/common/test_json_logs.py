"""LOG_FORMAT=json: one object per line, whatever is logged, and cleaned as the text format is."""

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.common import logs
from bot.common.secret import Secret
from bot.config.reading import read

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789ab"
INTERACTION = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5OnNlY3JldHBhcnQ"
PASSPHRASE = 'a "quoted" \\ phrase\nof two lines'

log = logging.getLogger("somebody.else")


class Lines(io.StringIO):
    """What was written, line by line."""

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def one(self) -> dict[str, Any]:
        (only,) = self.objects()
        return only


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook, threading.excepthook)
    stream = Lines()
    logs.set_up("DEBUG", (Secret(TOKEN), Secret(PASSPHRASE)), form="json", stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    sys.excepthook, threading.excepthook = before[2], before[3]
    logging.captureWarnings(False)


def fail(words: str) -> None:
    raise RuntimeError(words)


def test_a_record_is_one_object_with_these_names(lines: Lines) -> None:
    log.warning("%d pictures,\nin two lines\u2028or three: %s", 3, "猫")
    assert lines.getvalue().count("\n") == 1
    found = lines.one()
    at = datetime.fromisoformat(found.pop("ts"))
    assert at.utcoffset() == timedelta(0)
    assert found == {
        "level": "WARNING",
        "logger": "somebody.else",
        "message": "3 pictures,\nin two lines\u2028or three: 猫",
    }


def test_a_text_that_is_no_utf8_is_a_line_as_well(lines: Lines) -> None:
    record = logging.LogRecord("name", logging.INFO, "", 0, "file %s", ("\udcff",), None)
    ours = [each for each in logging.getLogger().handlers if getattr(each, "stream", None) is lines]
    ours[0].handle(record)  # alone: what pytest captures can't have such texts under xdist
    assert lines.one()["message"] == "file \udcff"


def test_an_exception_and_a_stack_are_texts_of_their_own(lines: Lines) -> None:
    try:
        fail("two\nlines")
    except RuntimeError:
        log.exception("broke", stack_info=True)
    found = lines.one()
    assert found["message"] == "broke"
    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert found["exception"].endswith("RuntimeError: two\nlines")
    assert "test_json_logs.py" in found["stack"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_both_formats_hide_the_same(lines: Lines, form: logs.LogFormat) -> None:
    stream = io.StringIO()
    logs.set_up("DEBUG", (Secret(TOKEN), Secret(PASSPHRASE)), form=form, stream=stream)
    log.info("cookie: ekaki=%s", 'abc\\" and the rest')
    log.info("payload %s", {"token": "a-short-one", "name": "kept"})
    log.info('sent {"token": "another-one"}, %s', PASSPHRASE)
    try:
        fail(f"{TOKEN} at https://discord.com/api/v10/webhooks/1/{INTERACTION}/messages/@original")
    except RuntimeError:
        log.exception("broke with %s", TOKEN, stack_info=True)
    written = stream.getvalue()
    hidden = (TOKEN, TOKEN[-12:], INTERACTION, "a-short-one", "another-one", "quoted", "two lines")
    assert [secret for secret in hidden if secret in written] == []
    for kept in ("kept", "RuntimeError", "/messages/@original", logs.HIDDEN):
        assert kept in written
    if form == "json":
        assert len([json.loads(line) for line in written.splitlines()]) == 4


@pytest.mark.parametrize("form", ["text", "json"])
def test_arguments_that_do_not_fit_are_shown_and_cleaned(
    capsys: pytest.CaptureFixture[str], lines: Lines, form: logs.LogFormat
) -> None:
    stream = io.StringIO()
    logs.set_up("DEBUG", (Secret(TOKEN),), form=form, stream=stream)
    log.warning("%d pictures and %d more", TOKEN, 5)
    assert "with other arguments" in stream.getvalue()
    assert TOKEN not in stream.getvalue() + capsys.readouterr().err


def test_what_ends_a_thread_is_one_object_too(lines: Lines) -> None:
    thread = threading.Thread(target=fail, args=(TOKEN,))
    thread.start()
    thread.join()
    found = lines.one()
    assert found["level"] == "CRITICAL"
    assert found["exception"].endswith(f"RuntimeError: {logs.HIDDEN}")


async def test_job_and_server_are_named_where_they_are_known(lines: Lines) -> None:
    async def later() -> None:
        await asyncio.sleep(0)
        await asyncio.to_thread(log.info, "in a task and its thread")

    with logs.about(guild=1234567890123456789):
        with logs.about(job="abc", guild=None):
            task = asyncio.create_task(later())
        log.info("beside")
    await task
    log.info("outside")
    ours = [each for each in lines.objects() if each["logger"] == log.name]
    beside, inside, outside = ours
    assert (inside["job"], inside["guild"]) == ("abc", "1234567890123456789")
    assert (beside.get("job"), beside["guild"]) == (None, "1234567890123456789")
    assert not {"job", "guild"} & outside.keys()


def test_the_format_is_a_setting() -> None:
    assert read({})[0].log_format == "text"
    assert read({"LOG_FORMAT": "JSON"})[0].log_format == "json"
    _, (error,) = read({"LOG_FORMAT": "xml"})
    assert error.data["allowed"] == "one of: text, json"
