"""The form with prompt, negative and settings filled in. Nothing is remembered after sending it.

Everything needed is in its fields and its `custom_id`, so it may be open for hours and across
restarts of the bot. Nothing that was typed is lost: a refusal returns it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import discord

from bot.client.client import EkakiBot, Interaction
from bot.jobs.accept.loras import in_full, unchanged_left_open, without_loras
from cogs.common.actors import actor_of
from cogs.common.errors import answer_error
from cogs.common.forms import custom_id_of, give_back, typed_values
from cogs.common.places import asker_of
from cogs.drawing.drafts import BASE, Draft, draft_of, refuse
from cogs.drawing.submission import submit
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import EkakiError, RefusedError
from pipeline.prompt.flags_line import (
    MAX_LINE,
    cut_prompt,
    filled_in,
    settings_line,
    with_settings,
)
from pipeline.request import GenerationRequest
from pipeline.resolve import readable

_CUSTOM_ID = re.compile(
    rf"ekaki:form:{BASE}:(?P<seen>public|private)(?::(?P<saved>.+))?", re.DOTALL
)
PROMPT: Final = "prompt"
NEGATIVE: Final = "negative"
SETTINGS: Final = "settings"


def remix_form(
    request: GenerationRequest, *, job_id: str | None = None, note: str = "", title: str = ""
) -> discord.ui.Modal:
    """A form filled in with `request`, `note` above its fields. `job_id`: the job from which what
    the form does not show is taken."""
    draft = Draft(
        prompt=cut_prompt(request.prompt),
        negative=cut_prompt(request.negative_prompt),
        settings=settings_line(request),
    )
    title = title or text("results.remix_title")
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


async def draw_plain(interaction: Interaction, match: re.Match[str], draft: Draft) -> None:
    """Draw a refused request without LoRAs, or in full; `match` is that of
    `cogs.drawing.drafts.PLAIN`."""
    values = {PROMPT: draft.prompt, NEGATIVE: draft.negative, SETTINGS: draft.settings}
    change = in_full if match["how"] == "infull" else without_loras
    request = change(readable(await _request(interaction, match, values)))
    await submit(interaction, request, saved=match["saved"], job_id=match["job_id"])


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
    said = with_settings(texts, values.get(SETTINGS, ""))
    return await _with_room_for_recipe(interaction, match, said)


def offered(bot: EkakiBot, job: JobRecord) -> GenerationRequest:
    """What the remix form of one of our jobs is filled in with."""
    recipe = bot.services.lora_choices.recipe_of(job.request.loras)
    return filled_in(bot.services.results.remix(job), job.request.single(0), recipe=recipe)


async def _with_room_for_recipe(
    interaction: Interaction, match: re.Match[str], said: GenerationRequest
) -> GenerationRequest:
    """Where a LoRA was added in a remix form, its recipe counts in place of what the form had."""
    job = await _visible_base(interaction, match["job_id"])
    if job is None or job.state != "finished":  # else the form had what somebody typed
        return said
    choices = interaction.client.services.lora_choices
    return unchanged_left_open(
        said,
        offered(interaction.client, job),
        recipe=await choices.recipe_for(said, asker_of(interaction)),
        before=choices.recipe_of(job.request.loras),
    )


async def _visible_base(interaction: Interaction, job_id: str | None) -> JobRecord | None:
    """The job that a form was made from, if it is still there and this person may see it."""
    if job_id is None:
        return None
    results = interaction.client.services.results
    try:
        job, _ = await results.pictures_of(job_id)
    except RefusedError:
        return None
    return job if results.may_see(actor_of(interaction), job) else None


async def _base(interaction: Interaction, match: re.Match[str]) -> GenerationRequest:
    """What the form has no fields for, such as the init picture; nothing if the job was deleted.
    Raises RefusedError `image_gone` if an upload is no longer kept."""
    job_id, image = match["job_id"], match["image"]
    if image is not None:
        found = await interaction.client.services.jobs.find_upload(image)
        strength = None if match["strength"] is None else int(match["strength"]) / 1000
        return GenerationRequest(init_picture=found, strength=strength)
    job = await _visible_base(interaction, job_id)
    if job is None:
        return GenerationRequest()
    kept = interaction.client.services.results.remix(job)
    return GenerationRequest(
        init_picture=kept.init_picture,
        strength=kept.strength,
        mask=kept.mask,
        extend=kept.extend,
        source=kept.source,
    )
