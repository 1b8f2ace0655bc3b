"""`doctor`: checks everything that an operator can get wrong."""

import argparse

from bot.cli.shared import Subparsers
from bot.common.terminal import note, say

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "doctor",
        help="find problems and explain how to fix them",
        description="Check settings, installation, model, database and disk, say how to fix what "
        "is wrong, and print the invite link. Exit status 1 if something fails.",
    )
    command.add_argument(
        "--online",
        action="store_true",
        help="also ask Discord about the token, the intents and the permissions on each server",
    )
    command.add_argument(
        "--upgrade",
        action="store_true",
        help="instead: say what the next start will do to the database, and try that on a copy",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check everything, each check by itself."""
    from bot.common.logs import redact
    from bot.config.reading import SettingsError, read, sources
    from bot.doctor.all import every_check, upgrade_checks
    from bot.doctor.values import Check

    try:
        values = sources(None, args.env_file)
    except SettingsError:  # the check of the file reports it; the others check what is left
        values = sources(None, None)
    settings, errors = read(values)
    secrets = (settings.discord_token, settings.discord_client_secret)
    found: list[Check] = []
    if args.upgrade:
        checks = upgrade_checks(settings, errors)
    else:
        checks = every_check(settings, errors, env_file=args.env_file, online=args.online)
    for check in checks:
        found.append(check)
        say(redact(f"{_MARKS[check.result]}  {check.name}: {check.found}", secrets))
        if check.fix:
            say(redact(f"      -> {check.fix}", secrets))
    failed = sum(check.result == "fail" for check in found)
    warned = sum(check.result == "warn" for check in found)
    note(f"{len(found)} checks: {failed} failed, {warned} to look at.")
    return 1 if failed else 0
