"""Servers may compress what they send: what is read is always the file or the answer itself."""

import gzip
import json
import zlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.common.clock import SystemClock
from bot.common.secret import Secret
from bot.config.settings import Settings
from bot.doctor import online
from bot.web.oauth import OAuth
from cogs.common.attachments import Downloads, EmbeddedFile
from pipeline.errors import InputError
from tests.cogs.drawing.test_image_option import picture

LIMIT_BYTES = 2**20


@dataclass
class Server:
    """Answers every address with `body`, compressed with `coding`: where the client says that it
    understands that, or always (`stubborn`)."""

    coding: str = "gzip"
    stubborn: bool = False
    bodies: dict[str, bytes] = field(default_factory=dict[str, bytes])
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = self.bodies[request.path]
        headers = {"Content-Type": "application/json"}
        accepted = request.headers.get("Accept-Encoding", "")
        if self.stubborn or self.coding in accepted or "*" in accepted:
            pack: Callable[[bytes], bytes] = (
                gzip.compress if self.coding == "gzip" else zlib.compress
            )
            body, headers["Content-Encoding"] = pack(body), self.coding
        return web.Response(body=body, headers=headers)


@pytest.fixture(params=["gzip", "deflate"])
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[Server]:
    made = Server(coding=request.param)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with TestServer(app) as running:
        made.url = str(running.make_url("")).rstrip("/")
        yield made


async def fetch(server: Server, name: str, limit_bytes: int = LIMIT_BYTES) -> bytes:
    file = EmbeddedFile(name, f"{server.url}/{name}")
    return await Downloads().fetch_any(file, timeout_s=60, limit_bytes=limit_bytes)


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize(
    "content", [picture(), "一行ずつ\n".encode(), b""], ids=["png", "txt", "no"]
)
async def test_a_file_is_read_as_it_is(server: Server, stubborn: bool, content: bytes) -> None:
    server.stubborn = stubborn
    server.bodies["/file.png"] = content
    assert await fetch(server, "file.png") == content


async def test_a_small_body_that_inflates_past_the_limit_is_too_large(server: Server) -> None:
    server.stubborn = True
    server.bodies["/file.png"] = bytes(64 * LIMIT_BYTES)
    with pytest.raises(InputError) as caught:
        await fetch(server, "file.png")
    assert caught.value.key == "file_too_large"


async def test_what_does_not_inflate_can_not_be_downloaded(server: Server) -> None:
    server.bodies["/file.png"] = b""

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(body=b"plain", headers={"Content-Encoding": server.coding})

    app = web.Application()
    app.router.add_get("/file.png", broken)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        with pytest.raises(InputError) as caught:
            await fetch(server, "file.png")
    assert caught.value.key == "download_failed"


API = "/api/v10"
ANSWERS: dict[str, Any] = {
    f"{API}/users/@me": {"id": "7", "username": "ekaki"},
    f"{API}/users/@me/guilds": [{"id": "9", "name": "Atelier", "permissions": "8"}],
    f"{API}/applications/@me": {"flags": 0},
    f"{API}/oauth2/token": {"access_token": "t"},
}


async def test_the_doctor_and_signing_in_read_compressed_answers(server: Server) -> None:
    server.stubborn = True
    server.bodies = {path: json.dumps(body).encode() for path, body in ANSWERS.items()}
    settings = Settings(discord_token=Secret("x"), discord_api_url=server.url)
    checks = await online._ask(settings)  # pyright: ignore[reportPrivateUsage] - it runs a loop else
    assert {check.result for check in checks} == {"ok"}
    async with aiohttp.ClientSession() as http:
        oauth = OAuth(
            base_url=server.url,
            application_id=lambda: 7,
            secret=Secret("s"),
            redirect_uri=f"{server.url}/back",
            http=http,
            clock=SystemClock(),
        )
        word, address = oauth.begin()
        state = address.partition("state=")[2].partition("&")[0]
        person = await oauth.finish(word=word, state=state, code="c")
    assert (person.user_id, person.guild_ids) == (7, frozenset({9}))
