"""`host`: lend this machine to a bot on another one."""

import argparse

from bot.cli.shared import Subparsers, load_settings


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "host",
        help="draw for a bot on another machine",
        description="Join the bot at HOSTS_ADDRESS (its HOSTS must be ray or both) and draw what "
        "it sends, with the model and devices of this machine's settings, until Ctrl-C or SIGTERM. "
        "The running picture is finished first. Needs: pip install '.[ray]'.",
    )
    command.add_argument(
        "--join",
        metavar="HOST:PORT",
        type=_address,
        help="where the bot's machine listens (default: HOSTS_ADDRESS)",
    )
    command.add_argument(
        "--name", default="", help="how this machine is called (default: its host name)"
    )
    command.add_argument(
        "--i-know",
        action="store_true",
        help="join over a public address although nothing is encrypted",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from bot.hosts.host import serve

    settings = load_settings(args)
    address = args.join or settings.hosts_address
    return serve(settings, address=address, name=args.name, public=args.i_know)


def _address(typed: str) -> str:
    from bot.config.kinds import reachable

    try:
        return str(reachable.parse(typed))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{typed!r} is not {reachable.allowed}") from None
