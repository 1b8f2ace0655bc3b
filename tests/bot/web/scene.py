"""The page with signing in, its Discord, and a browser."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import discord
from aiohttp import ClientSession, CookieJar

from bot.common.discord_address import connect_to
from bot.common.secret import Secret
from bot.playground.simulator.default_world import IDS
from data.guilds import guild_settings
from data.guilds.server_settings import GuildSettings
from data.store.database import DATABASE_NAME, Database
from tests.bot.web.gallery import GUILD, Shown, page_over
from tests.support.loopback import Place


@dataclass
class Scene:
    """The page, its Discord, and a browser."""

    page: str
    place: Place
    http: ClientSession
    shown: Shown

    async def sign_in(self, user_id: int, *, to: str = "/") -> str:
        """As somebody does in a browser; returns where they end."""
        async with self.http.get(f"{self.page}/sign-in", params={"next": to}) as asked:
            assert "/oauth2/authorize" in str(asked.url), await asked.text()
            links = re.findall(r'href="(/oauth2/authorize/choose[^"]+)"', await asked.text())
        link = next(each for each in links if f"user={user_id}" in each).replace("&amp;", "&")
        async with self.http.get(self.place.url + link) as back:
            assert back.status == 200, await back.text()
            return str(back.url)

    async def status(self, kind: str, path: str = "/p/{}") -> int:
        async with self.http.get(self.page + path.format(self.shown.ids[kind])) as answer:
            return answer.status


@asynccontextmanager
async def scene_on(place: Place, shown: Shown) -> AsyncGenerator[Scene]:
    async with (
        Database.open(shown.folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        settings = GuildSettings(gallery_web=True, gallery_adult_channel_id=IDS.age_restricted)
        await guild_settings.put(connection, guild_id=GUILD, settings=settings)
    jar = CookieJar(unsafe=True)
    with connect_to(place.url):
        async with (
            discord.Client(intents=discord.Intents.none()) as client,
            ClientSession(cookie_jar=jar) as http,
        ):
            await client.login(place.server.token)
            async with page_over(
                shown.folder,
                client=client,
                discord_api_url=place.url,
                discord_client_secret=Secret(place.server.oauth.client_secret),
            ) as page:
                place.server.world.redirect_uris = [f"{page}/signed-in"]
                yield Scene(page=page, place=place, http=http, shown=shown)
