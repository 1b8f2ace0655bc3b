"""`demo`: the real bot on a loopback Discord, with the small model that comes with it."""

import argparse
from pathlib import Path

from bot.cli.shared import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "demo",
        help="show one /imagine without token or download",
        description="Start the bot on a Discord of its own on this machine, send the model card's "
        "example as /imagine, and keep the picture and what a member saw.",
    )
    command.add_argument(
        "--out", type=Path, default=Path("demo"), metavar="FOLDER", help="default: demo"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    from bot.playground.transcript import main

    return main(args.out)
