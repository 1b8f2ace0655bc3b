"""Sends ZIP files in the answer to a command."""

import io
import zipfile
from collections.abc import AsyncIterable
from typing import Final

import discord

from bot.client.client import Interaction

ROOM_BYTES: Final = 64 * 1024  # of the limit, for the rest of the request
MAX_PARTS: Final = 20
"""Messages of one answer: a token is valid for 15 minutes, and nobody wants a hundred files."""


async def send_zips(
    interaction: Interaction, parts: AsyncIterable[bytes], *, name: str, limit: int
) -> tuple[int, list[list[str]]]:
    """Send the files one by one as `name-1.zip` and so on. Returns how many were sent, and the
    names of the files in each of the others."""
    sent, left_out = 0, list[list[str]]()
    async for part in parts:
        if len(part) > limit or sent == MAX_PARTS:
            with zipfile.ZipFile(io.BytesIO(part)) as archive:
                left_out.append(archive.namelist())
            continue
        sent += 1
        file = discord.File(io.BytesIO(part), filename=f"{name}-{sent}.zip")
        if sent == 1:
            await interaction.edit_original_response(attachments=[file])
        else:
            await interaction.followup.send(file=file, ephemeral=True)
    return sent, left_out
