"""From a job and its events to messages. Text comes from the catalogue; no IO."""

from collections.abc import Sequence

import discord

from bot.common.hints import hint_lines
from bot.jobs.values import Progress, Queued
from cogs.common.errors import words_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.result_buttons import result_view
from cogs.common.words import bar, cut, duration, number, quoted
from cogs.drawing.cancel import cancel_view
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.errors import EkakiError

_WAITING = discord.Colour.light_grey()
_DRAWING = discord.Colour.blurple()
_DONE = discord.Colour.green()
_STOPPED = discord.Colour.dark_grey()
_FAILED = discord.Colour.red()
_FOOTER_LIMIT = 2048  # characters, Discord


def waiting(job: JobRecord, event: Queued) -> Outgoing:
    """Accepted: the place in the queue and the time it will take."""
    if event.loading:
        line = text("progress.loading")
    elif event.position == 0:
        line = text("progress.next")
    elif event.position == 1:
        line = text("progress.waiting_one")
    else:
        line = text("progress.waiting", jobs=event.position)
    embed = _embed(_WAITING, text("progress.title_waiting"), line + _eta(event.eta_s), job)
    return Outgoing(embeds=(embed,), view=cancel_view(job.id))


def progress(job: JobRecord, event: Progress, preview: bytes | None) -> Outgoing:
    """Being drawn: percent, step, time, and the preview where there is one."""
    share = (event.picture - 1 + event.step / event.steps) / event.pictures
    if share >= 1:  # decoding, looking at it and storing it take their time
        line = text("progress.finishing", bar=bar(1.0))
        return _drawing(job, line, preview)
    line = text("progress.step", bar=bar(share), percent=int(100 * share),
                step=event.step, steps=event.steps)  # fmt: skip
    if event.pictures > 1:
        line += text("progress.picture", picture=event.picture, pictures=event.pictures)
    return _drawing(job, line + _eta(event.eta_s), preview)


def _drawing(job: JobRecord, line: str, preview: bytes | None) -> Outgoing:
    embed = _embed(_DRAWING, text("progress.title_drawing"), line, job)
    if preview is None:
        return Outgoing(embeds=(embed,), view=cancel_view(job.id))
    embed.set_image(url="attachment://preview.jpg")
    attachment = Attachment(
        name="preview.jpg", content=preview, description=text("progress.preview_alt")
    )
    return Outgoing(embeds=(embed,), attachments=(attachment,), view=cancel_view(job.id))


def completed(
    job: JobRecord,
    pictures: Sequence[PictureRecord],
    attachments: Sequence[Attachment],
    *,
    notice: str,
    withheld: int = 0,
    gallery: bool = False,
) -> Outgoing:
    """The pictures, under them the settings that were used, and what can be done next. `withheld`:
    how many of the job's pictures are not shown. `gallery`: see `result_view`."""
    request = job.request
    lines = [quoted(request.prompt)]
    if withheld:
        lines.append(
            text("result.withheld_one")
            if withheld == 1
            else text("result.withheld", pictures=withheld)
        )
    lines.extend("-# " + line for line in hint_lines(request.hints))
    embed = discord.Embed(colour=_DONE, description="\n\n".join(lines))
    first = pictures[0]
    seeds = ", ".join(str(picture.seed) for picture in pictures)
    for key, value in (
        ("size", f"{first.width} × {first.height}"),
        ("steps", str(request.num_inference_steps)),
        ("cfg", number(request.guidance_scale)),
        ("sampler", request.sampler.value),
        ("seed" if len(pictures) == 1 else "seeds", seeds),
        ("model", quoted(first.model_name, 100)),
    ):
        embed.add_field(name=text(f"result.{key}"), value=value)
    if notice:
        embed.set_footer(text=notice[:_FOOTER_LIMIT])
    return Outgoing(
        embeds=(embed,),
        attachments=tuple(attachments),
        view=result_view(job, pictures, gallery=gallery),
    )


def picture_attachment(
    job: JobRecord, picture: PictureRecord, content: bytes, suffix: str
) -> Attachment:
    """One picture as a file. Its name tells the job, never the prompt."""
    return Attachment(
        name=f"{file_stem(job.id)}{picture.position + 1}.{suffix}",
        content=content,
        description=text("result.alt", prompt=cut(job.request.prompt, 900)),
    )


def file_stem(job_id: str) -> str:
    """How the names of a job's files begin; by them a message that was sent is found again."""
    return f"ekaki-{job_id}-"


def failed(job: JobRecord, error: EkakiError, *, now: float) -> Outgoing:
    """The job ended without pictures."""
    line = words_of(error, now=now) + " " + text("progress.given_back")
    return Outgoing(embeds=(_embed(_FAILED, text("progress.title_failed"), line, job),))


def kept(error: EkakiError, *, now: float) -> Outgoing:
    """The pictures are made and stored, but can't be shown here: `error` says where they are. What
    must not be shown here is not described here, either."""
    title, line = text("progress.title_kept"), words_of(error, now=now)
    return Outgoing(embeds=(discord.Embed(colour=_STOPPED, title=title, description=line),))


def failed_quietly(*, told: bool) -> Outgoing:
    """What everybody may know of a job whose failure is between the bot and its user. `told`:
    the user knows more."""
    line = text("progress.told_in_private" if told else "progress.nothing_to_show")
    title = text("progress.title_failed")
    return Outgoing(embeds=(discord.Embed(colour=_FAILED, title=title, description=line),))


def cancelled(job: JobRecord) -> Outgoing:
    """Somebody asked to stop."""
    line = text("progress.given_back")
    return Outgoing(embeds=(_embed(_STOPPED, text("progress.title_cancelled"), line, job),))


def _embed(colour: discord.Colour, title: str, line: str, job: JobRecord) -> discord.Embed:
    prompt = quoted(job.request.prompt, 300)
    return discord.Embed(colour=colour, title=title, description=f"{line}\n\n{prompt}")


def _eta(eta_s: float | None) -> str:
    return "" if eta_s is None else " " + text("progress.eta", duration=duration(eta_s))
