"""Painting what is redrawn on the web page: links, refusals, bad masks, and the job that comes."""

import asyncio
import hashlib
import io
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession, FormData, web
from PIL import Image

from bot.common.actor import Actor
from bot.jobs.keep.mask_files import MAX_MASK_BYTES
from bot.library.painting import GOOD_FOR_S
from bot.playground.page.start import free_port
from bot.playground.simulator.default_world import IDS
from bot.web import easel
from bot.web.serving import serving
from data.guilds import place_settings
from data.jobs.jobs import JobRecord
from data.people import web_sessions
from data.people.web_sessions import WebSession
from data.store.snapshot import remove_secrets
from pipeline.rating import Rating
from tests.cogs.pictures.test_results import drawn, forge, new_job, text_of
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.patience import until
from tests.support.views import MessageView


@dataclass
class Easel:
    """A bot that serves the page, and a browser."""

    running: Running
    http: ClientSession
    origin: str

    async def status(self, url: str, **options: Any) -> int:
        async with self.http.get(url, **options) as answer:
            assert answer.status == 404 or answer.headers["Cache-Control"] == "no-store"
            return answer.status

    async def send(
        self, url: str, mask: bytes, *, prompt: str = "1girl, hat", origin: str | None = None
    ) -> tuple[int, str]:
        form = FormData()
        form.add_field("prompt", prompt)
        form.add_field("strength", "0.9")
        form.add_field("mask", io.BytesIO(mask), filename="mask.png", content_type="image/png")
        headers = {"Origin": origin or self.origin}
        async with self.http.post(f"{url}/draw", data=form, headers=headers) as answer:
            if answer.content_type != "application/json":
                return answer.status, await answer.text()
            said = await answer.json()
            assert said["done"] == (answer.status == 200)
            return answer.status, said["words"]


@asynccontextmanager
async def painting(place: Discord, **settings: Any) -> AsyncGenerator[Easel]:
    port = free_port("127.0.0.1", 28200)
    values: dict[str, Any] = {
        "web_address": f"127.0.0.1:{port}", "web_requests_per_minute": 100_000
    }  # fmt: skip
    async with open_bot(place, **values | settings) as running, ClientSession() as http:
        services = running.services
        async with serving(
            services.settings, client=running.bot, clock=place.clock, painting=services.painting
        ) as origin:
            yield Easel(running=running, http=http, origin=origin)


async def link(visitor: Visitor, message: MessageView) -> str:
    answer = await whole(await visitor.press(message, "Paint"))
    assert answer.ephemeral
    (button,) = answer.buttons
    return str(button["url"])


async def size_of(running: Running, job: JobRecord) -> tuple[int, int]:
    _, (picture,) = await running.services.results.pictures_of(job.id)
    return picture.width, picture.height


async def about_to_paint(page: Easel, visitor: Visitor, **options: Any) -> tuple[str, bytes]:
    """A link to paint on a new picture, and a mask that was painted there."""
    job, message = await drawn(visitor, page.running, **options)
    return await link(visitor, message), painted(await size_of(page.running, job))


def painted(size: tuple[int, int], box: tuple[int, int, int, int] | None = None) -> bytes:
    """White in `box` (none: the left half), black elsewhere, as a browser's canvas sends it."""
    image = Image.new("RGBA", size, (0, 0, 0, 255))
    image.paste((255, 255, 255, 255), box or (0, 0, size[0] // 2, size[1]))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def as_words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_a_painted_part_is_redrawn_and_posted_as_a_reply(
    place: Discord, alice: Visitor
) -> None:
    async with painting(place) as page:
        running = page.running
        first, message = await drawn(alice, running)
        url = await link(alice, message)
        size = await size_of(running, first)
        async with page.http.get(url) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            html = await answer.text()
        assert "1girl, smile" in html
        async with page.http.get(f"{url}/picture.png") as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            assert Image.open(io.BytesIO(await answer.read())).size == size
        status, said = await page.send(url, painted(size))
        assert (status, "on Discord" in said) == (200, True)
        job = await new_job(running, 1)
        request = job.request
        _, (picture,) = await running.services.results.pictures_of(first.id)
        assert (job.user_id, job.channel_id, job.state) == (IDS.alice, IDS.general, "finished")
        assert (request.init_picture, request.strength) == (picture.content_hash, 0.9)
        assert request.prompt.startswith("1girl, hat")
        (mask,) = (place.folder / "uploads").rglob(f"{request.mask}.png")
        levels = np.asarray(Image.open(mask))
        assert (levels[:, : size[0] // 2] == 255).all()
        assert (levels[:, size[0] // 2 :] == 0).all()
        shown = alice.member.message(job.message_id or 0)
        assert "Redrawn in part" in shown.text
        sent = place.world.messages[job.message_id or 0]
        assert sent.reply_to == message.id
        again, words = await page.send(url, painted(size))
        assert (again, "used" in words) == (404, True)
        assert await page.status(url) == await page.status(f"{url}/picture.png") == 404
        assert len(await running.jobs()) == 2


async def test_two_at_once_are_one_job(place: Discord, alice: Visitor) -> None:
    async with painting(place) as page:
        url, mask = await about_to_paint(page, alice)
        answers = await asyncio.gather(*(page.send(url, mask) for _ in range(3)))
        assert [status for status, _ in answers].count(200) == 1
        await new_job(page.running, 1)
        assert len(await page.running.jobs()) == 2


async def test_bad_masks_are_refused_in_words_and_the_link_stays(
    place: Discord, alice: Visitor
) -> None:
    async with painting(place) as page:
        first, message = await drawn(alice, page.running)
        url, size = await link(alice, message), await size_of(page.running, first)
        whole_mask = painted(size, (0, 0, *size))
        for mask, status, words in (
            (painted(size, (0, 0, 0, 0)), 400, "Nothing is marked"),
            (painted((size[0] + 8, size[1])), 400, str(size[0])),
            (b"", 400, "can't read that mask"),
            (whole_mask[: len(whole_mask) // 2], 400, "can't read that mask"),
            (b"\0" * (MAX_MASK_BYTES + 1), 413, "too large"),
        ):
            given, said = await page.send(url, mask)
            assert given == status, said
            assert words in said
        status, _ = await page.send(url, whole_mask, origin="https://elsewhere.example")
        assert status == 403
        async with page.http.post(
            f"{url}/draw", data=b"x" * 9, headers={"Origin": page.origin}
        ) as answer:
            assert answer.status == 400
        assert len(await page.running.jobs()) == 1
        assert (await page.send(url, whole_mask))[0] == 200, "everything is a mask, too"


async def test_large_and_slow_bodies_end(
    place: Discord, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with painting(place) as page:
        _, message = await drawn(alice, page.running)
        url = await link(alice, message)
        path, port = url.split("/", 3)[3], int(page.origin.rpartition(":")[2])
        start = (
            f"POST /{path}/draw HTTP/1.1\r\nHost: localhost\r\nOrigin: {page.origin}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n"
        )

        async def answered(head: str, body: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + body)
            line = await reader.readline()
            writer.close()
            return line

        large = f"{start}Content-Length: {50 * 2**20}\r\n\r\n"
        assert b" 413 " in await answered(large, b"--x\r\n")
        monkeypatch.setattr(easel, "OF_A_PERSON", 1)
        read, begun = easel._read, asyncio.Event()  # pyright: ignore[reportPrivateUsage]

        async def reading(request: web.Request) -> Any:
            begun.set()
            return await read(request)

        monkeypatch.setattr(easel, "_read", reading)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{start}Content-Length: 999\r\n\r\n--x\r\n".encode())
        await begun.wait()
        assert b" 503 " in await answered(f"{start}Content-Length: 999\r\n\r\n", b"--x\r\n")
        writer.close()
        monkeypatch.setattr(easel, "OF_A_PERSON", 9)
        monkeypatch.setattr(easel, "BODY_S", 0.2)
        assert b" 408 " in await answered(f"{start}Content-Length: 999\r\n\r\n", b"--x\r\n")
        monkeypatch.setattr(easel, "AT_ONCE", 0)
        assert b" 503 " in await answered(f"{start}Content-Length: 0\r\n\r\n", b"")
        assert len(await page.running.jobs()) == 1


async def test_forms_that_are_none_of_ours_hold_nothing_up(place: Discord, alice: Visitor) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="p"\r\n\r\n\r\n'
    head = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    strange = head % (b"prompt", b"1girl") + head % (b"mask", b"")
    async with painting(place) as page:
        _, message = await drawn(alice, page.running)
        url = await link(alice, message)

        async def status(body: bytes) -> int:
            async def pieces() -> AsyncGenerator[bytes]:
                for at in range(0, len(body), 2**16):
                    yield body[at : at + 2**16]

            began = time.process_time()
            form = {"Content-Type": "multipart/form-data; boundary=x", "Origin": page.origin}
            async with page.http.post(f"{url}/draw", data=pieces(), headers=form) as answer:
                assert time.process_time() - began < 5  # a minute, if read line by line
                return answer.status

        assert await status(part * 75_000 + b"--x--\r\n") == 400
        assert await status(b"\r\n" * 2_000_000) == 400
        assert await status(b"--x\r\nA: " + b"a" * 2**22 + b"\r\n\r\n\r\n--x--") == 400
        for strength in (b"nan", b"inf", b"1e999", b""):
            assert await status(strange + head % (b"strength", strength) + b"--x--") == 400
        assert await status(strange + head % (b"strength", b"0.5")) == 400
        assert len(await page.running.jobs()) == 1


async def test_no_other_link_opens_it_and_it_ends(place: Discord, alice: Visitor) -> None:
    async with painting(place) as page:
        _, message = await drawn(alice, page.running)
        url = await link(alice, message)
        changed = url[:-1] + ("A" if url[-1] != "A" else "B")
        for other in (changed, url[:-1], f"{url}x", url.rpartition("/")[0] + "/"):
            assert await page.status(other) == 404, other
            assert (await page.send(other, b""))[0] in {404, 405}
        place.advance(GOOD_FOR_S - 60)
        assert await page.status(url) == 200
        place.advance(120)
        assert await page.status(url) == await page.status(f"{url}/picture.png") == 404


async def test_only_its_owner_gets_a_link(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with painting(place) as page:
        first, message = await drawn(alice, page.running)
        assert "Paint" in labels(await alice.more(message))
        assert "Paint" not in labels(await bob.more(message))
        _, (picture,) = await page.running.services.results.pictures_of(first.id)
        _, own = await drawn(bob, page.running)
        forge(place, own, f"ekaki:paint:{picture.id}")
        sent = await bob.member.press(own, f"ekaki:paint:{picture.id}")
        assert "http" not in await text_of(sent)
        assert not (await whole(sent)).buttons


async def test_without_a_page_there_is_no_button(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        assert "Paint" not in labels(await alice.more(message))


async def test_a_deleted_picture_ends_its_links(place: Discord, alice: Visitor) -> None:
    async with painting(place) as page:
        url, mask = await about_to_paint(page, alice)
        actor = Actor(user_id=IDS.alice, guild_id=IDS.guild, channel_id=IDS.general)
        await page.running.services.results.delete((await page.running.job()).id, actor=actor)
        assert await page.status(url) == await page.status(f"{url}/picture.png") == 404
        assert (await page.send(url, mask))[0] == 404


async def test_the_present_ceiling_and_blocks_count(place: Discord, alice: Visitor) -> None:
    async with painting(place) as page:
        services = page.running.services

        async def allow(ceiling: Rating) -> None:
            async with services.database.transaction() as connection:
                await place_settings.set_ratings(
                    connection, scope="guild", id=IDS.guild, guild_id=IDS.guild,
                    ceiling=ceiling, default=None,
                )  # fmt: skip

        await allow(Rating.SENSITIVE)
        url, mask = await about_to_paint(page, alice, rating="sensitive")
        await allow(Rating.SAFE)
        async with page.http.get(url) as answer:
            assert answer.status == 403
            assert "rated sensitive" in as_words(await answer.text())
        assert await page.status(f"{url}/picture.png") == 404
        status, words = await page.send(url, mask)
        assert (status, "rated sensitive" in words) == (403, True)
        await allow(Rating.SENSITIVE)
        assert await page.status(url) == 200
        actor = Actor(user_id=IDS.owner, guild_id=IDS.guild, channel_id=IDS.general)
        await services.moderators.block(
            actor, subject_id=IDS.alice, duration_s=3600.0, reason="a rest"
        )
        status, words = await page.send(url, mask)
        assert status == 403
        assert "a rest" in words
        assert "<t:" not in words
        assert await page.status(url) == 403
        assert len(await page.running.jobs()) == 1


async def test_limits_are_told_and_the_link_stays(place: Discord, alice: Visitor) -> None:
    async with painting(place, pictures_per_hour=1) as page:
        url, mask = await about_to_paint(page, alice)
        status, words = await page.send(url, mask)
        assert (status, "in an hour" in words) == (403, True)
        assert await page.status(url) == 200
        place.advance(GOOD_FOR_S - 60)
        assert await page.status(url) == 200


async def test_a_private_picture_comes_where_the_link_was(place: Discord, alice: Visitor) -> None:
    async with painting(place) as page:
        first, message = await drawn(alice, page.running, private=True)
        url = await link(alice, message)
        assert (await page.send(url, painted(await size_of(page.running, first))))[0] == 200
        job = await new_job(page.running, 1)
        assert job.private
        assert place.seen(IDS.general) == []
        shown = alice.member.message(job.message_id or 0)
        assert shown.ephemeral
        await until(lambda: alice.member.message(job.message_id or 0).attachments)


async def test_links_outlive_a_restart_and_are_in_no_backup(place: Discord, alice: Visitor) -> None:
    async with painting(place) as page:
        first, message = await drawn(alice, page.running)
        path = (await link(alice, message)).split("/", 3)[3]
        size = await size_of(page.running, first)
    async with painting(place) as page:
        assert (await page.send(f"{page.origin}/{path}", painted(size)))[0] == 200
        await new_job(page.running, 1)
        database = page.running.services.database
    await asyncio.to_thread(remove_secrets, database.path)
    async with painting(place) as page:
        assert await page.running.services.database.read(_links) == 0


async def _links(connection: Any) -> int:
    return int(await connection.value("SELECT count(*) FROM paint_links"))


async def test_who_is_signed_in_as_somebody_else_finds_nothing(
    place: Discord, alice: Visitor
) -> None:
    async with painting(place) as page:
        url, mask = await about_to_paint(page, alice)
        for user_id, status in ((IDS.bob, 404), (IDS.alice, 200)):
            async with page.running.services.database.transaction() as connection:
                key = hashlib.sha256(str(user_id).encode()).hexdigest()
                session = WebSession(
                    user_id=user_id, name="x", guild_ids=frozenset(),
                    expires_at=place.clock.time() + 3600,
                )  # fmt: skip
                await web_sessions.insert(connection, key=key, session=session)
            cookie = {"Cookie": f"ekaki={user_id}"}
            assert await page.status(url, headers=cookie) == status
            assert await page.status(f"{url}/picture.png", headers=cookie) == status
        assert (await page.send(url, mask))[0] == 200


async def test_who_left_the_server_or_lost_the_channel_is_refused(
    place: Discord, alice: Visitor
) -> None:
    async with painting(place) as page:
        url, mask = await about_to_paint(page, alice)
        members = place.world.guilds[IDS.guild].members
        member = members.pop(IDS.alice)
        status, words = await page.send(url, mask)
        assert (status, "can't see the channel" in words) == (403, True)
        assert await page.status(url) == 403
        members[IDS.alice] = member
        assert await page.status(url) == 200
        assert len(await page.running.jobs()) == 1


async def test_what_was_accepted_before_a_restart_is_posted_once(
    place: Discord, alice: Visitor
) -> None:
    async with painting(place) as page:
        url, mask = await about_to_paint(page, alice)
        page.running.engine.hold()
        assert (await page.send(url, mask))[0] == 200
    async with painting(place) as page:
        job = await new_job(page.running, 1)
        assert (job.state, bool(job.request.mask)) == ("finished", True)
        found = [each for each in place.seen(IDS.general) if each.attachments]
        assert len(found) == 2
        assert await page.status(f"{page.origin}/{url.split('/', 3)[3]}") == 404
