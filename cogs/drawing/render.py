"""From a job and its events to messages. Text comes from the catalogue; no IO."""

from collections.abc import Sequence
from itertools import accumulate

import discord

from bot.common.hints import hint_lines
from bot.jobs.values import Progress, Queued
from cogs.common.errors import words_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.rest import rest_words
from cogs.common.result_buttons import ended_view, result_view
from cogs.common.words import (
    bar,
    cut,
    cut_to_columns,
    date,
    duration,
    harmless,
    quoted,
    sentences,
    speed_words,
)
from cogs.drawing.cancel import cancel_view
from cogs.drawing.comparison import labels_of
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.errors import EkakiError
from pipeline.prompt.assemble import typed_text

_WAITING = discord.Colour.light_grey()
_DRAWING = discord.Colour.blurple()
_STOPPED = discord.Colour.dark_grey()
_FAILED = discord.Colour.red()
_STEPS_SHARE = 11 / 12  # of a picture's time, and of the bar's cells; the rest is for finishing it
_TYPED_COLUMNS = 76  # of what was typed: two lines on a phone
_NOTICE_LIMIT = 300  # characters of the model's notice
_LABELS_LIMIT = 300  # characters of what was compared
_CONTENT_LIMIT = 2000  # characters, Discord
_MORE_ROOM = 100  # of them, for how many hints are left out
_MENTION_ROOM = 30  # of them, for the mention if the message is sent again


def waiting(job: JobRecord, event: Queued) -> Outgoing:
    """Accepted: the place in the queue and the time it will take."""
    if event.no_machine and event.rest is None:
        line = text("progress.no_machine")
    elif event.loading:
        line = text("progress.loading")
    elif event.position == 0:
        line = text("progress.next")
    elif event.position == 1:
        line = text("progress.waiting_one")
    else:
        line = text("progress.waiting", jobs=event.position)
    line = sentences(line, _eta(event.eta_s))
    if event.ready_at is not None:
        line = sentences(line, text("progress.ready_at", time=date(event.ready_at)))
    if event.rest is not None:
        line += "\n" + rest_words(event.rest)
    embed = _embed(_WAITING, text("progress.title_waiting"), line, job)
    return Outgoing(embeds=(embed,), view=cancel_view(job.id))


def progress(job: JobRecord, event: Progress, preview: bytes | None) -> Outgoing:
    """Being drawn: percent, step, time, and the preview where there is one."""
    done = event.step / event.steps
    if event.faces:  # behind the picture's own steps
        done = (event.face - 1 + done) / event.faces
    share = (event.picture - 1 + _STEPS_SHARE * done) / event.pictures
    percent = int(100 * share)
    if event.faces:
        line = text("progress.face", bar=bar(share), percent=percent, face=event.face,
                    faces=event.faces, step=event.step, steps=event.steps)  # fmt: skip
    elif event.step >= event.steps:  # decoding, looking at it and storing it take their time
        line = text("progress.finishing", bar=bar(share), percent=percent)
    else:
        line = text("progress.step", bar=bar(share), percent=percent,
                    step=event.step, steps=event.steps)  # fmt: skip
    if event.pictures > 1:
        line += text("progress.picture", picture=event.picture, pictures=event.pictures)
    line = sentences(line, _eta(event.eta_s))
    if event.again:
        line += "\n" + text("progress.again")
    return _drawing(job, line, preview)


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
    credit: str = "",
) -> Outgoing:
    """The pictures, with one line of what was typed and a grey one of size and seed; everything
    else is behind buttons. `withheld`: how many of the job's pictures are not shown.
    `credit`: where they come from (`cogs.drawing.credit`)."""
    typed = harmless(cut_to_columns(typed_text(job.request.original), _TYPED_COLUMNS))
    first = pictures[0]
    size, notice = f"{first.width} × {first.height}", quoted(notice, _NOTICE_LIMIT)
    facts = [speed_words(job.request.speed), credit, size, _seeds(pictures)]
    facts += [_faces(job, pictures), notice]
    grey = [" · ".join(each for each in facts if each)]
    if withheld:
        grey.append(
            text("result.withheld_one")
            if withheld == 1
            else text("result.withheld", pictures=withheld)
        )
    labels = " · ".join(f"{number}: {each}" for number, each in enumerate(labels_of(job), 1))
    if labels:
        grey.insert(0, quoted(labels, _LABELS_LIMIT))
    lines = [typed] if typed else []
    lines += [f"-# {each}" for each in grey]
    lines += [f"-# {each}" for each in _chosen(job, pictures)]
    room = _CONTENT_LIMIT - len("\n".join(lines)) - _MENTION_ROOM
    lines += _fitting([f"-# {each}" for each in hint_lines(job.request.hints)], room)
    return Outgoing(
        content="\n".join(lines),
        attachments=tuple(attachments),
        view=result_view(job, pictures),
    )


def _faces(job: JobRecord, pictures: Sequence[PictureRecord]) -> str:
    """How many faces were drawn again; also that none was, where they were asked for."""
    faces = sum(each.faces for each in pictures)
    if faces:
        return text("result.faces", faces=faces)
    return text("result.no_faces") if job.request.faces else ""


def _chosen(job: JobRecord, pictures: Sequence[PictureRecord]) -> list[str]:
    """What the choices of the prompt became, a line for each picture."""
    lines: list[str] = []
    for picture in pictures if job.request.chosen else ():
        words = " · ".join(word or "–" for word in job.request.chosen_for(picture.position).words)
        shown = harmless(cut_to_columns(words, _TYPED_COLUMNS))
        key = "result.chosen" if len(pictures) == 1 else "result.chosen_for"
        lines.append(text(key, number=picture.position + 1, words=shown))
    return lines


def _seeds(pictures: Sequence[PictureRecord]) -> str:
    """`seed 7`, `seeds 7 to 10` where they count up, else each of them."""
    seeds = list(dict.fromkeys(picture.seed for picture in pictures))
    if len(seeds) == 1:
        return text("result.seed", seed=seeds[0])
    if seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return text("result.seed_range", first=seeds[0], last=seeds[-1])
    return text("result.seeds", seeds=", ".join(map(str, seeds)))


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """As many of the first `lines` as `room` characters hold, each with its line break. The last
    tells how many there is no room for."""
    ends = list(accumulate(len(line) + 1 for line in lines))
    if not lines or ends[-1] <= room:
        return list(lines)
    kept = [line for line, end in zip(lines, ends, strict=True) if end <= room - _MORE_ROOM]
    return [*kept, "-# " + text("hints.more", count=len(lines) - len(kept))]


def picture_attachment(
    job: JobRecord, picture: PictureRecord, content: bytes, suffix: str
) -> Attachment:
    """One picture as a file. Its name tells the job, never the prompt."""
    return Attachment(
        name=f"{file_stem(job.id)}{picture.position + 1}.{suffix}",
        content=content,
        description=text("result.alt", prompt=cut(job.request.of(picture.position).prompt, 900)),
    )


def sheet_attachment(job: JobRecord, content: bytes, suffix: str) -> Attachment:
    """The sheet of a comparison as a file."""
    said = text("compare.alt", values=", ".join(labels_of(job)))
    return Attachment(name=f"{file_stem(job.id)}sheet.{suffix}", content=content, description=said)


def file_stem(job_id: str) -> str:
    """How the names of a job's files begin; by them a message that was sent is found again."""
    return f"ekaki-{job_id}-"


def failed(job: JobRecord, error: EkakiError, *, now: float) -> Outgoing:
    """The job ended without pictures."""
    line = sentences(words_of(error, now=now), text("progress.given_back"))
    embed = _embed(_FAILED, text("progress.title_failed"), line, job)
    return Outgoing(embeds=(embed,), view=ended_view(job, error))


def kept(error: EkakiError, *, now: float) -> Outgoing:
    """The pictures are made and stored, but can't be shown here: `error` says where they are. What
    must not be shown here is not described here, either."""
    title, line = text("progress.title_kept"), words_of(error, now=now)
    return Outgoing(embeds=(discord.Embed(colour=_STOPPED, title=title, description=line),))


def failed_quietly(*, notified: bool) -> Outgoing:
    """What everybody may know of a job whose failure is between the bot and its user. `notified`:
    the user knows more."""
    line = text("progress.told_in_private" if notified else "progress.nothing_to_show")
    title = text("progress.title_failed")
    return Outgoing(embeds=(discord.Embed(colour=_FAILED, title=title, description=line),))


def cancelled(job: JobRecord) -> Outgoing:
    """Somebody asked to stop."""
    line = text("progress.given_back")
    embed = _embed(_STOPPED, text("progress.title_cancelled"), line, job)
    return Outgoing(embeds=(embed,), view=ended_view(job))


def _embed(colour: discord.Colour, title: str, line: str, job: JobRecord) -> discord.Embed:
    prompt = quoted(typed_text(job.request.original) or job.request.prompt, 300)
    title = " · ".join(part for part in (title, speed_words(job.request.speed)) if part)
    return discord.Embed(colour=colour, title=title, description=f"{line}\n\n{prompt}")


def _eta(eta_s: float | None) -> str:
    return "" if eta_s is None else text("progress.eta", duration=duration(eta_s))
