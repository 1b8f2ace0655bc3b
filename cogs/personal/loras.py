"""`/lora`: the LoRAs that can be chosen here, as cards."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.loras.library import LoraEntry
from bot.loras.names import key_of
from cogs.common.answers import begin, show
from cogs.common.extension import extension
from cogs.common.lasting import Button, Lasting
from cogs.common.messages import Attachment
from cogs.common.places import asker_of
from cogs.personal.lora_cards import PAGE_ID, USE_ID, card, page_within
from cogs.personal.presets import own_loras
from cogs.pictures.remix_form import typed_form
from data.shipped.text import text
from pipeline.errors import RefusedError
from pipeline.lora.typed import parse_loras, strength_text
from pipeline.request import GenerationRequest
from pipeline.tags.labels import meant

_log = logging.getLogger(__name__)

_MAX_PREVIEW: Final = 8 * 2**20  # bytes; Discord takes 10 MiB


class LorasCog(commands.Cog, name="Loras"):
    """The command."""

    @app_commands.command(name="lora", description=text("loras.description"))
    @app_commands.describe(name=text("loras.option_name"))
    async def lora(self, interaction: Interaction, name: str | None = None) -> None:
        await begin(interaction)
        page = 0
        if name is not None:
            typed = parse_loras(meant(name))
            choice = await interaction.client.services.lora_choices.choice(asker_of(interaction))
            keys = [key_of(entry.name) for entry in choice.shown]
            key = key_of(typed[0].name) if typed else ""
            if key not in keys:
                raise RefusedError("lora_unknown", name=name[:60].replace("`", "'"))
            page = keys.index(key)
        await _show_page(interaction, page)

    lora.autocomplete("name")(own_loras)


async def _show_page(interaction: Interaction, page: int) -> None:
    """Put a card into the answer, which is this person's alone."""
    choice = await interaction.client.services.lora_choices.choice(asker_of(interaction))
    entry = choice.shown[page_within(choice, page)] if choice.shown else None
    preview = None if entry is None else await _preview(entry)
    message = card(choice, page, guild_id=interaction.guild_id, preview=preview)
    await show(interaction, message)


async def _preview(entry: LoraEntry) -> Attachment | None:
    """The picture of a card; None if there is none that can be sent."""
    if entry.preview is None:
        return None
    try:
        content = await asyncio.to_thread(_read, entry.preview)
    except OSError as error:
        _log.warning("The preview of the LoRA %r can't be read: %s", entry.name, error)
        return None
    if not content:
        return None
    alt = text("loras.alt", name=entry.name)
    return Attachment(name=f"preview{entry.preview.suffix}", content=content, description=alt)


def _read(path: Path) -> bytes:
    """The file; nothing of one that is too large to be sent."""
    with path.open("rb") as file:
        content = file.read(_MAX_PREVIEW + 1)
    return content if len(content) <= _MAX_PREVIEW else b""


class CardButton(Lasting[Button], template=rf"{PAGE_ID}:[pn]:(?P<page>\d{{1,6}})"):
    """Goes to another card."""

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        await _show_page(interaction, int(self.match["page"]))


class UseButton(Lasting[Button], template=rf"{USE_ID}:(?P<name>.{{1,60}})"):
    """Opens the form with the LoRA of the card."""

    async def act(self, interaction: Interaction) -> None:
        entry = interaction.client.services.loras.get(self.match["name"])
        if entry is None:
            raise RefusedError("lora_gone", name=self.match["name"])
        request = GenerationRequest(lora=f"{entry.name}:{strength_text(entry.strength)}")
        await interaction.response.send_modal(typed_form(request))


setup = extension(lambda _: LorasCog(), CardButton, UseButton)
