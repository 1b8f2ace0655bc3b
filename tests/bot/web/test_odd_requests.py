"""Whatever anybody asks for, the page answers, and never that it broke."""

import asyncio
import re
from collections.abc import Generator
from contextlib import AsyncExitStack
from urllib.parse import quote, urlencode

import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.common.secret import Secret
from tests.bot.web.gallery import Shown, page_over
from tests.support.patience import PATIENCE_S

FIELDS = ("q", "order", "time", "shape", "rating", "server", "after", "before", "next", "code",
          "state", "as")  # fmt: skip
NUMBERS = (
    "9999999999999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "-1", "0", "1e400", "١٢٣", "²", "9" * 5000, "nan", "0x10",
)  # fmt: skip
ODD = st.one_of(
    st.sampled_from(NUMBERS),
    st.integers().map(str),
    st.text(max_size=40),
    st.sampled_from(["\0", "\ud800", "//[", "/\\", "..", "%00", "%", "'", '"', "*", "(" * 300, "ﾟ"]),
)
PATHS = st.one_of(
    st.just("/"),
    st.builds("/p/{}".format, ODD.map(lambda text: quote(text, safe="", errors="replace"))),
    st.builds(
        "/i/{}/{}".format,
        ODD.map(lambda text: quote(text, safe="", errors="replace")),
        st.sampled_from(["320.webp", "original.png", "9999999999999999999999.webp", "..", "%00"]),
    ),
    st.builds(
        "/p/{}/{}".format,
        ODD.map(lambda text: quote(text, safe="", errors="replace")),
        st.sampled_from(["star", "unstar", "favourite", "unfavourite", "x", "..", "star%00"]),
    ),
    st.builds("/collection/{}".format, ODD.map(lambda t: quote(t, safe="", errors="replace"))),
    st.builds("/static/{}".format, ODD.map(lambda t: quote(t, safe="", errors="replace"))),
    st.sampled_from(
        ["/sign-in", "/signed-in", "/sign-out", "/sessions", "/sessions/end", "//", "/."]
    ),
)
NAMES = ("Accept-Language", "If-None-Match", "X-Forwarded-For", "Origin", "Range", "Cookie",
         "Accept-Encoding", "Expect", "Host", "Upgrade")  # fmt: skip
VALUES = ("*", ",", ";q=x", "a;q=1e999,b;q=nan", '"', "[::1]:80", "ja;q=", "bytes=0-", "null",
          "ekaki=; ekaki=x; =; ekaki_sign_in=.//[", "100-continue", "websocket")  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
        st.sampled_from(VALUES),
        st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=60),
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def served(gallery: Shown) -> Generator[tuple[str, asyncio.AbstractEventLoop]]:
    """The page where signing in is possible, and the loop in which it runs."""
    import discord

    async def opened(stack: AsyncExitStack) -> str:
        client = discord.Client(intents=discord.Intents.none())
        client._application_id = 1  # type: ignore[attr-defined]
        return await stack.enter_async_context(
            page_over(
                gallery.folder,
                client=client,
                discord_client_secret=Secret("x"),
                discord_api_url="http://127.0.0.1:9",
                web_requests_per_minute=1_000_000,
                web_proxies=1,
            )
        )

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(opened(stack)), runner.get_loop()
        runner.run(stack.aclose())


async def said_by(page: str, request: bytes) -> bytes:
    """The whole answer to what is sent as it is."""
    host, port = page.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    return answer


def query_of(asked: dict[str, str]) -> str:
    return urlencode(asked, errors="surrogatepass") if asked else ""


@given(
    path=PATHS,
    asked=st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4),
    headers=HEADERS,
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE", "QUERY"]),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_that_is_asked_breaks_it(
    served: tuple[str, asyncio.AbstractEventLoop],
    path: str,
    asked: dict[str, str],
    headers: dict[str, str],
    method: str,
) -> None:
    page, loop = served
    lines = [f"{method} {path}?{query_of(asked)} HTTP/1.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in ({"Host": "x"} | headers).items()]
    answer = loop.run_until_complete(said_by(page, "\r\n".join([*lines, "", ""]).encode("latin-1")))
    assert 200 <= int(answer.split()[1]) < 500, answer
    # Nobody is sent anywhere but within the page, or to Discord to sign in.
    for location in re.findall(rb"\r\nLocation: (.*?)\r\n", answer):
        assert re.match(rb"/(?![/\\])|http://127\.0\.0\.1:9/oauth2/authorize\?", location)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("path", ["/?server={}", "/?after={}", "/p/{}?server={}", "/i/{}/{}"])
async def test_no_number_is_too_large(
    page: str, http: ClientSession, number: str, path: str
) -> None:
    async with http.get(page + path.replace("{}", quote(number[:4000]))) as answer:
        assert answer.status in {200, 404}


@pytest.mark.parametrize(
    "line",
    [b"OPTIONS * HTTP/1.1", b"CONNECT evil.test:443 HTTP/1.1", b"GET http://evil.test/ HTTP/1.1",
     b"GET //evil.test/%2e%2e HTTP/1.1", b"GET /../../etc/passwd HTTP/1.1", b"TRACE / HTTP/1.1",
     b"GET /static/..%2f..%2fsite.py HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /p/%ff%fe HTTP/1.1",
     b"GET /i/..%2f..%2fekaki.db/original.png HTTP/1.1", b"GET / HTTP/1.0",
     b"PRI * HTTP/2.0", b"GET /?%zz=%zz HTTP/1.1", b"GET /p/" + b"%61" * 2000 + b" HTTP/1.1"],
)  # fmt: skip
async def test_odd_request_lines(page: str, line: bytes) -> None:
    answer = await said_by(page, line + b"\r\nHost: evil.test\r\nConnection: close\r\n\r\n")
    status = int(answer.split()[1])
    assert 200 <= status < 500, answer[:300]
    if status == 200:
        assert b"evil.test" not in answer.partition(b"\r\n\r\n")[0]
    for secret in (b"root:", b"SQLite format", b"import ", b"Traceback"):
        assert secret not in answer


async def test_a_method_that_is_not_taken_says_which_are(page: str, http: ClientSession) -> None:
    async with http.delete(f"{page}/") as answer:
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_head_says_what_get_does(page: str, gallery: Shown, http: ClientSession) -> None:
    for path in ("/", f"/p/{gallery.safe[0]}", f"/i/{gallery.safe[0]}/original.png", "/robots.txt"):
        async with http.get(page + path) as got, http.head(page + path) as headed:
            assert headed.status == got.status == 200
            assert await headed.read() == b""
            for name in ("ETag", "Cache-Control", "Content-Type", "Content-Length"):
                assert headed.headers[name] == got.headers[name], (path, name)


async def test_what_software_serves_it_is_nobodys_business(
    page: str, gallery: Shown, http: ClientSession
) -> None:
    for path in ("/", "/nothing", f"/i/{gallery.safe[0]}/320.webp"):
        async with http.get(page + path) as answer:
            assert "Python" not in answer.headers.get("Server", "")
