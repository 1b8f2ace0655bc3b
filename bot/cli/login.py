"""Turns Discord's answer to a wrong token into one of our errors."""

from collections.abc import Generator
from contextlib import contextmanager

from bot.config.reading import SettingsError


@contextmanager
def login_errors() -> Generator[None]:
    """Turn discord.py's errors of logging in into SettingsError. Import after settings are read."""
    import aiohttp
    import discord

    try:
        yield
    except discord.LoginFailure as error:
        raise SettingsError("token_refused") from error
    except discord.PrivilegedIntentsRequired as error:
        raise SettingsError("intents_refused") from error
    except aiohttp.ClientConnectionError as error:
        raise SettingsError("discord_unreachable") from error
