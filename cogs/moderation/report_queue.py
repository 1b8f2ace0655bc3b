"""`/moderate reports`: what members reported, one at a time, to take, decide, or pass over."""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Final

import discord

from bot.client.client import Interaction
from bot.guilds.moderators import MAX_REASON
from bot.guilds.reports import OpenReport
from bot.moderation.durations import parse_duration
from cogs.common.answers import begin, change, hold, say
from cogs.common.duty import moderator_of
from cogs.common.forms import Form
from cogs.common.lasting import Button, Lasting, view_of
from cogs.common.messages import Attachment
from cogs.common.pictures import fit
from cogs.common.places import place_of
from cogs.common.words import moment, quoted
from cogs.drawing.cancel import JOB_ID
from cogs.drawing.render import picture_attachment
from data.guilds.reports import Report
from data.shipped.text import text
from pipeline.errors import RefusedError, StorageError
from pipeline.rating import Rating

_log = logging.getLogger(__name__)

_ACTS: Final = ("claim", "dismiss", "delete", "block", "next")
_TEMPLATE: Final = rf"ekaki:report:(?P<act>{'|'.join(_ACTS)}):(?P<id>{JOB_ID})"
_MAX_REASONS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The reported pictures, as far as they may be seen here; `words`: why some are not."""

    files: tuple[Attachment, ...] = ()
    words: str = ""


async def show_first(interaction: Interaction) -> None:
    """The oldest report, as a new answer that only this moderator sees."""
    actor = moderator_of(interaction)
    await begin(interaction)
    found = await interaction.client.services.reports.next(actor)
    if found is None:
        await say(interaction, text("reports.empty"))
        return
    seen = await evidence(interaction, found)
    files = [each.file() for each in seen.files]
    await say(interaction, embeds=[_embed(found, seen)], files=files, view=_buttons(found))


async def _show_next(interaction: Interaction, *, after: str | None) -> None:
    """Put another report into the answer."""
    found = await interaction.client.services.reports.next(moderator_of(interaction), after=after)
    if found is None:
        await change(interaction, text("reports.empty"))
    else:
        await _show(interaction, found)


async def _show(interaction: Interaction, found: OpenReport, words: str | None = None) -> None:
    """Put a report into the answer, under `words`."""
    seen = await evidence(interaction, found)
    files = [each.file() for each in seen.files]
    await change(
        interaction, words, embeds=[_embed(found, seen)], files=files, view=_buttons(found)
    )


async def evidence(interaction: Interaction, found: OpenReport) -> Evidence:
    """The pictures behind a spoiler. Above `sensitive` they are shown in age-restricted channels
    only, whoever asks: that is Discord's rule. A lost file does not hide the others."""
    services = interaction.client.services
    try:
        job, pictures = await services.results.pictures_of(found.report.job_id)
    except RefusedError:  # deleted in this moment
        return Evidence()
    rating, link = max((each.rating for each in pictures), default=Rating.SAFE), _link(found.report)
    if rating > Rating.SENSITIVE and not place_of(interaction).age_restricted:
        return Evidence(words=text("reports.elsewhere", rating=rating.label, link=link))
    if not interaction.app_permissions.attach_files:
        lacking = text("permissions.attach_files")
        return Evidence(words=text("reports.no_files", permission=lacking, link=link))
    files: list[Attachment] = []
    for picture in pictures:
        try:
            png = await services.jobs.read_picture(picture)
            content, suffix = await asyncio.to_thread(
                fit, png, interaction.filesize_limit, services.sign
            )
        except (StorageError, OSError, SyntaxError):  # gone, or damaged, as Pillow says it
            _log.exception("The file of the reported picture %s is lost", picture.id)
            continue
        files.append(replace(picture_attachment(job, picture, content, suffix), spoiler=True))
    lost = len(pictures) - len(files)
    words = text("reports.lost", count=lost) if lost else ""
    return Evidence(files=tuple(files), words=words)


def _link(report: Report) -> str:
    return f"https://discord.com/channels/{report.guild_id}/{report.channel_id}/{report.message_id}"


def _embed(found: OpenReport, seen: Evidence) -> discord.Embed:
    report, job = found.report, found.job
    said = [f"- {quoted(reason, 200)}" for reason in report.reasons if reason][:_MAX_REASONS]
    embed = discord.Embed(
        title=text("reports.title", count=found.count),
        description=text(
            "reports.about",
            user=f"<@{report.maker_id}>",
            when=moment(report.opened_at),
            people=len(report.reasons),
            link=_link(report),
            job=report.job_id,
        ),
    )
    embed.add_field(name=text("reports.reasons"), value="\n".join(said)[:1024] or "-", inline=False)
    if job is not None:
        prompt = quoted(job.request.prompt, 400)
        embed.add_field(name=text("describe.prompt"), value=prompt or "-", inline=False)
    if seen.words:
        embed.add_field(name=text("reports.picture"), value=seen.words, inline=False)
    if report.claimed_by is not None:
        embed.add_field(name=text("reports.claimed"), value=f"<@{report.claimed_by}>")
    return embed


def _buttons(found: OpenReport) -> discord.ui.View:
    danger, plain = discord.ButtonStyle.danger, discord.ButtonStyle.secondary
    return view_of(
        Button(
            label=text(f"reports.{act}"),
            custom_id=f"ekaki:report:{act}:{found.report.id}",
            style=danger if act in {"delete", "block"} else plain,
        )
        for act in _ACTS
        if act != "next" or found.count > 1
    )


class ReportButton(Lasting[Button], template=_TEMPLATE):
    """Takes or decides a report."""

    async def act(self, interaction: Interaction) -> None:
        report_id = self.match["id"]
        actor, reports = moderator_of(interaction), interaction.client.services.reports
        act = self.match["act"]
        if act == "block":  # a form has to be the first answer
            await reports.claim(actor, report_id)
            await interaction.response.send_modal(BlockModal(report_id))
            return
        await hold(interaction)
        match act:
            case "claim":
                taken = await reports.claim(actor, report_id)
                await _show(interaction, taken, text("reports.yours"))
                return
            case "dismiss":
                await reports.dismiss(actor, report_id)
            case "delete":
                await reports.delete(actor, report_id)
            case _:
                pass
        await _show_next(interaction, after=report_id)


class BlockModal(Form):
    """How long the maker is blocked, and why, which they see."""

    def __init__(self, report_id: str) -> None:
        super().__init__(text("reports.block_title"))
        self._report_id = report_id
        self._duration = self.ask(
            text("reports.duration"), "duration", required=False, max_length=30, placeholder="7d"
        )
        self._reason = self.ask(
            text("reports.block_reason"), "reason", required=False, max_length=MAX_REASON
        )

    async def on_submit(self, interaction: Interaction, /) -> None:
        actor, duration_s = moderator_of(interaction), parse_duration(self._duration.value)
        await hold(interaction)
        await interaction.client.services.reports.block(
            actor,
            self._report_id,
            duration_s=duration_s,
            reason=self._reason.value,
        )
        await _show_next(interaction, after=self._report_id)
