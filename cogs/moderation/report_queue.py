"""`/moderate reports`: what members reported, one at a time, to take, decide, or pass over."""

from typing import Final

import discord

from bot.client.client import EkakiBot
from bot.guilds.moderators import MAX_REASON
from bot.guilds.reports import OpenReport
from bot.moderation.durations import parse_duration
from cogs.common.answers import change, say
from cogs.common.duty import moderator_desk
from cogs.common.forms import Form
from cogs.common.lasting import Button, Lasting
from cogs.common.words import moment, quoted
from cogs.drawing.cancel import JOB_ID
from data.shipped.text import text

Interaction = discord.Interaction[EkakiBot]

_ACTS: Final = ("claim", "dismiss", "delete", "block", "next")
_TEMPLATE: Final = rf"ekaki:report:(?P<act>{'|'.join(_ACTS)}):(?P<id>{JOB_ID})"
_MAX_REASONS: Final = 10


async def show_first(interaction: Interaction) -> None:
    """The oldest report, as a new answer that only this moderator sees."""
    found = await interaction.client.services.reports.next(moderator_desk(interaction))
    if found is None:
        await say(interaction, text("reports.empty"))
    else:
        await say(interaction, embeds=[_embed(found)], view=_buttons(found))


async def _show_next(interaction: Interaction, *, after: str | None) -> None:
    """Put another report into the answer."""
    found = await interaction.client.services.reports.next(moderator_desk(interaction), after=after)
    if found is None:
        await change(interaction, text("reports.empty"))
    else:
        await change(interaction, embeds=[_embed(found)], view=_buttons(found))


def _embed(found: OpenReport) -> discord.Embed:
    report, job = found.report, found.job
    link = f"https://discord.com/channels/{report.guild_id}/{report.channel_id}/{report.message_id}"
    said = [f"- {quoted(reason, 200)}" for reason in report.reasons if reason][:_MAX_REASONS]
    embed = discord.Embed(
        title=text("reports.title", count=found.count),
        description=text(
            "reports.about",
            user=f"<@{report.maker_id}>",
            when=moment(report.opened_at),
            people=len(report.reasons),
            link=link,
            job=report.job_id,
        ),
    )
    embed.add_field(name=text("reports.reasons"), value="\n".join(said)[:1024] or "-", inline=False)
    if job is not None:
        prompt = quoted(job.request.prompt, 400)
        embed.add_field(name=text("describe.prompt"), value=prompt or "-", inline=False)
    if report.claimed_by is not None:
        embed.add_field(name=text("reports.claimed"), value=f"<@{report.claimed_by}>")
    return embed


def _buttons(found: OpenReport) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for act in _ACTS:
        if act == "next" and found.count < 2:
            continue
        danger = act in {"delete", "block"}
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label=text(f"reports.{act}"),
            custom_id=f"ekaki:report:{act}:{found.report.id}",
            style=discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary,
        )
        view.add_item(button)
    view.stop()
    return view


class ReportButton(Lasting[Button], template=_TEMPLATE):
    """Takes or decides a report."""

    async def act(self, interaction: Interaction) -> None:
        report_id = self.match["id"]
        desk, reports = moderator_desk(interaction), interaction.client.services.reports
        match self.match["act"]:
            case "claim":
                taken = await reports.claim(desk, report_id)
                await change(
                    interaction,
                    text("reports.yours"),
                    embeds=[_embed(taken)],
                    view=_buttons(taken),
                )
                return
            case "dismiss":
                await reports.dismiss(desk, report_id)
            case "delete":
                await reports.delete(desk, report_id)
            case "block":
                await reports.claim(desk, report_id)
                await interaction.response.send_modal(BlockModal(report_id))
                return
            case _:
                pass
        await _show_next(interaction, after=report_id)


class BlockModal(Form):
    """How long the maker is blocked, and why: they are told."""

    def __init__(self, report_id: str) -> None:
        super().__init__(title=text("reports.block_title"), timeout=3600)
        self._report_id = report_id
        self._duration: discord.ui.TextInput[BlockModal] = discord.ui.TextInput(
            custom_id="duration", required=False, max_length=30, placeholder="7d"
        )
        self._reason: discord.ui.TextInput[BlockModal] = discord.ui.TextInput(
            custom_id="reason", required=False, max_length=MAX_REASON
        )
        for label, field in (
            (text("reports.duration"), self._duration),
            (text("reports.block_reason"), self._reason),
        ):
            self.add_item(discord.ui.Label(text=label, component=field))

    async def on_submit(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: Interaction, /
    ) -> None:
        desk = moderator_desk(interaction)
        await interaction.client.services.reports.block(
            desk,
            self._report_id,
            duration_s=parse_duration(self._duration.value),
            reason=self._reason.value,
        )
        await _show_next(interaction, after=self._report_id)
