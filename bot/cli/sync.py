"""`sync`: send the slash commands to Discord."""

import argparse

from bot.cli.shared import Subparsers, load_settings, require_token
from bot.common.terminal import say


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "sync",
        help="send the slash commands to Discord",
        description="Send the slash commands to Discord, changed or not. `run` does it when they "
        "changed, unless SYNC_COMMANDS is never.",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sync once."""
    settings = load_settings(args)
    require_token(settings)

    import asyncio

    from bot import app
    from bot.cli.login import login_errors

    with login_errors():
        count = asyncio.run(app.sync(settings))
    say(f"Commands sent to Discord: {count}.")
    return 0
