"""Bounds what the simulated Discord keeps, and saves it with the bot's state at a quiet moment."""

import pickle
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import World
from tests.chaos.stage import DATABASE
from tests.support.simulator import Loopback

KEPT_MESSAGES: Final = 1500
"""Of the latest ones; older ones scroll out of everybody's sight, but for those with stars and
those in the gallery."""
_TABLES: Final = (
    "users", "guilds", "channels", "messages", "interactions", "commands", "offset_s", "secret",
    "_last_id",
)  # fmt: skip
_FOLDERS: Final = ("pictures", "uploads", "withheld")


def forget_old(loopback: Loopback) -> None:
    """Keep what somebody may still use. Nothing waits for an answer."""
    world = loopback.world
    messages = world.messages
    kept = {
        each.id: each
        for number, each in enumerate(reversed(messages.values()))
        if number < KEPT_MESSAGES or each.reactions or each.channel_id == IDS.gallery
    }
    world.messages = {each: kept[each] for each in sorted(kept)}
    named = {each.interaction_id for each in world.messages.values()}
    world.interactions = {
        key: each
        for number, (key, each) in enumerate(reversed(world.interactions.items()))
        if number < KEPT_MESSAGES or key in named
    }
    world.interactions = dict(sorted(world.interactions.items()))
    loopback.log.entries.clear()
    loopback.feed.events.clear()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with what a run goes on from: the bot's state, Discord, and our notes."""

    folder: Path

    @property
    def exists(self) -> bool:
        return (self.folder / "notes").exists()

    def save(self, state: Path, world: World, notes: Any) -> None:
        """The bot may run, if nothing happens at the moment. Takes the place of the last one."""
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        copy_state(state, fresh / "state", link=True)
        saved = {name: getattr(world, name) for name in _TABLES}
        (fresh / "world").write_bytes(pickle.dumps(saved))
        (fresh / "notes").write_bytes(pickle.dumps(notes))
        shutil.rmtree(self.folder, ignore_errors=True)
        fresh.rename(self.folder)

    def load(self, state: Path, make_world: Callable[[], World]) -> tuple[World, Any]:
        """Put the state back; Discord and our notes."""
        shutil.rmtree(state, ignore_errors=True)
        copy_state(self.folder / "state", state, link=True)
        world = make_world()
        for name, value in pickle.loads((self.folder / "world").read_bytes()).items():
            setattr(world, name, value)
        return world, pickle.loads((self.folder / "notes").read_bytes())


def copy_state(source: Path, target: Path, *, link: bool) -> None:
    """Files by their hash never change: `link` shares them."""
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.is_dir():
            shared = link and path.name in _FOLDERS
            copy = _link if shared else shutil.copy2
            shutil.copytree(path, target / path.name, copy_function=copy, dirs_exist_ok=True)
        elif not path.name.startswith(DATABASE):
            shutil.copy2(path, target / path.name)
    with (
        closing(sqlite3.connect(source / DATABASE)) as original,
        closing(sqlite3.connect(target / DATABASE)) as copied,
    ):
        original.backup(copied)


def _link(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except FileNotFoundError:
        return  # just removed
