"""Puts into words why nothing is drawn for now."""

from bot.jobs.values import Rest
from cogs.common.words import date
from data.shipped.text import text


def rest_words(rest: Rest) -> str:
    """For those who wait."""
    if rest.until is not None:
        return text(f"rest.{rest.reason}", time=date(rest.until))
    return text("rest.busy" if rest.reason == "busy" else "rest.paused_open")
