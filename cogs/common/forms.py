"""Forms that report errors to their sender and lose nothing that was typed."""

import logging
from collections.abc import Mapping
from typing import Any, cast

import discord

from bot.client.client import Interaction
from cogs.common.errors import UNREACHABLE, answer_error
from cogs.common.messages import Attachment
from cogs.common.words import code_block

_log = logging.getLogger(__name__)

_HOUR_S = 3600.0  # discord.py forgets a form that is open for longer
_MAX_MESSAGE = 1900  # characters: Discord's 2000, less the words around


class Form(discord.ui.Modal):
    """One of our forms, open for an hour."""

    def __init__(self, title: str, *, timeout: float = _HOUR_S) -> None:
        super().__init__(title=title, timeout=timeout)

    def ask(
        self, label: str, custom_id: str, *, about: str | None = None, **options: Any
    ) -> "discord.ui.TextInput[Any]":
        """Add a field; `about` is shown below its label. `options`: of `discord.ui.TextInput`."""
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(custom_id=custom_id, **options)
        self.add_item(discord.ui.Label(text=label, description=about, component=field))
        return field

    async def on_submit(self, interaction: Interaction, /) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        """Handle what was typed."""
        raise NotImplementedError

    async def on_error(self, interaction: Interaction, error: Exception, /) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        await answer_error(interaction, error)


def typed_values(interaction: Interaction) -> dict[str, str]:
    """The values of a sent form, by `custom_id`."""
    data = cast("dict[str, Any]", interaction.data or {})
    found: dict[str, str] = {}
    rows: list[dict[str, Any]] = data.get("components", [])
    for row in rows:
        inside: list[dict[str, Any]] = [*row.get("components", []), row.get("component") or {}]
        for field in inside:
            if isinstance(field.get("value"), str):
                found[str(field.get("custom_id"))] = field["value"]
    return found


def chosen_values(interaction: Interaction) -> dict[str, list[str]]:
    """What was chosen in the menus of a sent form, by `custom_id`."""
    data = cast("dict[str, Any]", interaction.data or {})
    rows: list[dict[str, Any]] = data.get("components", [])
    fields: list[dict[str, Any]] = [row.get("component") or {} for row in rows]
    return {
        str(field.get("custom_id")): list(map(str, cast("list[Any]", field["values"])))
        for field in fields
        if isinstance(field.get("values"), list)
    }


def custom_id_of(interaction: Interaction) -> str:
    """The id of the button or form that `interaction` comes from; "" for another kind."""
    data = cast("dict[str, Any]", interaction.data or {})
    return str(data.get("custom_id", ""))


async def give_back(interaction: Interaction, values: Mapping[str, str], words: str = "") -> None:
    """Send a person what they typed, to copy, because Discord closes the form anyway."""
    typed = "\n\n".join(value for value in values.values() if value)
    if not typed:
        return
    message = words + code_block(typed)
    file = Attachment(name="text.txt", content=typed.encode(), description="").file()
    extra: dict[str, Any] = {"content": message}
    if len(message) > _MAX_MESSAGE:
        extra = {"content": words, "file": file}
    try:
        if interaction.response.is_done():
            await interaction.followup.send(**extra, ephemeral=True)
        else:
            await interaction.response.send_message(**extra, ephemeral=True)
    except UNREACHABLE as error:
        _log.warning("A typed text could not be given back: %s", type(error).__name__)
