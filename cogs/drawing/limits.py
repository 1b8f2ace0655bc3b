"""`/limits`: what a person may still make, shown only to them."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.jobs.accept.limits import ServerLimits, UserLimits, Window
from cogs.common.extension import extension
from cogs.common.places import role_ids_of
from cogs.common.words import moment, sentences
from data.shipped.text import text
from pipeline.rework import MAX_FACES


class LimitsCog(commands.Cog, name="Limits"):
    """A person's own limits."""

    @app_commands.command(name="limits", description=text("limits.description"))
    async def limits(self, interaction: discord.Interaction[EkakiBot]) -> None:
        services = interaction.client.services
        own = await services.jobs.limits_of(
            user_id=interaction.user.id,
            guild_id=interaction.guild_id,
            role_ids=role_ids_of(interaction),
        )
        await interaction.response.send_message(
            embed=limits_embed(own, now=services.clock.time()), ephemeral=True
        )


def limits_embed(own: UserLimits, *, now: float) -> discord.Embed:
    """The windows and the waiting jobs of one person."""
    said = [text("limits.given_back")]
    if own.balanced is not None:
        said.append(text("limits.balanced", pictures=f"{own.balanced:g}"))
    if own.draft is not None:
        said.append(text("limits.draft", pictures=f"{own.draft:g}"))
    if own.face is not None:
        said.append(text("limits.face", pictures=f"{own.face:g}", most=MAX_FACES))
    embed = discord.Embed(title=text("limits.title"), description="\n".join(said))
    embed.add_field(name=text("limits.hour"), value=_window(own.hour, now=now), inline=False)
    embed.add_field(name=text("limits.day"), value=_window(own.day, now=now), inline=False)
    waiting = (
        text("limits.waiting_of", waiting=own.waiting, limit=own.waiting_limit)
        if own.waiting_limit
        else text("limits.waiting_free", waiting=own.waiting)
    )
    embed.add_field(name=text("limits.waiting"), value=waiting, inline=False)
    if own.granted:
        more = text("limits.granted_overall", pictures=own.granted)
        embed.add_field(name=text("limits.extra"), value=more, inline=False)
    if own.here is not None:
        embed.add_field(name=text("limits.here"), value=_here(own.here, now=now), inline=False)
    return embed


def _here(here: ServerLimits, *, now: float) -> str:
    """The limits that this server's moderators set, one line each."""
    lines = [
        f"{text(f'limits.{name}')}: {_server_window(window, now=now)}"
        for name, window in (("hour", here.hour), ("day", here.day), ("upscales", here.upscales))
        if window is not None
    ]
    if here.waiting_limit is not None:
        said = text("limits.waiting_of", waiting=here.waiting, limit=here.waiting_limit)
        lines.append(f"{text('limits.waiting')}: {said}")
    if here.granted:
        lines.append(text("limits.granted", pictures=here.granted))
    return "\n".join(lines)


def _server_window(window: Window, *, now: float) -> str:
    """A window of a server: 0 is none at all."""
    return text("limits.none") if window.limit == 0 else _window(window, now=now)


def _window(window: Window, *, now: float) -> str:
    if window.limit == 0:
        return text("limits.free", used=window.used)
    line = text("limits.used", used=window.used, limit=window.limit)
    if window.frees_in_s > 0:
        line = sentences(line, text("limits.next", when=moment(now + window.frees_in_s)))
    return line


setup = extension(lambda _: LimitsCog())
