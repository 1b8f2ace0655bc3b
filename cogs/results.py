"""What the buttons under pictures do. Whatever draws enters at `cogs.submission`, as `/imagine`.

Anybody may draw from a public picture that they see, at the expense of their own limits; a private
one is its owner's. Deleting is for the owner and for moderators.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import discord
from discord.ext import commands

from bot.client import EkakiBot
from bot.results import StoredPicture
from cogs import errors
from cogs.actors import actor_of
from cogs.buttons import JOB_ID
from cogs.errors import UNREACHABLE, answer_error
from cogs.orphans import answer_orphan
from cogs.presenter import presenters_of
from cogs.remix_modal import custom_id_of, is_remix_form, receive, remix_form
from cogs.result_view import Action, button, result_view, view_of
from cogs.settings_line import filled_in
from cogs.settings_message import own_settings
from cogs.submission import submit
from data.jobs import JobRecord
from data.pictures import PictureRecord
from data.text import text
from pipeline.errors import RefusedError
from pipeline.request import GenerationRequest

_log = logging.getLogger(__name__)

Interaction: TypeAlias = discord.Interaction[EkakiBot]
Pictures: TypeAlias = tuple[PictureRecord, ...]


_CUSTOM_ID = re.compile(
    rf"ekaki:(?P<action>{'|'.join(Action)}):(?P<subject>{JOB_ID})(?::(?P<extra>[0-9]{{1,20}}))?"
)


class ResultButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_CUSTOM_ID):
    """Any button of `cogs.result_view`, rebuilt from its `custom_id`."""

    def __init__(self, item: discord.ui.Button[discord.ui.View], match: re.Match[str]) -> None:
        super().__init__(item)
        self._action = Action(match["action"])
        self._subject = match["subject"]
        self._extra = int(match["extra"]) if match["extra"] else None

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> "ResultButton":
        assert isinstance(item, discord.ui.Button)
        return cls(item, match)

    async def callback(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: Interaction
    ) -> None:
        try:
            await _HANDLERS[self._action](interaction, self._subject, self._extra)
        except Exception as error:  # noqa: BLE001 - discord.py would only log it
            await answer_error(interaction, error)


# -- drawing


async def _reroll(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job, _ = await drawable_job(interaction, job_id)
    await _draw(interaction, interaction.client.services.results.reroll(job))


async def _subtle(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await _drawable_picture(interaction, picture_id)
    wish = interaction.client.services.results.vary(stored, strong=False)
    await _draw(interaction, wish)


async def _strong(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await _drawable_picture(interaction, picture_id)
    wish = interaction.client.services.results.vary(stored, strong=True)
    await _draw(interaction, wish)


async def _upscale(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await _drawable_picture(interaction, picture_id)
    wish = interaction.client.services.results.upscale(stored)
    await _draw(interaction, wish)


async def _remix(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job, _ = await drawable_job(interaction, job_id)
    await interaction.response.send_modal(form_of(interaction.client, job))


def form_of(bot: EkakiBot, job: JobRecord) -> discord.ui.Modal:
    """The remix form of one of our jobs."""
    wish = filled_in(bot.services.results.remix(job), job.request)
    return remix_form(wish, job_id=job.id)


async def _draw(interaction: Interaction, wish: GenerationRequest) -> None:
    await submit(interaction, wish, presenters_of(interaction.client), replay=True)


async def drawable_job(interaction: Interaction, job_id: str) -> tuple[JobRecord, Pictures]:
    """The job, if this person may draw from it. RefusedError says why not."""
    job, pictures = await visible_job(interaction, job_id)
    if job.private and job.user_id != interaction.user.id:
        raise RefusedError("picture_private")
    return job, pictures


async def visible_job(interaction: Interaction, job_id: str) -> tuple[JobRecord, Pictures]:
    """The job, if this person may see it. RefusedError says why not."""
    results = interaction.client.services.results
    job, pictures = await results.pictures_of(job_id)
    if not results.may_see(actor_of(interaction), job):
        raise RefusedError("picture_private")
    return job, pictures


async def _visible_picture(interaction: Interaction, picture_id: str) -> StoredPicture:
    results = interaction.client.services.results
    stored = await results.picture(picture_id)
    if not results.may_see(actor_of(interaction), stored.job):
        raise RefusedError("picture_private")
    return stored


async def _drawable_picture(interaction: Interaction, picture_id: str) -> StoredPicture:
    stored = await _visible_picture(interaction, picture_id)
    if stored.job.private and stored.job.user_id != interaction.user.id:
        raise RefusedError("picture_private")
    return stored


# -- looking


async def _settings(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    job, pictures = await visible_job(interaction, job_id)
    await show_settings(interaction, job, pictures)


async def show_settings(interaction: Interaction, job: JobRecord, pictures: Pictures) -> None:
    """Tell this person, and nobody else, how the pictures of `job` were made."""
    if not pictures:
        raise RefusedError("no_pictures_there")
    message = own_settings(job, pictures)
    await interaction.response.send_message(
        embeds=list(message.embeds), files=message.files(), ephemeral=True
    )


# -- favourites


async def _favourite(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await _visible_picture(interaction, picture_id)
    on = await _toggle(interaction, picture_id)
    words = text("results.favourite_on" if on else "results.favourite_off")
    await interaction.response.send_message(words, ephemeral=True)


async def _favourites(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    _, pictures = await visible_job(interaction, job_id)
    view = await _stars(interaction, pictures)
    await interaction.response.send_message(
        text("results.favourite_which"), view=view, ephemeral=True
    )


async def _star(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    stored = await _visible_picture(interaction, picture_id)
    await _toggle(interaction, picture_id)
    _, pictures = await visible_job(interaction, stored.job.id)
    await interaction.response.edit_message(view=await _stars(interaction, pictures))


async def _toggle(interaction: Interaction, picture_id: str) -> bool:
    results, user_id = interaction.client.services.results, interaction.user.id
    among = await results.favourites_among(user_id=user_id, picture_ids=[picture_id])
    on = picture_id not in among
    await results.set_favourite(user_id=user_id, picture_id=picture_id, on=on)
    return on


async def _stars(interaction: Interaction, pictures: Pictures) -> discord.ui.View:
    chosen = await interaction.client.services.results.favourites_among(
        user_id=interaction.user.id, picture_ids=[picture.id for picture in pictures]
    )
    return view_of(
        button(
            Action.STAR,
            picture.id,
            row=0,
            label=text(
                "buttons.star_on" if picture.id in chosen else "buttons.star",
                number=picture.position + 1,
            ),
        )
        for picture in pictures
    )


# -- deleting


async def _delete(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    """Ask first: nobody can bring it back. In a message that only this person sees, ask there."""
    job, _ = await interaction.client.services.results.pictures_of(job_id)
    if not interaction.client.services.results.may_delete(actor_of(interaction), job):
        raise RefusedError("not_your_picture")
    asked = interaction.message
    assert asked is not None, "a button stands under a message"
    if asked.flags.ephemeral:
        await interaction.response.edit_message(view=_sure(job_id, None))
        return
    await interaction.response.send_message(
        text("results.delete_sure"), view=_sure(job_id, asked.id), ephemeral=True
    )


def _sure(job_id: str, message_id: int | None) -> discord.ui.View:
    return view_of(
        [
            button(Action.ERASE, job_id, row=0, style=discord.ButtonStyle.danger, extra=message_id),
            button(Action.KEEP, job_id, row=0, extra=message_id),
        ]
    )


async def _keep(interaction: Interaction, job_id: str, message_id: int | None) -> None:
    if message_id is not None:
        await interaction.response.edit_message(content=text("results.kept"), view=None)
        return
    job, pictures = await visible_job(interaction, job_id)
    await interaction.response.edit_message(view=result_view(job, pictures))


async def _erase(interaction: Interaction, job_id: str, message_id: int | None) -> None:
    """Delete the job, then the messages that show it, as far as they can be reached."""
    results = interaction.client.services.results
    job = await results.delete(job_id, actor=actor_of(interaction))
    await interaction.response.edit_message(
        content=text("results.deleted"), embeds=[], attachments=[], view=None
    )
    shown = {(job.channel_id, job.message_id), (interaction.channel_id, message_id)}
    for channel_id, shown_id in shown:
        if channel_id is not None and shown_id is not None:
            await _delete_message(interaction.client, channel_id, shown_id)


async def _delete_message(bot: EkakiBot, channel_id: int, message_id: int) -> None:
    try:
        await bot.get_partial_messageable(channel_id).get_partial_message(message_id).delete()
    except UNREACHABLE as error:  # deleted already, or only its reader can see it
        _log.info("The message of a deleted picture is not deleted: %s", error)


_HANDLERS: Final[Mapping[Action, Callable[[Interaction, str, int | None], Awaitable[None]]]] = {
    Action.REROLL: _reroll,
    Action.REMIX: _remix,
    Action.SETTINGS: _settings,
    Action.FAVOURITES: _favourites,
    Action.DELETE: _delete,
    Action.ERASE: _erase,
    Action.KEEP: _keep,
    Action.SUBTLE: _subtle,
    Action.STRONG: _strong,
    Action.UPSCALE: _upscale,
    Action.FAVOURITE: _favourite,
    Action.STAR: _star,
}


def is_result_button(interaction: Interaction) -> bool:
    """Whether a button of `cogs.result_view` was pressed."""
    return _CUSTOM_ID.fullmatch(custom_id_of(interaction)) is not None


class ResultsCog(commands.Cog, name="Results"):
    """Takes sent forms, and answers for buttons and forms that nobody knows any more."""

    @commands.Cog.listener("on_interaction")
    async def interacted(self, interaction: Interaction) -> None:
        match interaction.type:
            case discord.InteractionType.modal_submit if is_remix_form(interaction):
                await receive(interaction)
            case discord.InteractionType.component if is_result_button(interaction):
                pass  # its own callback answers, even where that takes long
            case discord.InteractionType.modal_submit | discord.InteractionType.component:
                await answer_orphan(interaction)
            case _:
                pass


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    bot.add_dynamic_items(ResultButton)
    await bot.add_cog(ResultsCog())
