"""Turns Discord's refusals at the start into our errors."""

from collections.abc import Generator
from contextlib import contextmanager

from bot.config.reading import SettingsError

_ABOUT_SHARDS = frozenset({4010, 4011})  # invalid shard, sharding required


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
    except discord.ConnectionClosed as error:
        if error.code not in _ABOUT_SHARDS:
            raise
        raise SettingsError("shards_rejected", code=error.code) from error
    except (aiohttp.ClientConnectionError, discord.GatewayNotFound) as error:
        raise SettingsError("discord_unreachable") from error
