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
    from bot.cli.offering import at_start
    from pipeline.disk import at

    at_start(settings)
    load = app.engine_loaders(settings)  # before the event loop: it may import torch
    with at(settings.data_dir), login_errors():
        status = asyncio.run(app.run(settings, load=load))
    leave_engine(status)
    return status


def leave_engine(status: int) -> None:
    """End here and now if the engine's thread is in the middle of a long step or of loading a
    model: Python would wait for it, while everything is stored and told."""
    import logging
    import os
    import sys
    import threading

    from bot.worker import THREAD_NAME

    if any(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
