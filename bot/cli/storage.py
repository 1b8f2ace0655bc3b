"""`storage`: compares files with rows, with or without a running bot."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bot.cli.shared import Subparsers, load_settings
from bot.common.terminal import note, say

if TYPE_CHECKING:
    from bot.common.storage import Findings, Storage


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "storage",
        help="check, clean or measure stored files",
        description="Compares the files in DATA_DIR with the database, also beside a running bot. "
        "check: exit status 1 if something is amiss. clean: removes files without a row "
        "that are an hour old, and copies of pictures that are gone; rows without a "
        "file are only named, since a backup may bring it back. stats: how much there is.",
    )
    command.add_argument("action", choices=("check", "clean", "stats"))
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the action and print what was found."""
    from data.store.database import DATABASE_NAME, demand_restored
    from pipeline.errors import StorageError

    settings = load_settings(args)
    demand_restored(settings.data_dir)
    path = settings.data_dir / DATABASE_NAME
    if not path.exists():
        raise StorageError("nothing_stored", path=str(settings.data_dir))
    actions: dict[str, Callable[[Storage], Awaitable[int]]] = {
        "check": _check,
        "clean": _clean,
        "stats": _stats,
    }

    async def work() -> int:
        from bot.common.storage import Storage
        from data.store.database import Database

        async with Database.open(path, migrate="new") as database:
            return await actions[args.action](Storage(settings.data_dir, database))

    return asyncio.run(work())


async def _check(storage: "Storage") -> int:
    found = await storage.check()
    _name(found)
    if found.clean:
        say("Every file has its row and every row its file.")
        return 0
    say(
        f"Files without a row: {len(found.without_row)}. Rows without a file: "
        f"{len(found.without_file)}. Copies without a picture: {len(found.copies)}."
    )
    return 1


async def _clean(storage: "Storage") -> int:
    found = await storage.clean()
    _name(found)
    say(
        f"Removed: files: {len(found.without_row)}, copies: {len(found.copies)}. "
        f"Rows without a file: {len(found.without_file)}."
    )
    return 0


def _name(found: "Findings") -> None:
    for folder, content_hash in found.without_row:
        note(f"no row: {folder}/{content_hash[:2]}/{content_hash}.png")
    for folder, content_hash in found.without_file:
        note(f"no file: {folder}/{content_hash[:2]}/{content_hash}.png")
    for path in found.copies:
        note(f"no picture: {path.name}")


async def _stats(storage: "Storage") -> int:
    counts, sizes = await storage.stats()
    say(f"Requests: {counts.jobs:,}. People: {counts.people:,}. Uploads: {counts.uploads:,}.")
    say(
        f"Pictures: {counts.pictures:,}, of them {counts.kept:,} in a gallery, favourites or "
        f"collections. On show: {counts.gallery:,}."
    )
    for name, size in sizes.items():
        say(f"{name}: files: {size.files:,}, {size.size_bytes / 2**20:,.1f} MiB")
    return 0
