"""What was typed for a request that was refused: shown beside the refusal, to that person only.

Its button opens it as a form again; where a LoRA can't be used, another draws it without, and
where drafts can't be drawn, in full. The
message holds all of it, so that nothing is stored and it works after a restart of the bot.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.client.client import EkakiBot
from bot.jobs.accept.loras import is_no_draft, is_unavailable
from cogs.common.errors import explain, say_privately
from cogs.common.forms import give_back
from cogs.common.lasting import Button, view_of
from cogs.common.words import code_block
from cogs.drawing.cancel import JOB_ID
from data.shipped.text import text
from pipeline.errors import EkakiError, InputError
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.flags_line import cut_prompt, settings_line
from pipeline.request import GenerationRequest

BASE: Final = (
    rf"(?P<base>(?P<job_id>{JOB_ID})|i(?P<image>[0-9a-f]{{16}})(?:s(?P<strength>\d{{1,4}}))?|-)"
)
"""What the fields of the form lack to make the request: the job that it was edited from, or the
beginning of an upload's hash, with the strength in thousandths."""

_REST: Final = rf"(?P<parts>p?n?s?):{BASE}:(?P<seen>public|private)(?::(?P<saved>.{{1,50}}))?"
EDIT: Final = re.compile(rf"ekaki:draft:{_REST}", re.DOTALL)
"""The button's `custom_id`: which parts the message has, and what else makes the request. `saved`:
the preset that it used."""
PLAIN: Final = re.compile(rf"ekaki:(?P<how>plain|infull):{_REST}", re.DOTALL)
"""The same of the button that draws it without LoRAs, and of that which draws it in full."""

_OF_REQUEST: Final = ("rule_", "server_rule", "rating_above_ceiling", "lora_", "draft_")
_MAX_EMBEDS = 5900  # characters of all embeds of a message: Discord takes 6000
_OPEN, _CLOSE = "```\n", "\n```"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The three fields of the form. `settings`: as flags, `--ar 3:2 --seed 5`."""

    prompt: str = ""
    negative: str = ""
    settings: str = ""

    @property
    def parts(self) -> str:
        """The first letters of the fields that say something."""
        said = (("p", self.prompt), ("n", self.negative), ("s", self.settings))
        return "".join(letter for letter, value in said if value.strip())


def draft_of(request: GenerationRequest) -> Draft:
    """Everything in `request` that can be typed."""
    return Draft(
        prompt=cut_prompt(typed_text(request)),
        negative=cut_prompt(request.negative_prompt),
        settings=settings_line(request),
    )


def embeds_of(draft: Draft) -> list[discord.Embed] | None:
    """One for each part, in the order of `Draft.parts`; None where Discord takes no such length."""
    values = {"p": draft.prompt, "n": draft.negative, "s": draft.settings}
    made = [
        discord.Embed(title=text(f"draft.{part}"), description=code_block(values[part]))
        for part in draft.parts
    ]
    return made if sum(map(len, made)) <= _MAX_EMBEDS else None


def draft_in(embeds: Sequence[discord.Embed], parts: str) -> Draft:
    """What `embeds_of` showed."""
    shown = [(each.description or "").removeprefix(_OPEN).removesuffix(_CLOSE) for each in embeds]
    found = dict(zip(parts, shown, strict=False))
    return Draft(
        prompt=found.get("p", ""), negative=found.get("n", ""), settings=found.get("s", "")
    )


def base_of(request: GenerationRequest, job_id: str | None = None) -> str:
    """What BASE reads."""
    if job_id is not None:
        return job_id
    if not request.init_picture:
        return "-"
    strength = "" if request.strength is None else f"s{round(request.strength * 1000)}"
    return f"i{request.init_picture[:16]}{strength}"


async def refuse(
    interaction: discord.Interaction[EkakiBot],
    error: EkakiError,
    draft: Draft,
    *,
    seen: str,
    saved: str | None = None,
    base: str = "-",
    editable: bool = True,
) -> None:
    """Tell what went wrong, with `draft` and a button that opens it as a form. Never raises on
    Discord's trouble.

    `base`: see `base_of`. `editable` False: no button, as what was given is not kept: an image that
    can't be used.
    """
    words = explain(error, now=interaction.created_at.timestamp())
    embeds = embeds_of(draft)
    if words is None or interaction.client.is_closed():
        return
    if embeds is None:
        await say_privately(interaction, words)
        await give_back(interaction, {"prompt": draft.prompt, "negative": draft.negative})
        return
    shown: dict[str, Any] = {"embeds": embeds}
    if editable and draft.parts:
        tail = "" if saved is None else f":{saved}"
        rest = f"{draft.parts}:{base}:{seen}{tail}"
        edit = discord.ui.Button[discord.ui.View](
            label=text("buttons.edit"), custom_id=f"ekaki:draft:{rest}"
        )
        plain = plain_button(error, without=f"ekaki:plain:{rest}", in_full=f"ekaki:infull:{rest}")
        shown["view"] = view_of([edit] if plain is None else [plain, edit])
    await say_privately(interaction, words, **shown)


def is_of_request(error: EkakiError) -> bool:
    """Whether another prompt or other settings may help against `error`."""
    return isinstance(error, InputError) or error.key.startswith(_OF_REQUEST)


def plain_button(error: EkakiError, *, without: str, in_full: str) -> Button | None:
    """Draws what a LoRA held up without LoRAs, and what was to be a draft in full, by a button with
    one of these `custom_id`s; None where that does not help against `error`."""
    primary = discord.ButtonStyle.primary
    if is_unavailable(error):
        return discord.ui.Button(label=text("buttons.without"), custom_id=without, style=primary)
    if is_no_draft(error):
        return discord.ui.Button(label=text("buttons.infull"), custom_id=in_full, style=primary)
    return None
