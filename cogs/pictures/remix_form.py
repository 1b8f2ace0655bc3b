"""The form with prompt, negative and settings filled in. Nothing is remembered after sending it.

Everything needed is in its fields and its `custom_id`, so it may be open for hours and across
restarts of the bot. Nothing that was typed is lost: a refusal returns it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

import discord

from bot.client.client import Interaction
from cogs.common.actors import actor_of
from cogs.common.errors import answer_error
from cogs.common.forms import give_back, typed_values
from cogs.drawing.drafts import BASE, Draft, draft_of, refuse
from cogs.drawing.submission import submit
from data.shipped.text import text
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import EkakiError, RefusedError
from pipeline.prompt.flags_line import MAX_LINE, cut_prompt, settings_line, with_settings
from pipeline.request import GenerationRequest

_CUSTOM_ID = re.compile(
    rf"ekaki:form:{BASE}:(?P<seen>public|private)(?::(?P<saved>.+))?", re.DOTALL
)
PROMPT: Final = "prompt"
NEGATIVE: Final = "negative"
SETTINGS: Final = "settings"


def remix_form(
    request: GenerationRequest, *, job_id: str | None = None, note: str = ""
) -> discord.ui.Modal:
    """A form filled in with `request`, `note` above its fields. `job_id`: the job from which what
    the form does not show is taken."""
    draft = Draft(
        prompt=cut_prompt(request.prompt),
        negative=cut_prompt(request.negative_prompt),
        settings=settings_line(request),
    )
    title = text("results.remix_title")
    return _form(
        draft, custom_id=_custom_id(job_id, private=request.private), title=title, note=note
    )


def _form(draft: Draft, *, custom_id: str, title: str, note: str = "") -> discord.ui.Modal:
    form = discord.ui.Modal(title=title, custom_id=custom_id)
    if note:
        words = text("left_out.title") + "\n" + note
        form.add_item(discord.ui.TextDisplay[Any](words))
    form.add_item(_text_field(PROMPT, draft.prompt, required=True))
    form.add_item(_text_field(NEGATIVE, draft.negative, required=False))
    form.add_item(
        discord.ui.Label(
            text=text("results.remix_settings"),
            description=text("results.remix_settings_help"),
            component=discord.ui.TextInput[discord.ui.Modal](
                custom_id=SETTINGS,
                required=False,
                max_length=MAX_LINE,
                default=draft.settings[:MAX_LINE] or None,
                placeholder=text("results.remix_settings_placeholder"),
            ),
        )
    )
    form.stop()  # discord.py need not remember it
    return form


def typed_form(request: GenerationRequest, *, job_id: str | None = None) -> discord.ui.Modal:
    """The form filled in with what a person typed, to change it. `job_id`: see `remix_form`."""
    draft = draft_of(request)
    return _form(
        draft, custom_id=_custom_id(job_id, private=request.private), title=text("draft.title")
    )


def draft_form(draft: Draft, match: re.Match[str]) -> discord.ui.Modal:
    """The form of a request that was refused; `match` is that of `cogs.drawing.drafts.EDIT`."""
    tail = "" if match["saved"] is None else f":{match['saved']}"
    custom_id = f"ekaki:form:{match['base']}:{match['seen']}{tail}"
    return _form(draft, custom_id=custom_id, title=text("draft.title"))


def _custom_id(job_id: str | None, *, private: bool) -> str:
    return f"ekaki:form:{job_id or '-'}:{'private' if private else 'public'}"


def _text_field(
    custom_id: str, value: str, *, required: bool
) -> "discord.ui.Label[discord.ui.Modal]":
    field = discord.ui.TextInput[discord.ui.Modal](
        style=discord.TextStyle.paragraph,
        custom_id=custom_id,
        required=required,
        max_length=MAX_PROMPT_CHARACTERS,
        default=value or None,
        placeholder=text(f"imagine.modal_{custom_id}_placeholder"),
    )
    return discord.ui.Label(text=text(f"imagine.modal_{custom_id}"), component=field)


def is_remix_form(interaction: Interaction) -> bool:
    """Whether `interaction` sends such a form."""
    return _CUSTOM_ID.fullmatch(custom_id_of(interaction)) is not None


async def receive(interaction: Interaction) -> None:
    """Draw what a sent form says. Never raises."""
    values = typed_values(interaction)
    match = _CUSTOM_ID.fullmatch(custom_id_of(interaction))
    assert match is not None, "asked by the caller"
    try:
        request = await _request(interaction, match, values)
    except EkakiError as error:  # a settings line that can't be read
        draft = Draft(
            prompt=values.get(PROMPT, ""),
            negative=values.get(NEGATIVE, ""),
            settings=values.get(SETTINGS, ""),
        )
        base = "-" if error.key == "image_gone" else match["base"]
        await refuse(interaction, error, draft, seen=match["seen"], saved=match["saved"], base=base)
        return
    try:
        await submit(interaction, request, saved=match["saved"], job_id=match["job_id"])
    except Exception as error:  # noqa: BLE001 - discord.py would only log it
        await answer_error(interaction, error)
        await give_back(interaction, values)


async def _request(
    interaction: Interaction, match: re.Match[str], values: Mapping[str, str]
) -> GenerationRequest:
    base = await _base(interaction, match)
    texts = replace(
        base,
        prompt=values.get(PROMPT, ""),
        negative_prompt=values.get(NEGATIVE, ""),
        private=match["seen"] == "private",
    )
    return with_settings(texts, values.get(SETTINGS, ""))


async def _base(interaction: Interaction, match: re.Match[str]) -> GenerationRequest:
    """What the form has no fields for, such as the init picture; nothing if the job was deleted.
    Raises RefusedError `image_gone` if an upload is no longer kept."""
    job_id, image = match["job_id"], match["image"]
    if image is not None:
        found = await interaction.client.services.jobs.find_upload(image)
        strength = None if match["strength"] is None else int(match["strength"]) / 1000
        return GenerationRequest(init_picture=found, strength=strength)
    if job_id is None:
        return GenerationRequest()
    results = interaction.client.services.results
    try:
        job, _ = await results.pictures_of(job_id)
    except RefusedError:
        return GenerationRequest()
    if not results.may_see(actor_of(interaction), job):
        return GenerationRequest()
    kept = results.remix(job)
    return GenerationRequest(
        init_picture=kept.init_picture, strength=kept.strength, source=kept.source
    )


def custom_id_of(interaction: Interaction) -> str:
    """The id of the button or form that `interaction` comes from; "" for another kind."""
    data = cast("dict[str, Any]", interaction.data or {})
    return str(data.get("custom_id", ""))
