"""A star on the web page reaches the message in Discord, whichever process serves the page."""

import asyncio
import re

import discord
import pytest
from aiohttp import ClientSession, CookieJar

from bot.common.secret import Secret
from bot.outbox import dispatcher
from bot.playground.simulator.default_world import IDS
from tests.bot.web.gallery import page_over
from tests.cogs.gallery.helpers import entries, gallery_bot, share, stars_of, until_stars
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor
from tests.support.patience import PATIENCE_S


@pytest.mark.parametrize("apart", [False, True])
async def test_a_star_on_the_page_is_counted_under_the_message(
    place: Discord, alice: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch, *, apart: bool
) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_EVERY_S", 0.2)
    async with (
        gallery_bot(place, gallery_web=True) as running,
        discord.Client(intents=discord.Intents.none()) as other,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as http,
    ):
        await running.services.gallery.set_maker_on_web(IDS.alice, on=True)
        _, posted = await share(alice, running, seen_by=bob)
        assert stars_of(posted) == "⭐ 0"
        if apart:
            await other.login(place.loopback.token)
        async with page_over(
            place.folder,
            client=other if apart else running.bot,
            discord_api_url=place.loopback.url,
            discord_client_secret=Secret(place.loopback.oauth.client_secret),
        ) as page:
            place.world.redirect_uris = [f"{page}/signed-in"]
            (entry,) = await entries(running)
            path = f"/p/{entry.id}"
            async with http.get(f"{page}/sign-in", params={"next": path}) as asked:
                links = re.findall(r'href="(/oauth2/authorize/choose[^"]+)"', await asked.text())
            link = next(each for each in links if f"user={IDS.bob}" in each)
            async with http.get(place.loopback.url + link.replace("&amp;", "&")) as back:
                body = await back.text()
            message = f"https://discord.com/channels/{IDS.guild}/{IDS.gallery}/{posted.id}"
            assert f'href="{message}"' in body
            for mark, votes in (("star", 1), ("unstar", 0)):
                async with http.post(page + path + "/" + mark, headers={"Origin": page}) as answer:
                    assert answer.status == 200
                    assert str(answer.url) == f"{page}{path}"
                async with asyncio.timeout(PATIENCE_S):
                    await until_stars(bob, votes)
