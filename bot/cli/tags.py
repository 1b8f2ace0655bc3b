"""`tags import`: a bigger vocabulary of tags."""

import argparse
from pathlib import Path

from bot.cli.shared import Subparsers, load_settings
from bot.common.terminal import note, say


def add(subparsers: Subparsers) -> None:
    """Add the command and its subcommand."""
    group = subparsers.add_parser("tags", help="the vocabulary of tags")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    command = actions.add_parser(
        "import",
        help="import a list of tags",
        description="Import a CSV list of Danbooru tags, as the A1111 extension tagcomplete ships "
        "it or as hanatsumi publishes it. It replaces a list that was imported before.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the CSV file")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Import the file."""
    settings = load_settings(args)

    from data.shipped.vocabularies import import_vocabulary

    report = import_vocabulary(args.file, settings.data_dir)
    word = "tag" if report.tags == 1 else "tags"
    say(f"{report.tags:,} {word} imported. A running bot uses them after a restart.")
    if report.skipped:
        lines = "line was" if report.skipped == 1 else "lines were"
        note(
            f"{report.skipped:,} {lines} left out; the first is line {report.skipped_line}: "
            f"{report.skipped_reason}."
        )
    return 0
