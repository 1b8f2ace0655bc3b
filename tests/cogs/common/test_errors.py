"""The one table from errors to words."""

from unittest.mock import Mock

import discord
import pytest
from discord import app_commands

from cogs.common.errors import cause_of, explain, words_of
from cogs.info import Info
from data.shipped.text import keys
from pipeline.errors import EngineError, InputError, RefusedError
from pipeline.rating import Rating

NOW = 1_800_000_000.0


def test_data_is_put_into_words() -> None:
    error = RefusedError("rating_above_ceiling", wish=Rating.NSFW, ceiling=Rating.SAFE)
    assert "`nsfw`" in words_of(error, now=NOW)


def test_values_cannot_break_out_of_backticks() -> None:
    words = words_of(InputError("aspect_unknown", value="a` @everyone **b** `"), now=NOW)
    assert words.startswith("`a' @everyone **b** '` isn't a")


def test_long_values_are_cut() -> None:
    assert len(words_of(InputError("aspect_unknown", value="x" * 5000), now=NOW)) < 600


def test_a_wait_becomes_a_countdown() -> None:
    error = RefusedError(
        "quota_hour", period="hour", limit=20, left=0, pictures=1, retry_after_s=600.0
    )
    words = words_of(error, now=NOW)
    assert "10 minutes" in words or "<t:1800000600:R>" in words


def test_unknown_errors_give_a_number_to_report(caplog: pytest.LogCaptureFixture) -> None:
    words = explain(ValueError("secret detail"), now=NOW)
    assert words is not None
    assert "secret detail" not in words
    number = words.split("`")[1]
    assert number in caplog.text


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10015), (404, 10062)])
def test_an_interaction_that_is_over_is_no_bug(
    caplog: pytest.LogCaptureFixture, status: int, code: int
) -> None:
    response = Mock(status=status, reason="over")
    error = discord.HTTPException(response, {"code": code, "message": "over"})
    assert explain(error, now=NOW) is None
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_a_missing_text_is_an_unknown_error(caplog: pytest.LogCaptureFixture) -> None:
    words = explain(EngineError("no_such_key_at_all"), now=NOW)
    assert words is not None
    assert "no_such_key_at_all" in caplog.text


def test_wrapping_is_taken_off() -> None:
    inner = RefusedError("job_over")

    wrapped = app_commands.CommandInvokeError(Info.help, inner)  # pyright: ignore[reportArgumentType] - a cog's command
    assert cause_of(wrapped) is inner


def test_every_error_a_cog_raises_has_words() -> None:
    wanted = {"unexpected", "user_install", "choice_unknown", "option_invalid", "command_changed"}
    assert {f"errors.{key}" for key in wanted | {"not_allowed"}} <= keys()
