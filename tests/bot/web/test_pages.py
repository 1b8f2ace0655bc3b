"""The page by HTTP: what is shown, what is not there, and every header."""

import html
import io
import re
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.web.rendering import alt
from data.gallery import entries
from data.jobs import jobs
from data.store.database import DATABASE_NAME, Database
from data.store.words import searchable
from pipeline.request import GenerationRequest
from tests.bot.web.gallery import Shown, page_over

PATHS = ("/", "/p/{safe}", "/i/{safe}/320.webp", "/robots.txt", "/nothing", "/i/{safe}/7.webp")


def ids_on(body: str) -> list[str]:
    return re.findall(r'href="/p/([a-z0-9]+)', body)


async def text(http: ClientSession, url: str) -> str:
    async with http.get(url) as answer:
        assert answer.status == 200, url
        return await answer.text()


async def test_pages_show_all_safe_pictures_once(
    page: str, gallery: Shown, http: ClientSession
) -> None:
    seen: list[str] = []
    path = "/"
    while path:
        body = await text(http, page + path)
        seen += ids_on(body)
        later = re.search(r'rel="next" href="([^"]+)"', body)
        path = later[1].replace("&amp;", "&") if later else ""
    assert seen == gallery.safe[::-1]


async def test_pages_lead_back(page: str, http: ClientSession) -> None:
    first = await text(http, page)
    later = re.search(r'rel="next" href="([^"]+)"', first)
    assert later
    second = await text(http, page + later[1])
    earlier = re.search(r'rel="prev" href="([^"]+)"', second)
    assert earlier
    assert ids_on(await text(http, page + earlier[1])) == ids_on(first)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?q=lighthouse", 15),
        ("?q=silver_hair+-number", 0),
        ("?q=by:mika&order=top", 20),
        ("?shape=landscape", 12),
        ("?q=%22%27)(*AND&time=bogus&shape=x&server=%E0%A4%A", 0),
        ("?server=55", 0),
        ("?after=nothing", 36),
    ],
)
async def test_search_and_filters(page: str, http: ClientSession, query: str, count: int) -> None:
    assert len(ids_on(await text(http, f"{page}/{query}"))) == count


@pytest.mark.parametrize(
    "kind",
    ["nsfw", "sensitive", "elsewhere", "not on the web", "hidden", "removed", "waiting"],
)
async def test_what_may_not_be_seen_is_not_there(
    page: str, gallery: Shown, http: ClientSession, kind: str
) -> None:
    entry_id = gallery.ids[kind]
    unknown = await (await http.get(f"{page}/p/{'a' * 26}")).text()
    for path in (f"/p/{entry_id}", f"/p/{entry_id}?rating=nsfw"):
        async with http.get(page + path) as answer:
            assert answer.status == 404
            assert await answer.text() == unknown
    for name in ("320.webp", "640.webp", "1280.webp", "original.png"):
        async with http.get(f"{page}/i/{entry_id}/{name}") as answer:
            assert answer.status == 404
            assert answer.headers["Cache-Control"] == "no-store"
    for query in ("", "?rating=nsfw", "?q=hidden", f"?after={gallery.safe[0]}", "?server=55"):
        assert entry_id not in ids_on(await text(http, f"{page}/{query}"))


@pytest.mark.parametrize(
    "kind",
    ["nsfw", "sensitive", "elsewhere", "not on the web", "hidden", "removed", "waiting"],
)
@pytest.mark.parametrize(
    "query", ["after={}", "before={}", "after={}&order=top", "before={}&q=1girl"]
)
async def test_a_place_beside_what_may_not_be_seen_is_any_unknown_one(
    page: str, gallery: Shown, http: ClientSession, kind: str, query: str
) -> None:
    hidden, unknown = gallery.ids[kind], "a" * 26
    told = await text(http, f"{page}/?{query.format(hidden)}")
    assert told.replace(hidden, unknown) == await text(http, f"{page}/?{query.format(unknown)}")


async def test_pictures_are_described_by_their_tags(
    own_gallery: Shown, http: ClientSession
) -> None:
    async with (
        Database.open(own_gallery.folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        for number, words in enumerate((", , 1girl,, long  hair ,", " ,\n, "), 1):
            await connection.execute(
                "UPDATE gallery_words SET words = ? WHERE entry = ?", (words, number)
            )
    async with page_over(own_gallery.folder) as page:
        body = await text(http, page)
    said = re.findall(r' alt="([^"]*)"', body)
    assert "1girl, long hair" in said
    assert any(each.startswith("A picture by ") for each in said)
    assert all(each and "," not in each[0] for each in said)


@given(st.text(st.sampled_from("ab ,、\n，"), max_size=400))
def test_a_description_has_no_empty_tags(words: str) -> None:
    said = alt(words)
    assert len(said) <= 160
    assert not said or all(tag.strip() == tag != "" for tag in said.split(", "))
    assert bool(said) == any(sign in "ab" for sign in words)


async def test_a_picture_page_says_everything(
    page: str, gallery: Shown, http: ClientSession
) -> None:
    body = await text(http, f"{page}/p/{gallery.safe[0]}?q=hair")
    for words in ("beanie, outdoors", "lowres, bad anatomy", "Euler a", "1234567",
                  "1girl, green hair, beanie, outdoors, night, number 0, masterpiece, best quality",
                  "--seed 1234567"):  # fmt: skip
        assert words in body
    assert f'property="og:image" content="{page}/i/{gallery.safe[0]}/1280.webp"' in body
    assert f'rel="prev" href="/p/{gallery.safe[1]}?q=hair"' in body
    assert 'rel="next"' not in body


def prompt_of(body: str) -> str:
    """The prompt as HTML."""
    found = re.search(r'<p id="prompt" class="tags">(.*?)</p>', body)
    assert found
    return found[1]


async def test_the_prompt_is_what_was_typed_with_a_link_for_each_tag(
    page: str, gallery: Shown, http: ClientSession
) -> None:
    body = await text(http, f"{page}/p/{gallery.safe[0]}")
    links = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', prompt_of(body))
    assert [words for _, words in links] == [
        "1girl", "green hair", "beanie", "outdoors", "night", "number 0"
    ]  # fmt: skip
    for address, words in links:
        assert gallery.safe[0] in [
            *ids_on(await text(http, page + address)),
            *ids_on(await text(http, f"{page}{address}&shape=portrait&after={gallery.safe[20]}")),
        ], words
    title = re.search("<title>(.*)</title>", body)
    assert title
    assert title[1].startswith("1girl, green hair, beanie, outdoors, night, number 0 · Alice · ")


async def with_request(shown: Shown, **changes: Any) -> None:
    """Change the first picture's request and final prompt."""
    async with (
        Database.open(shown.folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        entry = await entries.on_web(connection, entry_id=shown.safe[0])
        assert entry is not None
        job = await jobs.get(connection, job_id=entry.job_id)
        assert job is not None
        request = GenerationRequest(prompt=changes.pop("typed"), init_picture="ab" * 32)
        made = replace(
            job.request, original=request, init_picture="ab" * 32, strength=0.4, **changes
        )
        await connection.execute(
            "UPDATE jobs SET request = ?, words = ? WHERE id = ?",
            (made.to_json(), searchable(request.prompt), job.id),
        )
        await connection.execute(
            "UPDATE gallery_words SET words = ? WHERE entry = ?",
            (searchable(request.prompt), entry.number),
        )


async def test_nobody_learns_from_the_page_what_was_typed_beside_the_prompt(
    own_gallery: Shown, http: ClientSession
) -> None:
    await with_request(
        own_gallery,
        typed="1girl, <lora:secret_face:1>, smile --niji 6 --cref https://private.example/me.png",
        prompt="1girl, smile, masterpiece",
    )
    async with page_over(own_gallery.folder) as page:
        for path in ("/", f"/p/{own_gallery.safe[0]}"):
            body = await text(http, page + path)
            for secret in ("private.example", "niji", "abab"):
                assert secret not in body, (path, secret)
        body = await text(http, f"{page}/p/{own_gallery.safe[0]}")
    assert "secret_face" not in body
    assert "/imagine prompt: 1girl, smile --ar" in body
    assert "--seed" not in body
    assert "similar picture" in body


async def test_odd_tags_are_text_and_lead_nowhere_else(
    own_gallery: Shown, http: ClientSession
) -> None:
    odd = (
        '(a_b, "c":1.3), :&lt;3, ^_^, <b>x</b>, -hat, by:alice, umbrel*, a \\(b\\), x BREAK y, '
        + ("word " * 60)
    )
    await with_request(own_gallery, typed=odd, prompt=odd)
    async with page_over(own_gallery.folder) as page:
        body = await text(http, f"{page}/p/{own_gallery.safe[0]}")
        prompt = prompt_of(body)
        assert "<b>" not in prompt
        assert "onmouseover" not in prompt
        links = dict(re.findall(r'<a href="/\?q=([^"]+)"[^>]*>([^<]+)</a>', prompt))
        for query in links:
            await text(http, f"{page}/?q={query}")
    said = {html.unescape(words): query for query, words in links.items()}
    assert said['(a_b, "c":1.3)'] == "a_b%20c"
    assert said["-hat"] == "hat"
    assert said["by:alice"] == "by_alice"
    assert said["umbrel*"] == "umbrel"
    assert said["a (b)"] == "a_b"
    assert not {"^_^", "BREAK"} & said.keys()
    assert "<span>BREAK</span>" in prompt
    assert not any(words.startswith("word word") for words in said), "the search takes no more"


async def test_copies_are_small_and_the_original_is_whole(
    page: str, gallery: Shown, http: ClientSession
) -> None:
    address = f"{page}/i/{gallery.safe[0]}"
    async with http.get(f"{address}/320.webp") as answer:
        small = Image.open(io.BytesIO(await answer.read()))
        assert (answer.content_type, small.format, small.width) == ("image/webp", "WEBP", 208)
    async with http.get(f"{address}/original.png") as answer:
        assert answer.content_type == "image/png"
        assert "attachment" in answer.headers["Content-Disposition"]
    for odd in ("../original.png", "%2e%2e%2foriginal.png", "320.png", "0320.webp", "١.webp"):
        async with http.get(f"{address}/{odd}") as answer:
            assert answer.status == 404


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_carries_the_policy(
    page: str, gallery: Shown, http: ClientSession, path: str
) -> None:
    async with http.get(page + path.format(safe=gallery.safe[0])) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers


async def test_what_the_browser_has_is_not_sent_again(
    page: str, gallery: Shown, http: ClientSession
) -> None:
    for path in ("/", f"/p/{gallery.safe[0]}", f"/i/{gallery.safe[0]}/320.webp"):
        async with http.get(page + path) as answer:
            etag = answer.headers["ETag"]
        for said in (etag, f'W/{etag}, "other"'):
            async with http.get(page + path, headers={"If-None-Match": said}) as answer:
                assert answer.status == 304
                assert await answer.read() == b""
                assert answer.headers["ETag"] == etag
        async with http.get(page + path, headers={"If-None-Match": '"x"'}) as answer:
            assert answer.status == 200


async def test_pages_are_asked_again_and_static_files_are_kept(
    page: str, gallery: Shown, http: ClientSession
) -> None:
    async with http.get(page) as answer:
        body = await answer.text()
        assert answer.headers["Cache-Control"] == "private, no-cache"
    style = re.search(r'href="(/static/style\.[^"]+)"', body)
    assert style
    async with http.get(page + style[1]) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    async with http.get(f"{page}/static/style.css") as answer:
        assert answer.status == 404
    async with http.get(f"{page}/i/{gallery.safe[0]}/320.webp") as answer:
        assert answer.headers["Cache-Control"].startswith("public, max-age=60")


async def test_the_page_speaks_the_readers_language(page: str, http: ClientSession) -> None:
    async with http.get(page, headers={"Accept-Language": "fr;q=0.9, ja-JP"}) as answer:
        body = await answer.text()
    assert '<html lang="ja">' in body
    assert "みんなで描いた絵" in body


async def test_markup_stays_text(page: str, http: ClientSession) -> None:
    body = await text(http, f"{page}/?q=%3Cscript%3Ealert(1)%3C/script%3E%22onx%3D")
    assert "<script>alert" not in body
    assert '"onx=' not in body


async def test_one_address_may_not_ask_for_everything(gallery: Shown, http: ClientSession) -> None:
    async with page_over(gallery.folder, web_requests_per_minute=60, web_proxies=1) as page:
        first = {"X-Forwarded-For": "203.0.113.5, 198.51.100.1"}
        other = {"X-Forwarded-For": "198.51.100.1, 203.0.113.5"}
        answers = [await http.get(page, headers=first) for _ in range(8)]
        statuses = [answer.status for answer in answers]
        assert statuses[0] == 200
        assert statuses[-1] == 429
        assert int(answers[-1].headers["Retry-After"]) > 0
        async with http.get(page, headers=other) as answer:
            assert answer.status == 200


async def test_a_missing_file_is_not_there(own_gallery: Shown, http: ClientSession) -> None:
    async with page_over(own_gallery.folder) as page:
        address = f"{page}/i/{own_gallery.safe[0]}/320.webp"
        assert (await http.get(address)).status == 200
        for path in (own_gallery.folder / "pictures").glob("*/*"):
            path.unlink()
        assert (await http.get(address)).status == 404


async def test_signing_in_is_not_offered_without_a_secret(page: str, http: ClientSession) -> None:
    assert "/sign-in" not in await text(http, page)
    for path in ("/sign-in", "/signed-in?code=x&state=y"):
        async with http.get(page + path) as answer:
            assert answer.status in {400, 404}
    async with http.post(f"{page}/sign-out", headers={"Origin": "https://evil.test"}) as answer:
        assert answer.status == 403
