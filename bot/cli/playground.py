"""`playground`: a page that behaves like Discord, with the real bot on it."""

import argparse
from pathlib import Path

from bot.cli.shared import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "playground",
        help="try the bot in the browser, without a token",
        description="Serve a page that behaves like Discord and run the real bot on it. Messages "
        "and pictures are kept in a folder of their own.",
    )
    command.add_argument("--port", type=int, default=8080, help="default: 8080; 0: any free one")
    command.add_argument(
        "--host", default="127.0.0.1", help="address to bind; default: this machine only"
    )
    command.add_argument("--model", default="demo", help="as MODEL of the settings; default: demo")
    command.add_argument(
        "--folder", type=Path, default=Path("demo"), help="what is kept; default: demo"
    )
    command.add_argument(
        "--empty",
        action="store_true",
        help="begin without the pictures of Alice and Bob, which the demo model draws at first",
    )
    command.add_argument("--open", action="store_true", help="open the page in the browser")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until stopped."""
    import webbrowser

    from bot.common import logs
    from bot.config.kinds import SHIPPED_MODEL
    from bot.playground.page.filling import pieces
    from bot.playground.page.start import Playground
    from bot.playground.page.start import run as serve

    logs.set_up("WARNING", ())
    return serve(
        Playground(
            folder=args.folder,
            model=args.model,
            host=args.host,
            port=args.port,
            opened=webbrowser.open if args.open else str,
            # They are chosen for this model; another may need minutes for each.
            wanted=() if args.empty or args.model != SHIPPED_MODEL else pieces(),
        )
    )
