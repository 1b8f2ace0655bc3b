"""`/moderate usage` as an embed: pictures by day and by member. Pure."""

from typing import Final

import discord

from bot.guilds.moderators import Usage
from data.jobs.usage import DAY_S, DayUse
from data.shipped.text import text

_BAR: Final = 10  # blocks of the day with most: a line fits on a phone
_NOON_S: Final = DAY_S / 2
"""Discord shows times in the reader's time zone: noon in UTC is the same day nearly everywhere."""


def usage_embed(usage: Usage) -> discord.Embed:
    """Recent usage of this server."""
    total = sum(day.pictures for day in usage.days)
    most = max(day.pictures for day in usage.days)
    embed = discord.Embed(
        title=text("usage.title", days=len(usage.days)),
        description="\n".join(_day(day, most) for day in usage.days),
    )
    members = [
        text("usage.member", place=place, user=f"<@{each.user_id}>", count=each.pictures)
        for place, each in enumerate(usage.members, 1)
    ]
    shown = "\n".join(members) or text("usage.nobody")
    embed.add_field(name=text("usage.members"), value=shown, inline=False)
    return embed.set_footer(text=text("usage.about", count=total))


def _day(day: DayUse, most: int) -> str:
    when = f"<t:{int(day.day * DAY_S + _NOON_S)}:d>"
    private = text("usage.private", count=day.private) if day.private else ""
    # rounded up, so that one picture is visible
    length = -(-day.pictures * _BAR // most) if most else 0
    return text("usage.day", when=when, bar="▇" * length, count=day.pictures, private=private)
