"""Behind "More" and the menu of several pictures: everything for which the row has no room.

Only the person who pressed sees it. In a message that only this person sees, it replaces the row.
"""

from collections.abc import Sequence
from typing import Any

import discord

from bot.client.client import Interaction
from bot.library.repeating import may_finish
from cogs.common.actors import actor_of
from cogs.common.answers import change, say
from cogs.common.gallery_gates import offers_gallery
from cogs.common.lasting import view_of
from cogs.common.result_buttons import (
    Action,
    button,
    extend_menu,
    may_grow,
    numbered,
    picture_menu,
    result_view,
)
from cogs.drawing.finding import stems
from cogs.drawing.render import file_stem
from cogs.pictures.drawing_on import drawable_job, visible_job, visible_picture
from cogs.pictures.painting import may_paint
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.errors import RefusedError


async def more(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """The panel of a message with one picture."""
    stored = await visible_picture(interaction, picture_id)
    await _open(interaction, stored.job, (stored.picture,), stored.picture)


async def mores(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    """The panel of a message with several: actions for all of them, and the menu."""
    job, pictures = await visible_job(interaction, job_id)
    await _open(interaction, job, _shown(interaction, job, pictures), None)


async def pick(interaction: Interaction, job_id: str, message_id: int | None) -> None:
    """Show the panel of the chosen picture. In the panel it replaces the previous one."""
    values: list[str] = (interaction.data or {}).get("values", [])  # pyright: ignore[reportAssignmentType] - what a menu sends
    job, pictures = await visible_job(interaction, job_id)
    chosen = next((each for each in pictures if each.id in values), None)
    if chosen is None:
        raise RefusedError("picture_unknown")
    if message_id is None:
        await _open(interaction, job, _shown(interaction, job, pictures), chosen)
        return
    view = await _panel(interaction, job, pictures, chosen, message_id=message_id)
    await change(interaction, _title(chosen), view=view)


async def varies(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await _ask_which(interaction, job_id, Action.STRONG, "more.vary_which")


async def upscales(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await _ask_which(interaction, job_id, Action.UPSCALE, "more.upscale_which")


async def finishes(interaction: Interaction, job_id: str, _extra: int | None) -> None:
    await _ask_which(interaction, job_id, Action.FINISH, "more.finish_which")


async def _ask_which(interaction: Interaction, job_id: str, action: Action, key: str) -> None:
    job, pictures = await drawable_job(interaction, job_id)
    if not pictures:
        raise RefusedError("picture_unknown")
    shown = _shown(interaction, job, pictures)
    await say(interaction, text(key), view=view_of(numbered(action, shown)))


def whole_view(
    interaction: Interaction, job: JobRecord, pictures: Sequence[PictureRecord]
) -> discord.ui.View:
    """Restore the row of the message in place of its panel."""
    return result_view(job, _shown(interaction, job, pictures))


async def _open(
    interaction: Interaction,
    job: JobRecord,
    pictures: Sequence[PictureRecord],
    chosen: PictureRecord | None,
) -> None:
    asked = interaction.message
    assert asked is not None, "a button stands under a message"
    if asked.flags.ephemeral:
        view = await _panel(interaction, job, pictures, chosen, message_id=None)
        await interaction.response.edit_message(view=view)
        return
    view = await _panel(interaction, job, pictures, chosen, message_id=asked.id)
    title = text("more.title") if len(pictures) == 1 else _title(chosen)
    await say(interaction, title, view=view)


def _title(chosen: PictureRecord | None) -> str:
    if chosen is None:
        return text("more.title_all")
    return text("more.chosen", number=chosen.position + 1, seed=chosen.seed)


async def _panel(
    interaction: Interaction,
    job: JobRecord,
    pictures: Sequence[PictureRecord],
    chosen: PictureRecord | None,
    *,
    message_id: int | None,
) -> discord.ui.View:
    """`message_id`: the message with the pictures, None if the panel is under them."""
    items: list[discord.ui.Item[Any]] = []
    if len(pictures) > 1:
        chosen_id = None if chosen is None else chosen.id
        items.append(picture_menu(job, pictures, chosen=chosen_id, message_id=message_id))
    if chosen is not None:
        items += [button(each, chosen.id, row=1) for each in _whole(job)]
    items.append(button(Action.ANOTHER, job.id, row=1))
    if chosen is not None:
        items += [button(each, chosen.id, row=2) for each in _parts(interaction, job)]
        items.append(button(Action.LOCK, chosen.id, row=2))
        items.append(button(Action.FAVOURITE, chosen.id, row=3))
        if await offers_gallery(interaction.client, job):
            if not job.private:  # nobody but its owner sees a private picture
                items.append(button(Action.VOTE, chosen.id, row=3))
            items.append(button(Action.SHARE, chosen.id, row=3))
    items.append(button(Action.SETTINGS, job.id, row=3))
    if interaction.client.services.results.may_delete(actor_of(interaction), job):
        danger = discord.ButtonStyle.danger
        items.append(button(Action.DELETE, job.id, row=3, style=danger, extra=message_id))
    if message_id is None:  # row 3 may have five already
        row = 3 if chosen is None else 2
        items.append(button(Action.KEEP, job.id, row=row, label=text("buttons.back")))
    if chosen is not None:
        items.append(extend_menu(chosen, row=4))
    return view_of(items)


def _whole(job: JobRecord) -> list[Action]:
    """What draws the whole of a picture anew, at most four."""
    grown = [Action.UPSCALE] if may_grow(job) else []
    finished = [Action.FINISH] if may_finish(job) else []
    return [Action.SUBTLE, Action.STRONG, *grown, *finished]


def _parts(interaction: Interaction, job: JobRecord) -> list[Action]:
    """What draws a part of a picture anew: side by side, so that who looks for one sees all."""
    painted = [Action.PAINT] if may_paint(interaction, job) else []
    model = interaction.client.services.jobs.runner.engines.model
    faces = [Action.FACES] if model is not None and model.faces else []
    return [Action.REDRAW, *painted, *faces]


def _shown(
    interaction: Interaction, job: JobRecord, pictures: Sequence[PictureRecord]
) -> Sequence[PictureRecord]:
    """Those of `pictures` that the message has as files; all of them where it has none."""
    files: set[str] = set() if interaction.message is None else stems(interaction.message)
    found = [each for each in pictures if f"{file_stem(job.id)}{each.position + 1}" in files]
    return found or pictures
