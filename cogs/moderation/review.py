"""`/moderate review`: withheld pictures, one at a time, shown only to one moderator in an
age-restricted channel."""

import asyncio
import logging
from typing import Final

import discord

from bot.client.client import Interaction
from bot.guilds.moderators import MAX_REASON
from bot.guilds.reviews import Waiting
from cogs.common.duty import moderator_of
from cogs.common.forms import Form
from cogs.common.lasting import Button, Lasting, turn, view_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.pictures import fit
from cogs.common.places import place_of, rules_channel_id
from cogs.common.words import moment, quoted
from cogs.drawing.cancel import JOB_ID
from data.guilds import guild_settings
from data.jobs.withheld import WithheldRecord
from data.shipped.text import text
from pipeline.errors import RefusedError, StorageError
from pipeline.rating import Rating

_log = logging.getLogger(__name__)


_TEMPLATE: Final = (
    rf"ekaki:review:(?P<act>release|discard|next):(?P<id>{JOB_ID})(?::(?P<level>[0-3]))?"
)
_MAX_TAGS: Final = 20


async def show_first(interaction: Interaction) -> None:
    """The picture that has waited longest, as a new answer that only this moderator sees."""
    await _check(interaction)
    await interaction.response.defer(ephemeral=True, thinking=True)
    await _show(interaction, after=None)


async def _check(interaction: Interaction) -> None:
    """Raises RefusedError unless a moderator asks in an age-restricted channel: the server's review
    channel, if one is set."""
    actor = moderator_of(interaction)
    if not place_of(interaction).age_restricted:
        raise RefusedError("review_place")
    assert actor.guild_id is not None
    settings = await interaction.client.services.database.read(
        guild_settings.get, guild_id=actor.guild_id
    )
    wanted = settings.review_channel_id
    if wanted is not None and rules_channel_id(interaction) != wanted:
        raise RefusedError("review_channel", channel=f"<#{wanted}>")


async def _show(interaction: Interaction, *, after: str | None) -> None:
    """Put the next picture into the answer, which only this moderator sees."""
    actor = moderator_of(interaction)
    assert actor.guild_id is not None
    services = interaction.client.services
    reviews = services.reviews
    waiting = await reviews.next(actor.guild_id, after=after)
    if waiting is None:
        await interaction.edit_original_response(
            content=text("review.empty"), embeds=[], attachments=[], view=None
        )
        return
    try:
        png = await reviews.read(waiting.record)
    except StorageError:  # the others must still be reached
        _log.exception("The file of the withheld picture %s is lost", waiting.record.id)
        message = review_message(waiting, None)
    else:
        file = await asyncio.to_thread(fit, png, interaction.filesize_limit, services.sign)
        message = review_message(waiting, file)
    await interaction.edit_original_response(
        content=None,
        embeds=list(message.embeds),
        attachments=message.files(),
        view=message.view,
        allowed_mentions=discord.AllowedMentions.none(),
    )


def review_message(waiting: Waiting, file: tuple[bytes, str] | None) -> Outgoing:
    """One withheld picture with everything that a decision needs. `file`: its content and suffix;
    None: it is lost."""
    record, job = waiting.record, waiting.job
    embed = discord.Embed(
        title=text("review.title", count=waiting.count),
        description=text(
            "review.about",
            user=f"<@{job.user_id}>",
            channel=f"<#{job.channel_id}>",
            when=moment(record.withheld_at),
            prompt=quoted(job.request.of(record.position).prompt, 600),
        ),
    )
    embed.add_field(name=text("review.ceiling"), value=f"`{record.ceiling.label}`")
    embed.add_field(name=text("review.scores"), value=_scores(record), inline=False)
    if file is None:
        embed.add_field(name=text("review.lost"), value=text("review.lost_hint"), inline=False)
        return Outgoing(embeds=(embed,), view=_buttons(waiting, lost=True))
    content, suffix = file
    name = f"withheld.{suffix}"
    embed.set_image(url=f"attachment://{name}")
    picture = Attachment(name=name, content=content, description=text("review.alt"))
    return Outgoing(embeds=(embed,), attachments=(picture,), view=_buttons(waiting))


def _scores(record: WithheldRecord) -> str:
    seen = record.seen
    if seen is None:
        return "-"
    ratings = [f"`{r.label}` {seen.ratings[r]:.2f}" for r in Rating]
    tags = [f"{quoted(tag, 40)} {score:.2f}" for tag, score in list(seen.tags.items())[:_MAX_TAGS]]
    return "\n".join(part for part in (" · ".join(ratings), ", ".join(tags)) if part)[:1024]


def _buttons(waiting: Waiting, *, lost: bool = False) -> discord.ui.View:
    record = waiting.record.id
    releases = [
        Button(
            label=text("review.release", rating=rating.label),
            custom_id=f"ekaki:review:release:{record}:{int(rating)}",
            row=0,
        )
        for rating in Rating
        if rating <= waiting.ceiling and not lost
    ]
    others = [
        Button(
            label=text("review.discard"),
            custom_id=f"ekaki:review:discard:{record}",
            row=1,
            style=discord.ButtonStyle.danger,
        )
    ]
    if waiting.count > 1:
        others.append(turn("review.next", f"ekaki:review:next:{record}", row=1))
    return view_of([*releases, *others])


class ReviewButton(Lasting[Button], template=_TEMPLATE):
    """Releases or discards a picture, or goes to the next."""

    async def act(self, interaction: Interaction) -> None:
        decision, subject = self.match["act"], self.match["id"]
        await _check(interaction)
        if decision == "release":
            modal = ReasonModal(subject, Rating(int(self.match["level"] or 0)))
            await interaction.response.send_modal(modal)
            return
        await interaction.response.defer()
        if decision == "discard":
            actor = moderator_of(interaction)
            await interaction.client.services.reviews.discard(actor, subject)
        await _show(interaction, after=subject)


class ReasonModal(Form):
    """Asks why a picture may be shown after all, for the log."""

    def __init__(self, withheld_id: str, rating: Rating) -> None:
        super().__init__(text("review.reason_title", rating=rating.label))
        self._withheld_id, self._rating = withheld_id, rating
        self._reason = self.ask(
            text("review.reason"),
            "reason",
            max_length=MAX_REASON,
            style=discord.TextStyle.paragraph,
        )

    async def on_submit(self, interaction: Interaction, /) -> None:
        await _check(interaction)
        await interaction.response.defer()
        actor, presenters = moderator_of(interaction), interaction.client.presenters
        job = await interaction.client.services.reviews.release(
            actor, self._withheld_id, rating=self._rating, reason=self._reason.value
        )
        presenters.start(job, message_id=job.message_id, resumed=True)
        await _show(interaction, after=self._withheld_id)
