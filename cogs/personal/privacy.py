"""`/privacy`: export or permanently delete everything that is stored about a person."""

import io

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from cogs.common.extension import extension
from cogs.common.lasting import Button, Lasting, view_of
from cogs.common.words import size
from cogs.personal.zip_files import ROOM_BYTES, send_zips
from data.shipped.text import text
from pipeline.errors import RefusedError


class Privacy(
    commands.GroupCog, group_name="privacy", group_description=text("privacy.description")
):
    """A person's data."""

    @app_commands.command(name="export", description=text("privacy.export"))
    async def export(self, interaction: Interaction) -> None:
        await interaction.response.send_message(text("privacy.exporting"), ephemeral=True)
        await send_export(interaction, limit=max(1, interaction.filesize_limit - ROOM_BYTES))

    @app_commands.command(name="delete", description=text("privacy.delete"))
    async def delete(self, interaction: Interaction) -> None:
        await interaction.response.send_message(
            embed=_question(interaction),
            view=_answers(interaction.user.id),
            ephemeral=True,
        )


async def send_export(interaction: Interaction, *, limit: int) -> None:
    """Send the ZIPs one by one, then the names of files that don't fit, then a summary."""
    people = interaction.client.services.people
    parts = people.export_parts(interaction.user.id, part_bytes=limit)
    sent, unsent = await send_zips(interaction, parts, name="ekaki-export", limit=limit)
    left_out = [name for names in unsent for name in names]
    if left_out:
        names = discord.File(io.BytesIO("\n".join(left_out).encode()), filename="left-out.txt")
        words = text("privacy.left_out", files=len(left_out), limit=size(limit))
        await interaction.followup.send(words, file=names, ephemeral=True)
    await interaction.edit_original_response(content=_end_of_export(sent, left_out))


def _end_of_export(sent: int, left_out: list[str]) -> str:
    if sent == 0:
        return text("privacy.nothing_fits")
    if left_out:
        return text("privacy.exported_partly", files=sent)
    return text("privacy.exported" if sent == 1 else "privacy.exported_files", files=sent)


def _question(interaction: Interaction) -> discord.Embed:
    days = interaction.client.services.settings.backup_days
    backups = text("privacy.backups", days=days) if days else text("privacy.backups_unlimited")
    return discord.Embed(
        title=text("privacy.question_title"),
        description="\n\n".join((text("privacy.question"), backups)),
    )


def _answers(user_id: int) -> discord.ui.View:
    answers = {"delete": discord.ButtonStyle.danger, "keep": discord.ButtonStyle.secondary}
    return view_of(
        Button(
            label=text(f"privacy.button_{answer}"),
            style=style,
            custom_id=f"ekaki:privacy:{answer}:{user_id}",
        )
        for answer, style in answers.items()
    )


class AnswerButton(
    Lasting[Button],
    template=r"ekaki:privacy:(?P<answer>delete|keep):(?P<user_id>\d{1,20})",
):
    """Confirms or cancels the removal, for the person it is about."""

    async def act(self, interaction: Interaction) -> None:
        user_id = int(self.match["user_id"])
        if interaction.user.id != user_id:
            raise RefusedError("not_allowed")
        if self.match["answer"] == "keep":
            await _say(interaction, "privacy.kept")
            return
        await _say(interaction, "privacy.deleting")  # without buttons: it happens once
        try:
            await interaction.client.services.people.forget(user_id)
        except Exception:  # such as a locked database: it can be tried again
            await interaction.edit_original_response(
                embed=_question(interaction), view=_answers(user_id)
            )
            raise
        await interaction.edit_original_response(
            embed=discord.Embed(description=text("privacy.deleted"))
        )


async def _say(interaction: Interaction, key: str) -> None:
    """Replace the question."""
    await interaction.response.edit_message(embed=discord.Embed(description=text(key)), view=None)


setup = extension(lambda _: Privacy(), AnswerButton)
