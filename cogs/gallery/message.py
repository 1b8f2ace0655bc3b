"""An entry as a message of the gallery channel. No IO."""

import discord

from cogs.common.lasting import view_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.result_buttons import Action, button
from cogs.common.words import cut, quoted
from data.gallery.entries import Entry
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.prompt.assemble import typed_text

_PLAIN = discord.Colour.blurple()
_FEATURED = discord.Colour.gold()
_FOOTER_LIMIT = 2048  # characters, Discord
_NAME_LIMIT = 100  # characters of a thread's name, Discord


def file_stem(entry_id: str) -> str:
    """The start of an entry's file name, by which a sent message can be found again."""
    return f"gallery-{entry_id}"


def shown_of(entry: Entry) -> str:
    """The variable content of the message; entries with equal values look the same."""
    return f"{entry.votes}:{int(entry.featured_at is not None)}"


def title_of(job: JobRecord) -> str:
    """The name of a forum's post."""
    return cut(typed_text(job.request.original), _NAME_LIMIT) or text("gallery.untitled")


def attachment_of(entry: Entry, job: JobRecord, content: bytes, suffix: str) -> Attachment:
    """The picture, with its alt text: what was typed, where pictures of the job chose from it."""
    prompt = typed_text(job.request.original) if job.request.chosen else job.request.prompt
    return Attachment(
        name=f"{file_stem(entry.id)}.{suffix}",
        content=content,
        description=text("result.alt", prompt=cut(prompt, 900)),
    )


def message_of(entry: Entry, job: JobRecord, *, file_name: str, notice: str) -> Outgoing:
    """Everything but the file, whose name is `file_name`."""
    featured = entry.featured_at is not None
    lines = [text("gallery.by", maker=f"<@{entry.maker_id}>")]
    if featured:
        lines.insert(0, text("gallery.featured"))
    lines.append(quoted(typed_text(job.request.original), 300))
    embed = discord.Embed(colour=_FEATURED if featured else _PLAIN, description="\n".join(lines))
    embed.set_image(url=f"attachment://{file_name}")
    if notice:
        embed.set_footer(text=notice[:_FOOTER_LIMIT])
    return Outgoing(embeds=(embed,), view=buttons_of(entry, job))


def buttons_of(entry: Entry, job: JobRecord) -> discord.ui.View:
    """The buttons of an entry; the vote button shows the count."""
    votes = text("buttons.vote_count", votes=entry.votes)
    return view_of(
        [
            button(Action.VOTE, entry.picture_id, row=0, label=votes, emoji=False),
            button(Action.REMIX, job.id, row=0),
            button(Action.FAVOURITE, entry.picture_id, row=0),
            button(Action.DETAILS, entry.picture_id, row=0),
        ]
    )
