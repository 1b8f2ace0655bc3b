"""What several commands need."""

import argparse
from typing import TypeAlias

from bot.config.reading import DOTENV, SettingsError, load
from bot.config.settings import Settings

# argparse has no public name for what `add_subparsers` returns.
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


def load_settings(args: argparse.Namespace, *, log: bool = True) -> Settings:
    """The settings; logging is set up with them."""
    from bot.common import logs

    if args.env_file != DOTENV and not args.env_file.exists():
        raise SettingsError("settings_missing", name=str(args.env_file))
    settings = load(dotenv=args.env_file)
    if log:
        logs.set_up(
            settings.log_level,
            (settings.discord_token, settings.discord_client_secret, settings.hosts_token),
            form=settings.log_format,
        )
    return settings


def require_token(settings: Settings) -> None:
    """SettingsError if there is no token."""
    if not settings.discord_token:
        raise SettingsError("token_missing")
