"""A gallery to look at: rows, picture files, servers that opted in; and the page over it."""

import io
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import discord
from PIL import Image

from benchmarks.gallery_rows import GUILD, START, Item, fill
from bot.common.clock import SystemClock
from bot.config.settings import Settings
from bot.web.serving import serving
from data.files.picture_files import PictureFiles
from data.gallery import web
from data.guilds import guild_settings
from data.guilds.server_settings import GuildSettings
from data.store.connection import Connection
from data.store.database import DATABASE_NAME, Database
from pipeline.rating import Rating

PROMPTS = (
    "1girl, green hair, beanie, outdoors, night",
    "1girl, silver_hair, red_eyes, kimono, cherry_blossoms",
    "no humans, lighthouse, sea, dusk",
    "1boy, glasses, city, rain, umbrella",
)


def a_png(seed: int, *, width: int = 208, height: int = 304) -> bytes:
    """Some gradient that is no other seed's."""
    rng = random.Random(seed)
    colours = [tuple(rng.randrange(256) for _ in range(3)) for _ in range(4)]
    image = Image.new("RGB", (2, 2))
    image.putdata(colours)
    buffer = io.BytesIO()
    image.resize((width, height), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def a_gallery(files: PictureFiles, count: int) -> list[Item]:
    """`count` safe pictures, the last one the latest."""
    items: list[Item] = []
    for number in range(count):
        wide = number % 5 == 3
        size = (304, 208) if wide else (208, 304)
        items.append(
            Item(
                prompt=PROMPTS[number % len(PROMPTS)] + f", number {number}",
                content_hash=files.write(a_png(number, width=size[0], height=size[1])),
                maker_id=7 + number % 3,
                maker_name=("Alice", "Bob", "Mika")[number % 3],
                width=size[0],
                height=size[1],
                votes=number % 7,
                posted_at=START + 3600.0 * number,
            )
        )
    return items


@dataclass
class Shown:
    """What there is to see: public ids by what they are."""

    folder: Path
    safe: list[str] = field(default_factory=list[str])
    ids: dict[str, str] = field(default_factory=dict[str, str])


async def open_to_the_web(connection: Connection, **settings: Any) -> None:
    """The server wants to be on the page; `settings` besides."""
    values = GuildSettings(gallery_web=True, **settings)
    await guild_settings.put(connection, guild_id=GUILD, settings=values)
    await web.set_guild_name(connection, guild_id=GUILD, name="Atelier")


async def make_gallery(folder: Path, *, count: int = 60) -> Shown:
    """Safe pictures, and one each that a stranger must not reach."""
    folder.mkdir(parents=True, exist_ok=True)
    files = PictureFiles(folder / "pictures")
    shown = Shown(folder)
    async with (
        Database.open(folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        await open_to_the_web(connection)
        for maker_id in (7, 8, 9):
            await web.set_maker(connection, user_id=maker_id, on_web=True)
        shown.safe = await fill(connection, a_gallery(files, count))
        other = Item(prompt="x", content_hash="", width=208, height=304)
        cases: dict[str, dict[str, Any]] = {
            "nsfw": {"rating": Rating.NSFW, "prompt": "1girl, hidden lantern"},
            "sensitive": {"rating": Rating.SENSITIVE, "prompt": "1girl, hidden fan"},
            "elsewhere": {"rating": Rating.NSFW, "guild_id": 55},
            "not on the web": {"on_web": False},
            "hidden": {"state": "hidden"},
            "removed": {"state": "removed"},
            "waiting": {"state": "waiting"},
        }
        items = [
            replace(
                other,
                content_hash=files.write(a_png(1000 + number)),
                posted_at=START + 3600.0 * (count + number),
                **changes,
            )
            for number, changes in enumerate(cases.values())
        ]
        made = await fill(connection, items)
        shown.ids = dict(zip(cases, made, strict=True))
    return shown


@asynccontextmanager
async def page_over(
    folder: Path, *, port: int = 0, client: discord.Client | None = None, **settings: Any
) -> AsyncGenerator[str]:
    """The page, and its address."""
    values: dict[str, Any] = {"data_dir": folder, "web_address": f"127.0.0.1:{port}"}
    client = client or discord.Client(intents=discord.Intents.none())
    async with serving(
        Settings(**values | settings), client=client, clock=SystemClock()
    ) as address:
        yield address
