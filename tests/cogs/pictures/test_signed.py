"""Pictures are signed as they leave, and only pictures that were drawn here."""

import io
import zipfile
from collections.abc import AsyncGenerator
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from bot.playground.simulator.default_world import IDS
from data.jobs import pictures
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot
from tests.support.certificates import make_certificate
from tests.support.credentials import is_signed, manifest
from tests.support.views import MessageView

pytestmark = pytest.mark.skipif(find_spec("c2pa") is None, reason="c2pa-python is not installed")


@pytest.fixture
async def running(place: Discord, tmp_path: Path) -> AsyncGenerator[Running, None]:
    files = make_certificate(tmp_path)
    async with open_bot(
        place, c2pa_certificate=str(files.certificate), c2pa_key=str(files.key)
    ) as running:
        yield running


def drawn(alice: Visitor) -> MessageView:
    """The latest message with a picture."""
    seen = alice.member.visible_messages(IDS.general)
    return [message for message in seen if message.attachments][-1]


async def test_a_picture_is_signed_on_its_way_and_stored_as_it_was(
    running: Running, alice: Visitor
) -> None:
    job = await alice.draw(running, "1girl, umbrella")
    [file] = drawn(alice).attachments
    manifest(file.data, "png")
    async with running.services.database.reader() as connection:
        [picture] = await pictures.of_job(connection, job_id=job.id)
    content_hash = picture.content_hash
    path = running.place.folder / "pictures" / content_hash[:2] / f"{content_hash}.png"
    stored = path.read_bytes()
    assert not is_signed(stored, "png")
    assert len(stored) < len(file.data)


async def test_an_export_signs_pictures_and_leaves_what_people_sent(
    running: Running, alice: Visitor
) -> None:
    photo = io.BytesIO()
    Image.effect_noise((64, 64), 60).convert("RGB").save(photo, "PNG")
    await alice.draw(running, "1girl", image=("photo.png", photo.getvalue()), strength=0.6)
    sent = await alice.member.slash("privacy export", {}, channel=IDS.general)
    await alice.member.wait_for(lambda: sent.message and sent.message.attachments)
    assert sent.message is not None
    with zipfile.ZipFile(io.BytesIO(sent.message.attachments[0].data)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    signed = {name.partition("/")[0]: is_signed(data, "png")
              for name, data in found.items() if name.endswith(".png")}  # fmt: skip
    assert signed == {"pictures": True, "uploads": False}


async def test_a_signed_picture_can_be_sent_again_to_start_from(
    running: Running, alice: Visitor
) -> None:
    await alice.draw(running, "1girl, umbrella")
    [file] = drawn(alice).attachments
    job = await alice.draw(running, "1girl", image=(file.filename, file.data), strength=0.6)
    assert job.state == "finished"
