"""`setup`: asks for the settings, and offers what has to be downloaded."""

import argparse
import os
from typing import TYPE_CHECKING

from bot.cli.asking import is_terminal
from bot.cli.shared import Subparsers
from bot.common.terminal import note

if TYPE_CHECKING:
    from bot.config.settings import Settings


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "setup",
        help="answer some questions, and have .env written",
        description="Ask for token, model, check of pictures, web page and contact, store each "
        "answer in .env at once, and offer to download and prepare the model. Run again, it "
        "changes single answers.",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask."""
    from pipeline.errors import InputError

    if not is_terminal():
        raise InputError("setup_no_terminal")
    from bot.setup.ask import Terminal
    from bot.setup.flow import Flow

    flow = Flow(
        Terminal(),
        args.env_file,
        environment=os.environ,
        fetch=_fetch,
        fetch_tagger=_fetch_tagger,
        prepare=_prepare,
    )
    try:
        flow.run()
    except KeyboardInterrupt:
        note(f"What you answered is stored in {args.env_file}. Run this again to go on.")
        raise
    return 0


def _fetch(settings: "Settings") -> None:
    from pipeline.fetch import fetch_model

    fetch_model(settings.model, settings.model_revision, settings.models_dir, progress=note)


def _fetch_tagger(settings: "Settings") -> None:
    from pipeline.fetch import fetch_tagger

    fetch_tagger(settings.models_dir, progress=note)


def _prepare(settings: "Settings") -> None:
    from bot.cli.prepare import prepare
    from bot.config.engine_options import engine_options

    if settings.model_variant != "source":
        prepare(engine_options(settings), settings.model_variant)
