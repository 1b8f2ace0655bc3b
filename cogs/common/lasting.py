"""Buttons and menus that never expire: their `custom_id` contains everything."""

import re
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, Self, TypeVar

import discord

from bot.client.client import Interaction
from cogs.common.errors import answer_error
from data.shipped.text import text

ItemT = TypeVar("ItemT", bound=discord.ui.Item[Any])

Button = discord.ui.Button[discord.ui.View]
Select = discord.ui.Select[discord.ui.View]


class Lasting(discord.ui.DynamicItem[ItemT], Generic[ItemT], template="(?!)"):
    """A button or menu, rebuilt from its `custom_id` each time it is used.

    `match` is that of the subclass's `template`. Errors are reported to the person who used it.
    """

    def __init__(self, item: ItemT, match: re.Match[str]) -> None:
        super().__init__(item)
        self.match = match

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(item, match)  # pyright: ignore[reportArgumentType] - Discord sends the same kind

    async def callback(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: Interaction
    ) -> None:
        try:
            await self.act(interaction)
        except Exception as error:  # noqa: BLE001 - discord.py would only log it
            await answer_error(interaction, error)

    @abstractmethod
    async def act(self, interaction: Interaction) -> None:
        """Carry out the action and answer."""


def view_of(items: Iterable[discord.ui.Item[Any]]) -> discord.ui.View:
    """A view that discord.py need not remember: presses are found by their `custom_id`."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def turn(key: str, custom_id: str, *, row: int, usable: bool = True) -> Button:
    """A button that moves through pages or entries; `key`: of its text."""
    return Button(label=text(key), custom_id=custom_id, disabled=not usable, row=row)
