"""Composes the playground: the page's server, the simulated world from its folder, the real bot."""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot import app
from bot.backup.opening import prepare_folder
from bot.common.secret import Secret
from bot.common.terminal import note, say
from bot.config.engine_options import engine_options
from bot.config.kinds import SHIPPED_MODEL
from bot.config.settings import Settings
from bot.playground.page.filling import Piece, fill
from bot.playground.page.page import PORTS_TRIED, Page
from bot.playground.page.serving import Serving
from bot.playground.page.styles import add_styles
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.server import HOST
from bot.playground.simulator.state import StateUnreadable, load_world
from bot.playground.simulator.world import World
from data.store.lock import only_one
from pipeline.disk import at
from pipeline.engine.protocol import Engine
from pipeline.errors import StorageError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import model_path

PORT = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Playground:
    """What to start. `model` as in the settings; `load` makes the engine instead of it (tests);
    `settings`: fields of Settings that differ from the playground's. `wanted`: the pictures that a
    new playground is filled with; without any it stays empty."""

    folder: Path
    model: str = SHIPPED_MODEL
    host: str = HOST
    port: int = PORT
    load: Callable[[], Engine] | None = None
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    opened: Callable[[str], object] = str
    wanted: Sequence[Piece] = ()

    @property
    def discord_folder(self) -> Path:
        """The simulated world."""
        return self.folder / "discord"

    def bot_settings(self, page: Page) -> Settings:
        """Nothing from the operator's settings: no token, no state, no limits."""
        web_port = free_port(self.host, page.port + 1)
        here = page.address.split("/")[2].rpartition(":")[0]
        usual = Settings(
            discord_token=Secret(page.token),
            discord_api_url=page.url,
            data_dir=self.folder / "bot",
            model=self.model,
            owner_ids=frozenset({IDS.owner}),
            progress_interval_s=1.0,
            pictures_per_hour=0,
            pictures_per_day=0,
            log_level="WARNING",
            web_address=f"{self.host}:{web_port}",
            web_url=f"http://{here}:{web_port}",
            discord_client_secret=Secret(page.oauth.client_secret),
        )
        return replace(usual, **self.settings)


def free_port(host: str, wanted: int) -> int:
    """`wanted`, or the next free port after it, or any."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in (*range(wanted, wanted + PORTS_TRIED), 0):
        try:
            with socket.create_server((host, port), family=family) as found:
                return int(found.getsockname()[1])
        except OSError as error:
            if port == 0 or error.errno != errno.EADDRINUSE:
                raise
    raise AssertionError("the last one is any port")


def run(playground: Playground) -> int:
    """Serve until a signal arrives. Returns the exit status.

    Raises ModelError without the model, StorageError if the folder can't be used, OSError if no
    port can be bound.
    """
    if playground.load is None:
        note(_notice(playground.model))
    prepare_folder(playground.discord_folder)
    with at(playground.folder), only_one(playground.discord_folder):
        page = Page(world=_world(playground), host=playground.host, port=playground.port)
        with Serving(page, playground.discord_folder):
            if playground.port not in {0, page.port}:
                note(f"Port {playground.port} is in use, so this is another one.")
            say(f"Playground: {page.address} (a simulated Discord; Ctrl-C ends it)")
            playground.opened(page.address)
            settings = playground.bot_settings(page)
            if playground.model == SHIPPED_MODEL:
                prepare_folder(settings.data_dir)
                add_styles(settings.lora_folder)
            page.gallery_url = settings.web_url
            page.world.redirect_uris = [f"{settings.web_url}/signed-in"]
            say(f"Gallery: {settings.web_url} (what members of the simulated server make public)")
            load = playground.load or app.engine_loader(settings)
            return asyncio.run(_bot(settings, load, page, playground.wanted))


def _notice(model: str) -> str:
    """The description of `model`. ModelError if it can't be used."""
    return ModelFolder.open(model_path(engine_options(Settings(model=model)))).notice


def _world(playground: Playground) -> World:
    folder = playground.discord_folder
    try:
        return load_world(folder)
    except StateUnreadable as error:
        raise StorageError("playground_unreadable", path=str(folder)) from error


async def _bot(
    settings: Settings, load: Callable[[], Engine], page: Page, wanted: Sequence[Piece]
) -> int:
    tasks: list[asyncio.Task[None]] = []

    def ready(bot: app.Ekaki) -> None:
        tasks.append(asyncio.create_task(_begin(bot, page, wanted)))

    try:
        return await app.run(settings, load=load, ready=ready)
    finally:
        for task in tasks:
            task.cancel()


async def _begin(bot: app.Ekaki, page: Page, wanted: Sequence[Piece]) -> None:
    await _ensure_commands(bot, page)
    if wanted:
        await fill(bot, page.url, wanted=wanted)


async def _ensure_commands(bot: app.Ekaki, page: Page) -> None:
    """Send the commands again if the simulated Discord lost them: its folder was cleared, or the
    machine stopped before the world was saved."""
    while not bot.is_ready():  # noqa: ASYNC110 - `wait_until_ready` works after login only
        await asyncio.sleep(0.1)
    if not page.world.commands:
        await bot.sync_if_changed(force=True)
