"""The function that discord.py calls when it loads one of our modules."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from cogs.common import errors


def extension(
    cog: Callable[[EkakiBot], commands.Cog], *items: type[discord.ui.DynamicItem[Any]]
) -> Callable[[EkakiBot], Awaitable[None]]:
    """A module's `setup`: it adds a cog, and the buttons and menus of its messages."""

    async def setup(bot: EkakiBot) -> None:
        errors.install(bot)
        bot.add_dynamic_items(*items)
        await bot.add_cog(cog(bot))

    return setup
