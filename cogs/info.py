"""`/about` and `/help`: what draws here, under which terms, and how to ask for a picture."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.config.settings import Settings
from cogs.common.extension import extension
from cogs.common.words import quoted
from data.shipped.text import text
from pipeline.aspect import BUCKETS
from pipeline.card import EXAMPLE_PROMPTS, MAX_GUIDANCE, MAX_STEPS
from pipeline.engine.protocol import ModelDescription
from pipeline.model.options import DEFAULT_REPOSITORY


class Info(commands.Cog):
    """Texts for those who want to know."""

    @app_commands.command(name="about", description=text("about.description"))
    async def about(self, interaction: Interaction) -> None:
        services = interaction.client.services
        embed = about_embed(services.settings, services.jobs.model)
        await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command(name="help", description=text("help.description"))
    async def help(self, interaction: Interaction) -> None:
        await interaction.response.send_message(embed=help_embed(), ephemeral=True)


def about_embed(settings: Settings, model: ModelDescription | None) -> discord.Embed:
    """Everything that the model's licence wants users to see, and whom to ask."""
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


def help_embed() -> discord.Embed:
    """How to ask for a picture."""
    embed = discord.Embed(title=text("help.title"), description=text("help.summary"))
    sizes = ", ".join(f"{bucket.ratio} {bucket.name}" for bucket in BUCKETS)
    for key, value in (
        ("prompts", text("help.prompts_text", example=EXAMPLE_PROMPTS[0])),
        ("weights", text("help.weights_text")),
        ("sizes", text("help.sizes_text", sizes=sizes)),
        ("flags", text("help.flags_text", steps=MAX_STEPS, cfg=f"{MAX_GUIDANCE:g}")),
        ("pictures", text("help.pictures_text")),
        ("own", text("help.own_text")),
        ("limits", text("help.limits_text")),
        ("privacy", text("help.privacy_text")),
        ("moderation", text("help.moderation_text")),
        ("model", text("help.model_text")),
    ):
        embed.add_field(name=text(f"help.{key}"), value=value, inline=False)
    return embed


setup = extension(lambda _: Info())
