"""`/imagine image: strength:`: a picture to begin from, checked before it is decoded."""

import asyncio
import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from bot.playground.simulator.default_world import IDS
from cogs.drawing import submission
from tests.cogs.pictures.test_results import new_job, text_of
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot
from tests.support.faults import Fault
from tests.support.patience import until


def picture(kind: str = "PNG", *, width: int = 120, height: int = 80) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, kind)
    return out.getvalue()


def bomb() -> bytes:
    """3.6 gigapixels in a few bytes."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_begins_from_the_image(place: Discord, alice: Visitor, kind: str) -> None:
    async with open_bot(place) as running:
        options: dict[str, Any] = {
            "prompt": "1girl", "image": (f"photo.{kind.lower()}", picture(kind)), "strength": 0.4,
        }  # fmt: skip
        sent = await alice.member.slash("imagine", options, channel=IDS.general)
        job = await new_job(running, 0)
    assert not sent.ephemeral
    assert (job.state, job.request.strength) == ("finished", 0.4)
    assert job.request.init_picture
    assert (job.request.width, job.request.height) == (1216, 832)  # nearest to 120 x 80


async def test_it_can_be_rerolled_and_remixed(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        options = {"prompt": "1girl", "image": ("photo.png", picture())}
        await alice.member.slash("imagine", options, channel=IDS.general)
        first = await new_job(running, 0)
        message = alice.member.message(first.message_id or 0)
        await alice.member.press(message, "Re-roll")
        again = await new_job(running, 1)
        sent = await alice.press(message, "Remix")
        await alice.member.submit_modal(sent, {"prompt": "1boy"})
        remixed = await new_job(running, 2)
    kept = {job.request.init_picture for job in (first, again, remixed)}
    assert kept == {first.request.init_picture}
    assert remixed.request.prompt.startswith("1boy")


async def test_the_form_takes_a_picture_too(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        options = {"image": ("photo.png", picture()), "strength": 0.9}
        sent = await alice.member.slash("imagine-form", options, channel=IDS.general)
        assert sent.modal is not None
        await alice.member.submit_modal(sent, {"modal_prompt": "1girl"})
        job = await new_job(running, 0)
    assert job.request.init_picture
    assert job.request.strength == 0.9


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("photo.png", b"not a picture at all", "can't read"),
        ("photo.png", b"", "can't read"),
        ("photo.png", picture()[:60], "can't read"),
        ("photo.gif", picture("GIF"), "PNG, JPEG"),
        ("photo.png", picture("GIF"), "can't read"),
        ("photo.png", bomb(), "too many pixels"),
        ("photo.png", bytes(21 * 2**20), "too large"),
        ("photo.png", bytes(11 * 2**20), "can't read"),
        ("notes.txt", b"words", "PNG, JPEG"),
    ],
    ids=["text", "empty", "cut", "gif", "gif as png", "bomb", "21 MiB", "11 MiB", "txt"],
)
async def test_what_is_no_fit_picture_is_refused_and_costs_nothing(
    place: Discord, alice: Visitor, name: str, data: bytes, told: str
) -> None:
    async with open_bot(place) as running:
        options = {"prompt": "1girl", "image": (name, data)}
        sent = await alice.member.slash("imagine", options, channel=IDS.general)
        assert told in await text_of(sent)
        assert await running.jobs() == []
        assert await running.used() == 0
        assert not list((place.folder / "uploads").rglob("*.png"))


async def test_strength_needs_an_image(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        options = {"prompt": "1girl", "strength": 0.5}
        sent = await alice.member.slash("imagine", options, channel=IDS.general)
        assert "Attach an image" in await text_of(sent)


@pytest.fixture
def slow(place: Discord, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The next download goes on once this is set; the bot does not wait for it with its answer."""
    monkeypatch.setattr(submission, "UNDECIDED_S", 0.1)
    arrives = asyncio.Event()
    place.loopback.faults.add(Fault(method="GET", path="/cdn/", until=arrives))
    return arrives


async def test_a_slow_download_is_deferred_and_still_drawn(
    place: Discord, alice: Visitor, slow: asyncio.Event
) -> None:
    async with open_bot(place) as running:
        options = {"prompt": "1girl", "image": ("photo.png", picture())}
        sent = await alice.member.slash("imagine", options, channel=IDS.general)
        assert sent.message is not None
        assert sent.message.loading
        slow.set()
        assert (await new_job(running, 0)).state == "finished"


async def test_a_slow_download_that_is_refused_leaves_no_placeholder(
    place: Discord, alice: Visitor, slow: asyncio.Event
) -> None:
    async with open_bot(place):
        options = {"prompt": "1girl", "image": ("photo.png", b"text")}
        sent = await alice.member.slash("imagine", options, channel=IDS.general)
        slow.set()
        told = await until(lambda: sent.followups)
        assert told[0].ephemeral
        assert place.seen(IDS.general) == []
