"""`web`: the gallery's page, in its own process."""

import argparse
import asyncio

from bot.cli.shared import Subparsers, load_settings, require_token


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "web",
        help="serve the gallery's page in a separate process",
        description="Serve the gallery's web page at WEB_ADDRESS over the bot's database, beside a "
        "bot that has no WEB_ADDRESS. It writes nothing but who is signed in. With "
        "DISCORD_CLIENT_SECRET it asks Discord, with the bot's token, who may see what.",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from bot.config.reading import SettingsError

    settings = load_settings(args)
    if not settings.web_address:
        raise SettingsError("web_address_missing")
    if settings.discord_client_secret:
        require_token(settings)

    from bot.cli.login import login_errors
    from bot.web.alone import serve_alone

    with login_errors():
        return asyncio.run(serve_alone(settings))
