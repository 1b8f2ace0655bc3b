"""`/about` and `/help`: which model draws, under which terms, and how to ask for a picture."""

from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.common.sizes import size_label
from bot.config.settings import Settings
from cogs.common.extension import extension
from cogs.common.lasting import Lasting, Select
from cogs.common.result_buttons import view_of
from cogs.common.words import quoted
from data.shipped.text import text
from pipeline.aspect import BUCKETS
from pipeline.card import EXAMPLE_PROMPTS, MAX_GUIDANCE, MAX_STEPS
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import InputError
from pipeline.model.options import DEFAULT_REPOSITORY

_HELP_ID: Final = "ekaki:help"


class Info(commands.Cog):
    """Information about the bot."""

    @app_commands.command(name="about", description=text("about.description"))
    async def about(self, interaction: Interaction) -> None:
        services = interaction.client.services
        embed = about_embed(services.settings, services.jobs.model)
        await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command(name="help", description=text("help.description"))
    async def help(self, interaction: Interaction) -> None:
        await interaction.response.send_message(
            embed=help_embed(), view=topics_view(), ephemeral=True
        )


def about_embed(settings: Settings, model: ModelDescription | None) -> discord.Embed:
    """Everything that the model's licence requires users to see, and the contact."""
    embed = discord.Embed(title=text("about.title"), description=text("about.summary"))
    if model is None:
        in_use = text("about.loading", repository=quoted(settings.model, 200))
    else:
        in_use = text(
            "about.in_use",
            name=quoted(model.name, 100),
            repository=quoted(model.repository, 200) or text("about.local"),
            revision=quoted(model.revision, 100) or model.hash,
            engine=model.engine,
            provider=model.provider,
            precision=model.precision,
        )
    for key, value in (
        ("model", in_use),
        *_terms(settings, model),
        ("warranty", text("about.warranty_text")),
        ("operator", quoted(settings.operator_contact, 200) or text("about.no_contact")),
        ("source", settings.source_url or text("about.no_source")),
    ):
        embed.add_field(name=text(f"about.{key}"), value=value, inline=False)
    if model is not None and model.notice:
        embed.set_footer(text=model.notice)
    return embed


def _terms(settings: Settings, model: ModelDescription | None) -> list[tuple[str, str]]:
    """Authors and licence: of Animagine we know them, of an operator's own model we do not."""
    if settings.model != DEFAULT_REPOSITORY:
        return [("licence", text("about.other_licence_text"))]
    return [
        ("authors", text("about.authors_text")),
        ("licence", text("about.licence_text")),
        ("modified", text("about.modified_text", precision=model.precision if model else "?")),
        ("prohibited", text("about.prohibited_text")),
    ]


TOPICS: Final = (
    "prompts", "weights", "sizes", "flags", "loras", "pictures", "own", "limits", "privacy",
    "moderation", "model",
)  # fmt: skip
"""Topics of `/help`, in the order of its menu. They are in old messages: never rename one."""


def help_embed(topic: str | None = None) -> discord.Embed:
    """How to ask for a picture: a short card, or one of `TOPICS`."""
    if topic is None:
        summary = text("help.summary", example=EXAMPLE_PROMPTS[0])
        return discord.Embed(title=text("help.title"), description=summary)
    sizes = "\n".join(f"- {size_label(bucket)}" for bucket in BUCKETS)
    said = text(
        f"help.{topic}_text",
        example=EXAMPLE_PROMPTS[0],
        sizes=sizes,
        steps=MAX_STEPS,
        cfg=f"{MAX_GUIDANCE:g}",
    )
    return discord.Embed(title=text(f"help.{topic}"), description=said)


def topics_view(chosen: str | None = None) -> discord.ui.View:
    """The menu under the card."""
    menu: Select = discord.ui.Select(
        custom_id=_HELP_ID,
        placeholder=text("help.menu"),
        options=[
            discord.SelectOption(label=text(f"help.{each}"), value=each, default=each == chosen)
            for each in TOPICS
        ],
    )
    return view_of([menu])


class HelpMenu(Lasting[Select], template=_HELP_ID):
    """Shows a topic in place of the card or of the previous topic."""

    async def act(self, interaction: Interaction) -> None:
        topic = self.item.values[0]
        if topic not in TOPICS:
            raise InputError("button_unknown")
        await interaction.response.edit_message(embed=help_embed(topic), view=topics_view(topic))


setup = extension(lambda _: Info(), HelpMenu)
