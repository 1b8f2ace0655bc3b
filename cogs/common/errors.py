"""Maps errors to texts, and shows them to the affected person only.

Commands, buttons, views and modals all use this: discord.py only logs exceptions of the latter.
"""

import logging
import math
from json import JSONDecodeError
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.client.client import EkakiBot
from cogs.common.words import duration, listed, moment, number, outside_code, size
from data.shipped.text import text
from data.store.ids import new_id
from pipeline.errors import EkakiError, InputError, RefusedError, StorageError
from pipeline.rating import Rating

_log = logging.getLogger(__name__)

MAX_SHOWN = 300  # characters of a value in an error: enough to recognise it
UNKNOWN_INTERACTION = 10062  # acknowledged too late or not at all: nobody can be answered
TOKEN_OVER = (50027, 10015)  # after 15 minutes: an invalid token, an unknown webhook
UNKNOWN_MESSAGE = 10008
ALREADY_ACKNOWLEDGED = 40060  # an earlier answer has arrived, though its response was lost
BROKEN_OFF = (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError, JSONDecodeError)
"""What sending to Discord may raise if no complete response came; the last two if something between
us and Discord answered instead."""
UNREACHABLE = (discord.HTTPException, *BROKEN_OFF)
"""What sending to Discord may raise if it fails."""


def words_of(error: EkakiError, *, now: float) -> str:
    """The text about `error` for a person. `now` is in seconds since the epoch.

    Data named `..._s` becomes a duration, `..._bytes` a size; `retry_after_s` also fills the
    placeholder `{when}`, which Discord shows as a countdown.
    """
    shown = {name: _value(name, value) for name, value in error.data.items()}
    retry_after_s = error.data.get("retry_after_s")
    if isinstance(retry_after_s, int | float) and math.isfinite(retry_after_s):
        shown["when"] = moment(now + retry_after_s)
    return outside_code(text(f"errors.{error.key}", **shown))


def _value(name: str, value: object) -> str:
    match value:
        case Rating():
            return value.label
        case str() if name == "period":
            return text(f"words.{value}")
        case bool():
            return text("words.yes" if value else "words.no")
        case int() | float() if not math.isfinite(value):
            return text("words.never")
        case int() | float() if name.endswith("_s"):
            return duration(value)
        case int() | float() if name.endswith("_bytes"):
            return size(value)
        case float():
            return number(value)
        case None:
            return text("limits.unknown")
        case list() | tuple() | set() | frozenset():
            return _plain(listed(value))  # pyright: ignore[reportUnknownArgumentType] - any items
        case _:
            return _plain(str(value))


def _plain(value: str) -> str:
    """Without backticks, so that a value can't break out of those around it."""
    line = " ".join(value.replace("`", "'").split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"


def cause_of(error: BaseException) -> BaseException:
    """The exception that our code raised, without discord.py's wrapping."""
    while isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    return error


def explain(error: BaseException, *, now: float) -> str | None:
    """The text for any exception; None if the person can't be reached. Logs bugs."""
    error = cause_of(error)
    match error:
        case EkakiError():
            try:
                return words_of(error, now=now)
            except (KeyError, IndexError):
                _log.exception("No text for the error %s", error)
        case discord.HTTPException() if error.code == UNKNOWN_INTERACTION:
            _log.warning("An interaction expired before it was answered")
            return None
        case discord.HTTPException() if error.code in TOKEN_OVER:
            _log.warning("The token of an interaction expired before its answer was sent")
            return None
        case discord.HTTPException() if error.code == ALREADY_ACKNOWLEDGED:
            _log.info("An answer was sent again that had arrived")
            return None
        case discord.NotFound() if _is_dismissed(error):
            _log.info("Somebody dismissed an answer before it was complete")
            return None
        case app_commands.TransformerError():
            return words_of(InputError("option_invalid", value=error.value), now=now)
        case app_commands.CommandSignatureMismatch() | app_commands.CommandNotFound():
            return words_of(InputError("command_changed"), now=now)
        case app_commands.CheckFailure():
            return words_of(InputError("not_allowed"), now=now)
        case _:
            pass
    error_id = new_id()[:8]
    _log.error("Error %s: %s", error_id, error, exc_info=error)
    return text("errors.unexpected", error_id=error_id)


def _is_dismissed(error: discord.NotFound) -> bool:
    """Whether the message that was to be edited is the answer to the interaction itself."""
    return error.code == UNKNOWN_MESSAGE and "/messages/@original" in str(error.response.url)


async def say_privately(interaction: discord.Interaction, words: str, **shown: Any) -> None:
    """Answer `interaction` so that only its user sees it, with what is `shown` besides: embeds, a
    view. Never raises for problems of Discord."""
    if interaction.client.is_closed():
        return
    try:
        if interaction.response.is_done():
            await interaction.followup.send(words, **shown, ephemeral=True)
        else:
            await interaction.response.send_message(words, **shown, ephemeral=True)
    except UNREACHABLE as error:
        _log.warning("A refusal did not reach its user: %s", type(error).__name__)


async def answer_error(
    interaction: discord.Interaction, error: BaseException, **shown: Any
) -> None:
    """Tell the user of `interaction` what went wrong, in words, ephemerally. `shown`: see
    `say_privately`."""
    words = explain(error, now=interaction.created_at.timestamp())
    if words is not None:
        await say_privately(interaction, words, **shown)


class QuietCompletions(logging.Filter):
    """discord.py logs every failed autocompletion as an error, with its traceback. One that is too
    late, or finds Discord or the database busy, is no bug: the next key press asks again."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and _is_passing(cause_of(error)):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
            record.msg, record.args = "No suggestions this time: %s", (type(error).__name__,)
            record.exc_info = record.exc_text = None
        return True


def _is_passing(error: BaseException) -> bool:
    """Whether it is no bug of ours: it was too late, or something is busy or disconnected."""
    if isinstance(error, discord.HTTPException):
        return error.code == UNKNOWN_INTERACTION or error.status == 429 or error.status >= 500
    return isinstance(error, (StorageError, *BROKEN_OFF))


_QUIET_COMPLETIONS = QuietCompletions()


def install(bot: EkakiBot) -> None:
    """Route the errors of all commands here."""
    logging.getLogger("discord.app_commands.tree").addFilter(_QUIET_COMPLETIONS)

    async def on_error(
        interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        if interaction.type is discord.InteractionType.autocomplete:
            _log.info("No suggestions: %s", type(error).__name__)  # a command of another version
        elif bot.leaving and isinstance(error, app_commands.CommandNotFound):
            await answer_error(interaction, RefusedError("engine_closed"))
        else:
            await answer_error(interaction, error)

    bot.tree.error(on_error)
