"""Faces in Discord: the option, the button behind More, and the area of the form."""

from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.canvas import Box
from pipeline.faces.cascade_file import Cascade, Stage, write_cascade
from pipeline.faces.found import Face
from pipeline.faces.second_pass import SecondPass
from tests.cogs.pictures.test_redraw import form_of, redrawn
from tests.cogs.pictures.test_results import drawn, new_job
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, labels, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until


class One:
    """A face in every picture."""

    def find(self, image: Image.Image) -> list[Face]:
        del image
        return [Face(box=Box(left=10, top=10, right=18, bottom=18), score=1.0)]


class Never:
    """No face in any picture."""

    def find(self, image: Image.Image) -> list[Face]:
        del image
        return []


def second_pass() -> SecondPass:
    return SecondPass(FakeEngine(), One())


def everywhere(folder: Path) -> Path:
    """The file of a finder that takes every window for a face."""
    stage = Stage(
        features=np.array([(0, 0, 4, 4)], np.intp),
        values=np.where(np.arange(256) == 0, np.float32(0.5), np.float32(1))[np.newaxis],
        threshold=0.0,
    )
    path = folder / "everywhere.xml"
    write_cascade(Cascade(width=24, height=24, stages=(stage,)), path, comment="A test's.")
    return path


async def test_small_faces_are_drawn_again_and_that_is_said(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, loads=[second_pass]) as running:
        await until(lambda: running.services.jobs.runner.engines.model)
        job = await alice.draw(running, "1girl", faces=True)
        shown = alice.member.message(job.message_id or 0)
        assert "1 face drawn again" in shown.text
        again = await alice.draw(running, "1girl --faces")
        assert again.request.faces
        await alice.press(shown, "Re-roll")
        assert (await new_job(running, 2)).request.faces


async def test_faces_of_a_finished_picture(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with open_bot(place, loads=[second_pass]) as running:
        first, message = await drawn(alice, running)
        await bob.press(await bob.more(message), "Redraw faces")
        job = await new_job(running, 1)
        assert (job.user_id, job.request.only_faces) == (bob.member.user_id, True)
        assert (job.request.seed, job.request.prompt) == (first.request.seed, first.request.prompt)
        shown = alice.member.message(job.message_id or 0)
        assert "Small faces redrawn" in shown.text
        assert "1 face drawn again" in shown.text


async def test_no_small_face_is_said_and_not_offered_again(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, loads=[lambda: SecondPass(FakeEngine(), Never())]) as running:
        await until(lambda: running.services.jobs.runner.engines.model)
        asked = await alice.draw(running, "1girl", faces=True)
        message = alice.member.message(asked.message_id or 0)
        assert "no small face found" in message.text
        await alice.press(await alice.more(message), "Redraw faces")
        job = await new_job(running, 1)
        ended = alice.member.message(job.message_id or 0)
        assert "no small face in this picture" in str(ended.embeds)
        assert not labels(ended)


async def test_without_a_finder_nothing_of_it_is_offered(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        assert "Redraw faces" not in labels(await alice.more(message))
        answer = await alice.answer("imagine", prompt="1girl", faces=True)
        assert answer.ephemeral
        assert "can't find faces" in answer.text


async def test_the_form_redraws_faces_by_name(
    place: Discord, alice: Visitor, tmp_path: Path
) -> None:
    async with open_bot(place, faces=str(everywhere(tmp_path))) as running:
        _, message = await drawn(alice, running)
        sent = await form_of(alice, message)
        area = sent.modal["components"][0]["component"]
        assert (area["options"][0]["label"], area["options"][0]["value"]) == ("Faces", "faces")
        job = await redrawn(alice, running, message, area=["faces"])
        assert job.request.mask
        assert job.state == "finished"
