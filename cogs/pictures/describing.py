"""The message about a described picture: its tags, and four prompts with buttons that draw them.

The message holds the prompts themselves, so nothing is stored and its buttons never expire. Only
the person who asked sees it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import discord

from bot.client.client import Interaction
from bot.library.descriptions import Description
from cogs.common.lasting import Button, Lasting, view_of
from cogs.common.messages import Outgoing
from cogs.common.words import code_block, harmless, quoted
from cogs.drawing.submission import submit
from cogs.pictures.remix_form import remix_form
from data.shipped.text import text
from pipeline.errors import InputError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from pipeline.resolve import readable
from pipeline.tags.described import Variant

KINDS: Final = ("whole", "who", "scene", "mixed")
"""What the four prompts are, in the order of `pipeline.tags.described.variants`."""

_MAX_FIELD: Final = 1000  # characters: a field of an embed holds 1024
_OPEN, _CLOSE = "```\n", "\n```"


def described_message(made: Description, *, private: bool) -> Outgoing:
    """The answer to `/describe`. `private`: pictures drawn from it are shown to nobody else."""
    seen = made.seen
    embed = discord.Embed(title=text("describing.title"), description=text("describing.summary"))
    for key, value in (
        ("characters", _scored(seen.characters)),
        ("series", ", ".join(quoted(each, 60) for each in seen.series)[:_MAX_FIELD]),
        ("rating", f"`{seen.rating.label}`"),
        ("tags", _scored((*seen.subjects, *seen.general))),
    ):
        if value:
            embed.add_field(name=text(f"describing.{key}"), value=value, inline=key != "tags")
    prompts = [
        discord.Embed(
            title=f"{number}. {text(f'describing.{kind}')}",
            description=code_block(_prompt(variant, made)),
        )
        for number, (kind, variant) in enumerate(zip(KINDS, made.variants, strict=True), 1)
    ]
    return Outgoing(embeds=(embed, *prompts), view=_view(private=private))


def _scored(tags: Iterable[tuple[str, float]]) -> str:
    """`1girl 99%, smile 87%`, as many as fit."""
    shown = ""
    for name, score in tags:
        said = f"{harmless(name)} {score:.0%}"
        longer = f"{shown}, {said}" if shown else said
        if len(longer) > _MAX_FIELD:
            break
        shown = longer
    return shown


def _prompt(variant: Variant, made: Description) -> str:
    """The prompt with its settings as flags, as anybody could type it."""
    flags = ["--ar", made.aspect]
    if made.seen.rating > Rating.SAFE:
        flags += ["--rating", made.seen.rating.label]
    if variant.style is not None:
        flags += ["--style", variant.style.value]
    return " ".join((variant.prompt, *flags))


def _view(*, private: bool) -> discord.ui.View:
    seen = "private" if private else "public"
    numbers = [
        Button(
            label=str(number),
            style=discord.ButtonStyle.primary,
            custom_id=f"ekaki:describe:{number}:{seen}",
            row=0,
        )
        for number in range(1, len(KINDS) + 1)
    ]
    form = Button(label=text("describing.form"), custom_id=f"ekaki:describe:form:{seen}", row=1)
    return view_of([*numbers, form])


class DescribeButton(
    Lasting[Button],
    template=re.compile(r"ekaki:describe:(?P<what>[1-4]|form):(?P<seen>public|private)"),
):
    """Draws one of the four prompts, or opens the first as a form."""

    async def act(self, interaction: Interaction) -> None:
        form = self.match["what"] == "form"
        number = 1 if form else int(self.match["what"])
        request = _request(interaction, number, private=self.match["seen"] == "private")
        if form:
            title = text("describing.form_title")
            await interaction.response.send_modal(remix_form(request, title=title))
            return
        await submit(interaction, request)


def _request(interaction: Interaction, number: int, *, private: bool) -> GenerationRequest:
    """What prompt `number` of the message asks for."""
    embeds: Sequence[discord.Embed] = []
    if interaction.message is not None:
        embeds = interaction.message.embeds
    if len(embeds) <= number:
        raise InputError("button_unknown")
    shown = embeds[number].description or ""
    prompt = shown.removeprefix(_OPEN).removesuffix(_CLOSE)
    return readable(GenerationRequest(prompt=prompt, private=private))
