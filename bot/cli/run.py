"""`run`: the bot."""

import argparse
from collections.abc import Callable

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

    def run_bot() -> int:
        with at(settings.data_dir), login_errors():
            return asyncio.run(app.run(settings, load=load))

    return status_of(run_bot)


def status_of(run_bot: Callable[[], int]) -> int:
    """The exit status of `run_bot`. If it leaves a thread behind, the process exits here, even
    after an error: an engine that hangs would otherwise keep Python from exiting and the bot from
    being restarted."""
    try:
        status = run_bot()
    except Exception as error:
        if not is_anything_left():
            raise
        from bot.cli.failing import failed

        status = failed(error)
    leave_engine(status)
    return status


def leave_engine(status: int) -> None:
    """Exit immediately if the engine's thread is in the middle of a long step or of loading a
    model: Python would wait for it, although everything is stored and reported."""
    import logging
    import os
    import sys
    from contextlib import suppress

    if is_anything_left():
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                if stream is not None:  # it was closed before we started
                    stream.flush()
        os._exit(status)


def is_anything_left() -> bool:
    """Whether the thread of an engine, a tagger or a backup still runs."""
    import threading

    from bot.backup import schedule
    from bot.jobs.draw import worker
    from bot.jobs.keep import output_check

    names = (worker.THREAD_NAME, output_check.THREAD_NAME, schedule.THREAD_NAME)
    return any(thread.name.startswith(names) for thread in threading.enumerate())
