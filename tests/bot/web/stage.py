"""The page in a process of its own, over a made gallery and a loopback Discord.

`python -m tests.bot.web.stage FOLDER [drawings]` prints its address, and serves until it is ended.
"""

import asyncio
import sys
from pathlib import Path

import discord

from bot.common.discord_address import connect_to
from bot.common.secret import Secret
from bot.playground.simulator.default_world import IDS
from data.files.picture_files import PictureFiles
from data.gallery import web
from data.store.database import DATABASE_NAME, Database
from tests.bot.web.gallery import fill, make_gallery, open_to_the_web, page_over
from tests.support.simulator import Loopback

DRAWINGS = 72


async def main(folder: Path, kind: str = "") -> None:
    await (_drawn if kind == "drawings" else make_gallery)(folder)
    async with (
        Database.open(folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        await open_to_the_web(connection, gallery_adult_channel_id=IDS.age_restricted)
    async with Loopback() as place:
        with connect_to(place.url):
            async with discord.Client(intents=discord.Intents.none()) as client:
                await client.login(place.token)
                async with page_over(
                    folder,
                    client=client,
                    discord_api_url=place.url,
                    discord_client_secret=Secret(place.oauth.client_secret),
                    web_requests_per_minute=100_000,
                ) as page:
                    place.world.redirect_uris = [f"{page}/signed-in"]
                    sys.stdout.write(page + "\n")
                    sys.stdout.flush()
                    await asyncio.Event().wait()


async def _drawn(folder: Path) -> None:
    from tests.bot.web.drawings import PEOPLE, drawings

    folder.mkdir(parents=True, exist_ok=True)
    async with (
        Database.open(folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        await open_to_the_web(connection)
        for number in range(len(PEOPLE)):
            await web.set_maker(connection, user_id=7 + number, on_web=True)
        await fill(connection, drawings(PictureFiles(folder / "pictures"), DRAWINGS))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
