"""The form that redraws a part of a picture.

Everything needed is in the form's fields and its `custom_id`, so it may be open for hours and
across restarts of the bot.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import discord

from bot.client.client import Interaction
from bot.common.work_thread import in_a_thread
from bot.jobs.keep.mask_files import area_mask
from bot.library.redrawing import prompt_of, redrawn
from bot.library.results import StoredPicture
from cogs.common.errors import answer_error
from cogs.common.forms import chosen_values, custom_id_of, give_back, typed_values
from cogs.drawing.cancel import JOB_ID
from cogs.drawing.submission import submit
from cogs.pictures.drawing_on import drawable_picture
from data.shipped.text import text
from pipeline.areas import Area
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import InputError
from pipeline.options import written
from pipeline.request import GenerationRequest
from pipeline.rework import DEFAULT_STRENGTH, MAX_STRENGTH, MIN_STRENGTH

_CUSTOM_ID = re.compile(rf"ekaki:redrawform:(?P<picture>{JOB_ID})")
_MAX_STRENGTH_LENGTH: Final = 8
AREA: Final = "area"
FACES: Final = "faces"  # an area as well, where they can be found
PROMPT: Final = "prompt"
STRENGTH: Final = "strength"


async def redraw(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    """Open the form for one picture."""
    stored = await drawable_picture(interaction, picture_id)
    faces = interaction.client.services.face_areas.available
    form = _form(prompt_of(stored), picture_id=picture_id, faces=faces)
    await interaction.response.send_modal(form)


def _form(prompt: str, *, picture_id: str, faces: bool) -> discord.ui.Modal:
    form = discord.ui.Modal(title=text("redraw.title"), custom_id=f"ekaki:redrawform:{picture_id}")
    named = [FACES] * faces + [each.value for each in Area]
    areas = [discord.SelectOption(label=text(f"areas.{each}"), value=each) for each in named]
    form.add_item(_labelled("area", _menu(AREA, areas)))
    form.add_item(
        _labelled(
            "prompt",
            discord.ui.TextInput[discord.ui.Modal](
                style=discord.TextStyle.paragraph,
                custom_id=PROMPT,
                max_length=MAX_PROMPT_CHARACTERS,
                default=prompt or None,
            ),
        )
    )
    form.add_item(
        _labelled(
            "strength",
            discord.ui.TextInput[discord.ui.Modal](
                custom_id=STRENGTH,
                required=False,
                max_length=_MAX_STRENGTH_LENGTH,
                default=written(DEFAULT_STRENGTH),
            ),
        )
    )
    form.stop()  # discord.py need not remember it
    return form


def _menu(
    custom_id: str, options: list[discord.SelectOption]
) -> "discord.ui.Select[discord.ui.Modal]":
    return discord.ui.Select(custom_id=custom_id, options=options, required=True)


def _labelled(key: str, component: Any) -> "discord.ui.Label[discord.ui.Modal]":
    return discord.ui.Label(
        text=text(f"redraw.{key}"), description=text(f"redraw.{key}_help"), component=component
    )


def is_redraw_form(interaction: Interaction) -> bool:
    """Whether `interaction` sends such a form."""
    return _CUSTOM_ID.fullmatch(custom_id_of(interaction)) is not None


async def receive(interaction: Interaction) -> None:
    """Draw what a sent form says. Never raises."""
    typed, chosen = typed_values(interaction), chosen_values(interaction)
    match = _CUSTOM_ID.fullmatch(custom_id_of(interaction))
    assert match is not None, "asked by the caller"
    try:
        stored = await drawable_picture(interaction, match["picture"])
        await _draw(interaction, stored, _area(chosen), typed)
    except Exception as error:  # noqa: BLE001 - discord.py would only log it
        await answer_error(interaction, error)
        await give_back(interaction, {PROMPT: typed.get(PROMPT, "")})


async def _draw(
    interaction: Interaction, stored: StoredPicture, area: Area | None, typed: Mapping[str, str]
) -> None:
    """`area` None: the faces."""
    jobs, faces = interaction.client.services.jobs, interaction.client.services.face_areas
    width, height = stored.picture.width, stored.picture.height

    async def masked(request: GenerationRequest) -> GenerationRequest:
        if area is None:
            png = await faces.mask(await jobs.read_picture(stored.picture))
        else:
            png = await in_a_thread(partial(area_mask, area, width=width, height=height))
        mask = await jobs.put_mask(png, width=width, height=height)
        return replace(request, mask=mask.content_hash)

    strength = _strength(typed.get(STRENGTH, ""))
    request = redrawn(stored, prompt=typed.get(PROMPT, ""), strength=strength)
    await submit(interaction, request, replay=True, prepare=masked)


def _area(chosen: Mapping[str, Sequence[str]]) -> Area | None:
    """None: the faces."""
    if FACES in chosen.get(AREA, ()):
        return None
    found = next((each for each in Area if each.value in chosen.get(AREA, ())), None)
    if found is None:
        raise InputError("button_unknown")
    return found


def _strength(typed: str) -> float | None:
    """`0.6`, `0,6` or `60%`; None for an empty field. InputError `strength_out_of_range`."""
    said = typed.strip().replace(",", ".")
    if not said:
        return None
    try:
        return float(said[:-1]) / 100 if said.endswith("%") else float(said)
    except ValueError as error:
        shown = typed.strip().replace("`", "'")
        bounds = {"low": MIN_STRENGTH, "high": int(MAX_STRENGTH)}
        raise InputError("strength_out_of_range", value=shown, **bounds) from error
