"""Buttons and forms without a handler: of another version, or open while the bot restarted."""

import asyncio

import discord

from bot.client.client import Interaction
from cogs.common.errors import answer_error
from cogs.common.forms import give_back, typed_values
from data.shipped.text import text
from pipeline.errors import InputError

ORPHAN_AFTER_S = 2.0
"""Every handler has answered by then, at least by a defer (`cogs.drawing.submission.UNDECIDED_S`);
Discord gives up after 3 s."""


async def answer_orphan(interaction: Interaction) -> None:
    """Wait for another handler's answer; without one, say so and return what was typed."""
    await asyncio.sleep(ORPHAN_AFTER_S)
    if interaction.response.is_done() or interaction.client.is_closed():
        return
    if interaction.type is discord.InteractionType.modal_submit:
        values = typed_values(interaction)
        await give_back(interaction, values, text("results.form_lost"))
    if not interaction.response.is_done():
        await answer_error(interaction, InputError("button_unknown"))
