"""No token appears in any log line, whatever logs it."""

import asyncio
import io
import logging
import sys
import threading
from collections.abc import Iterator

import aiohttp
import discord
import discord.http
import pytest
from aiohttp import web

from bot.common import logs
from bot.common.secret import Secret

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789ab"
INTERACTION = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5OnNlY3JldHBhcnQ"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    logs.set_up("DEBUG", (Secret(TOKEN),), stream=stream)
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    root.setLevel(before[1])
    sys.excepthook, threading.excepthook = before[2], before[3]
    logging.captureWarnings(False)


def fail(words: str) -> None:
    raise RuntimeError(words)


def test_message_arguments_traceback_and_stack_are_cleaned(lines: io.StringIO) -> None:
    log = logging.getLogger("somebody.else")
    log.info("token %s", TOKEN)
    log.info("payload %s", {"token": "a-short-one", "name": "kept"})
    log.info('sent {"token": "another-one"}')
    try:
        fail(f"https://discord.com/api/v10/webhooks/1/{INTERACTION}/messages/@original")
    except RuntimeError:
        log.exception("broke", stack_info=True)
    written = lines.getvalue()
    for secret in (TOKEN, TOKEN.rpartition(".")[2], INTERACTION, "a-short-one", "another-one"):
        assert secret not in written
    assert "kept" in written
    assert "RuntimeError" in written
    assert "/messages/@original" in written


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"POST https://x/api/v10/interactions/12/{INTERACTION}/callback", "/callback"),
        ("PATCH https://x/webhooks/12/short.to-ken/messages/3?wait=true", "/messages/3?wait=true"),
        (f"Authorization: Bot {TOKEN}", "Authorization: Bot"),
        ("JobRecord(interaction_token='abc', id='7')", "id='7'"),
        (f"seen {INTERACTION}!", "seen"),
        (f"an unknown {TOKEN[:-3]}xyz too", "an unknown"),
    ],
)
def test_tokens_of_every_form_are_hidden_and_the_rest_stays(text: str, kept: str) -> None:
    shown = logs.redact(text)
    assert logs.HIDDEN in shown
    assert kept in shown
    for secret in (INTERACTION, "short.to-ken", "'abc'", TOKEN[-20:-4]):
        assert secret not in shown


LONG = "aGVsbG8tdGhpcy1pcy1zZWNyZXQtMTIzNDU2Nzg5"


@pytest.mark.parametrize(
    "text",
    [
        "at https%3A%2F%2Fdiscord.com%2Fapi%2Fwebhooks%2F123%2F{}",
        "GET /interactions/123%2F{}/callback",
        "token={} and more",
        "token: {}",
        "webhook_token: '{}'",
        "{{'interaction_token': b'{}'}}",
        "('access_token', '{}')",
        "b'access_token={}'",
        "refresh_token={}&token_type=Bearer",
        "Authorization: Bearer {}",
        "authorization: bearer {}",
        "code={}&scope=identify",
        "state={}",
        "{{'code': '{}'}}",
        "client_secret={}",
        "DISCORD_TOKEN='{}'",
        "HF_TOKEN={}",
        "password={}",
        "session_id={}",
        "cookies={{'ekaki': '{}'}}",
        "'__Host-ekaki': '{}'",
        "__Host-ekaki={}; Path=/",
        "ekaki_sign_in={}.Lw",
        "('__Host-ekaki_sign_in', '{}.Lw')",
        "/sign-in?next=%2Fcollection%2F{}",
        "through http://me:{}@proxy.test:80",
    ],
)
def test_a_secret_is_hidden_however_it_is_written(text: str) -> None:
    shown = logs.redact(text.format(LONG))
    assert LONG not in shown
    assert logs.HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "Token: DISCORD_TOKEN is not set",
        "ekaki: animagine-xl-3.1-onnx-of-mine.safetensors is no LoRA",
        "job abc: state=finished, code=50083, secret: none",
        "state: {'finished': 3}",
        "http://127.0.0.1:8090/p/abc and me@example.org",
        "python -m bot playground --with_a_very_long_option",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert logs.redact(text) == text


@pytest.mark.parametrize(
    "text", ["77 tokens a chunk", "Steps: 28, Seed: 42", "message 123456789012345678 sent"]
)
def test_plain_lines_stay_as_they_are(text: str) -> None:
    assert logs.redact(text, (Secret(TOKEN), Secret())) == text


async def test_discord_py_debug_logs_hold_no_token(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real client logs in to a server here and answers an interaction, at DEBUG."""

    async def me(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bot {TOKEN}"
        body = {
            "id": "1",
            "username": "ekaki",
            "discriminator": "0",
            "avatar": None,
            "token": INTERACTION,
        }
        return web.json_response(body)

    async def refuse(request: web.Request) -> web.Response:
        assert INTERACTION in request.path
        return web.json_response({"code": 10062, "message": "Unknown interaction"}, status=404)

    app = web.Application()
    app.router.add_get("/api/v10/users/@me", me)
    app.router.add_route("*", "/api/v10/webhooks/{rest:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{port}/api/v10")
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.http.static_login(TOKEN)
        route = discord.http.Route(
            "GET", "/webhooks/{webhook_id}/{webhook_token}", webhook_id=1, webhook_token=INTERACTION
        )
        with pytest.raises(discord.NotFound):
            await client.http.request(route)
        logging.getLogger("discord.gateway").debug(
            "For Shard ID %s: WebSocket Event: %s", 0, {"d": {"token": INTERACTION, "id": "5"}}
        )
        async with aiohttp.ClientSession():
            await asyncio.sleep(0)
    finally:
        await client.close()
        await runner.cleanup()
    written = lines.getvalue()
    assert "discord.http" in written
    assert "has returned" in written
    assert TOKEN not in written
    assert INTERACTION not in written


def test_what_ends_a_thread_is_logged_without_secrets(lines: io.StringIO) -> None:
    thread = threading.Thread(target=fail, args=(TOKEN,))
    thread.start()
    thread.join()
    assert "A thread ended" in lines.getvalue()
    assert TOKEN not in lines.getvalue()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /signed-in?code=abcDEF123&state=st4te-x HTTP/1.1", "abcDEF123"),
        ("GET /signed-in?code=abcDEF123&state=st4te-x HTTP/1.1", "st4te-x"),
        ('{"client_secret": "s3cr3t", "code_verifier": "v3rifier"}', "s3cr3t"),
        ('{"client_secret": "s3cr3t", "code_verifier": "v3rifier"}', "v3rifier"),
        ("{'access_token': 'acc3ss', 'refresh_token': 'refr3sh'}", "refr3sh"),
        ("{'op': 6, 'd': {'session_id': 'abc123def'}}", "abc123def"),
        ("Set-Cookie: __Host-ekaki=wordword; HttpOnly", "wordword"),
        ("<CIMultiDict('Cookie': 'ekaki=wordword')>", "wordword"),
        ("seen ekaki=abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop"),
        ("http://x/collection/abcdefghjkmn.1.2.0.1800000000.s1gn4ture", "s1gn4ture"),
        ("token hf_AbCdEfGhIjKlMnOpQrStUvWx used", "AbCdEfGh"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpw"),
        ("https://cdn.discordapp.com/a.png?ex=1&is=2&hm=abcdef0123", "abcdef0123"),
    ],
)
def test_other_secrets_are_hidden_by_their_form(text: str, secret: str) -> None:
    shown = logs.redact(text)
    assert secret not in shown
    assert logs.HIDDEN in shown


def test_statements_with_their_values_are_never_logged(lines: io.StringIO) -> None:
    logging.getLogger("aiosqlite").debug("executing INSERT VALUES %s", ("an-unknown-form",))
    logging.getLogger("aiosqlite").warning("kept")
    assert "an-unknown-form" not in lines.getvalue()
    assert "kept" in lines.getvalue()
