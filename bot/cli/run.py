"""`run`: the bot."""

import argparse

from bot.cli.shared import Subparsers, load_settings, require_token


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "run",
        help="run the bot",
        description="Run the bot until Ctrl-C or SIGTERM. Open jobs go on at the next start.",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until stopped."""
    settings = load_settings(args)
    require_token(settings)

    import asyncio

    from bot.doctor.runtimes import check_single_runtime

    check_single_runtime()

    from bot import app
    from bot.cli.login import login_errors

    load = app.engine_loader(settings)  # before the event loop: it may import torch
    with login_errors():
        return asyncio.run(app.run(settings, load=load))
