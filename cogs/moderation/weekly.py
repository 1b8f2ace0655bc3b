"""Sends the weekly report to the bot's operators as a direct message, if WEEKLY_REPORT is set."""

import asyncio
import logging
import time
from typing import Final

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.common.wording import gib
from bot.library import weekly
from bot.library.weekly import Report
from bot.outbox.kinds import Kind
from cogs.common.extension import extension
from cogs.common.sent_before import sent_before
from cogs.common.words import watt_hours
from data.guilds.outbox import OutboxItem
from data.shipped.text import speaking, text

_log = logging.getLogger(__name__)

_KINDS: Final = 5  # of errors that are named
_LONG_DAYS: Final = 1000  # nobody plans further


class Weekly(commands.Cog):
    """No commands."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._task: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        self.bot.services.outbox.senders[Kind.WEEKLY_REPORT] = self.tell
        if self.bot.services.settings.weekly_report:
            self._task = asyncio.create_task(self._look(), name="weekly report")

    async def cog_unload(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        await self.bot.wait_until_ready()
        while True:
            try:
                await self.bot.services.weekly.look(self._operators)
            except Exception:  # noqa: BLE001 - whatever it is, it may pass within the day
                _log.exception("The weekly report is tried again")
            await asyncio.sleep(weekly.LOOK_EVERY_S)

    async def _operators(self) -> frozenset[int]:
        """OWNER_IDS, otherwise the application's owner or that of its team."""
        named = self.bot.services.settings.owner_ids
        if named:
            return named
        application = await self.bot.application_info()
        team = application.team
        owner_id = team.owner_id if team is not None else application.owner.id
        return frozenset() if owner_id is None else frozenset({owner_id})

    async def tell(self, item: OutboxItem) -> None:
        """Send one report to one person, once."""
        reports = self.bot.services.weekly
        report = await reports.report(item.payload)
        if report is None or not self.bot.services.settings.weekly_report:
            return
        user_id = int(item.key.partition(":")[2])
        with speaking(await reports.locale_of(user_id)):
            embed = report_embed(report)
        direct = await self.bot.create_dm(discord.Object(user_id))
        if not await sent_before(self.bot, direct, item, title=embed.title or ""):
            await direct.send(embed=embed, nonce=nonce_of(report.until))
        hit("weekly_told_unmarked")


def nonce_of(until: float) -> str:
    """The nonce of a week's report; 25 characters at most."""
    return f"week-{until:.0f}"


def report_embed(report: Report) -> discord.Embed:
    """A line for each fact, in the current language."""
    happened = report.happened
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.until))
    lines = [
        text("weekly.pictures", count=happened.pictures, people=happened.people),
        _failures(report),
        text("weekly.withheld", count=happened.withheld),
        text("weekly.reports", count=report.backlog.reports),
        text("weekly.parked", count=report.parked),
        _disk(report),
        *_energy(report),
        text("weekly.version", version=report.version),
    ]
    embed = discord.Embed(title=text("weekly.title", day=day), description="\n".join(lines))
    return embed.set_footer(text=text("weekly.about"))


def _failures(report: Report) -> str:
    failures = report.happened.failures
    total = sum(count for _, count in failures)
    if not total:
        return text("weekly.no_failures")
    kinds = [f"`{key}` {count}" for key, count in failures[:_KINDS]]
    more = sum(count for _, count in failures[_KINDS:])
    if more:
        kinds.append(text("weekly.more", count=more))
    return text("weekly.failures", count=total, kinds=", ".join(kinds))


def _energy(report: Report) -> list[str]:
    if report.picture_wh is None:
        return []
    return [text("weekly.energy", wh=watt_hours(report.picture_wh))]


def _disk(report: Report) -> str:
    free, days = gib(report.free_bytes), report.full_in_days
    if days is None or days > _LONG_DAYS:
        return text("weekly.disk", free=free)
    return text("weekly.disk_fills", free=free, count=int(days))


setup = extension(Weekly)
