"""LoRAs as members use them: chosen, carried on, and removed or forbidden while requests wait."""

import asyncio
from pathlib import Path

import pytest

from bot.jobs.draw import drawing
from bot.loras.scan import manifest_path
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Role
from cogs.drawing.credit import credit_of
from data.guilds import guild_loras
from pipeline.canvas import Extend
from pipeline.card import Sampler
from pipeline.errors import InputError
from pipeline.lora.recipe import Recipe
from pipeline.rating import Rating
from pipeline.request import ResolvedRequest
from tests.bot.loras.making import put
from tests.cogs.pictures.test_redraw import extend
from tests.cogs.pictures.test_results import drawn
from tests.cogs.running import Discord, Running, words
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S, until

ARTISTS = 700000000000000001
FEW = Recipe(num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.LCM)


@pytest.fixture
def loras(place: Discord) -> Path:
    """The folder of a library."""
    folder = place.folder / "loras"
    put(folder, "ink", triggers=("ink wash",), strength=0.7, author="Sumi", licence="CC0")
    put(folder, "水彩", b"watercolour")
    put(folder, "lamp", b"lamp", rating=Rating.NSFW)
    return folder


def removed(folder: Path, name: str) -> None:
    manifest_path(folder, name).unlink()


async def waiting_and_drawn(running: Running, alice: Visitor, bob: Visitor) -> None:
    """Alice's with a LoRA waits behind Bob's without."""
    running.engine.hold()
    await bob.imagine("1boy, sword")
    await until(lambda: running.engine.started.acquire(blocking=False))
    await alice.imagine("1girl, hat", lora="ink:0.5")


async def test_two_members_draw_with_their_own(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        one, _ = await drawn(alice, running, prompt="1girl", lora="ink:0.5")
        other, _ = await drawn(bob, running, prompt="1boy <lora:水彩:1.2>, hat")
    assert [(each.name, each.strength) for each in one.request.loras] == [("ink", 0.5)]
    assert [(each.name, each.strength) for each in other.request.loras] == [("水彩", 1.2)]
    assert "ink wash" in one.request.prompt
    assert other.request.prompt.startswith("1boy, hat")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("inc", "Similar names: `ink`"),
        ("../../etc/passwd", "no LoRA called `../../etc/passwd`"),
        ("ink:0,8", "`0,8` can't be the strength of the LoRA `ink`"),
        ("ink:9", "from -2 to 2"),
        ("ink:nan", "`nan` can't be the strength"),
        ("lamp", "no LoRA called `lamp` that can be used here"),
        (":1", "has no name of a LoRA"),
    ],
)
async def test_what_can_not_be_used_is_answered_in_private(
    place: Discord, loras: Path, alice: Visitor, typed: str, said: str
) -> None:
    async with open_bot(place) as running:
        answer = await alice.answer("imagine", prompt="1girl", lora=typed)
        assert answer.ephemeral
        assert said in answer.text
        assert f"--lora {typed}" in answer.text  # what was typed comes back
        assert await running.used() == 0


async def test_unknown_ones_in_a_pasted_prompt_are_left_out(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, prompt="1girl <lora:inks:1>" + "<lora:a b:1>" * 19)
        told = place.world.messages[message.id].content
    assert "`<lora:inks:1>` (similar: `ink`), `<lora:a b:1>`" in told
    assert "/lora" in told


async def test_what_is_drawn_on_carries_them(place: Discord, loras: Path, alice: Visitor) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running, prompt="1girl <lora:ink:0.5>")
        count = 1
        for label in ("Re-roll", "Vary", "Vary (subtle)", "Upscale"):
            await alice.press(message, label)
            count += 1
            await running.all_delivered(count)
        for job in await running.jobs():
            assert job.request.loras == first.request.loras
            assert job.request.prompt.count("ink wash") == 1
        form = await alice.press(message, "Remix")
        assert form.modal is not None
        assert form.modal["components"][2]["component"]["value"].count("--lora ink:0.5") == 1


async def test_a_preset_keeps_them(place: Discord, loras: Path, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await alice.answer("preset save", name="mine", lora="ink:0.4")
        job, _ = await drawn(alice, running, prompt="1girl", saved="mine")
    assert [(each.name, each.strength) for each in job.request.loras] == [("ink", 0.4)]


@pytest.mark.parametrize("restart", [False, True])
async def test_one_that_is_removed_ends_only_the_requests_that_wait_for_it(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor, restart: bool
) -> None:
    async with open_bot(place) as running:
        await waiting_and_drawn(running, alice, bob)
        removed(loras, "ink")
        if not restart:
            await running.services.loras.refresh()
            await _ends_kindly(place, running, alice)
    if restart:
        async with open_bot(place) as running:
            await _ends_kindly(place, running, alice)


@pytest.mark.parametrize("restart", [False, True])
async def test_one_that_a_server_forbids_meanwhile_ends_them_too(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor, restart: bool
) -> None:
    async with open_bot(place) as running:
        await waiting_and_drawn(running, alice, bob)
        await running.services.database.write(
            guild_loras.put, guild_id=IDS.guild, role_id=IDS.guild, allowed=frozenset({"水彩"})
        )
        if not restart:
            await _ends_kindly(place, running, alice)
    if restart:
        async with open_bot(place) as running:
            await _ends_kindly(place, running, alice)


async def test_the_roles_count_that_somebody_had_when_they_asked(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor
) -> None:
    guild = place.world.guilds[IDS.guild]
    guild.roles[ARTISTS] = Role(id=ARTISTS, name="artists", permissions=0)
    guild.members[IDS.alice].role_ids.append(ARTISTS)
    async with open_bot(place) as running:

        async def allow(role_id: int, *names: str) -> None:
            await running.services.database.write(
                guild_loras.put, guild_id=IDS.guild, role_id=role_id, allowed=frozenset(names)
            )

        await allow(ARTISTS, "ink", "水彩")
        await waiting_and_drawn(running, alice, bob)
        await alice.imagine("1girl, cat", lora="水彩")
        await allow(IDS.guild)
        await allow(ARTISTS, "水彩")
        running.engine.release()
        await running.all_delivered(3)
        assert [job.state for job in await running.jobs()] == ["finished", "failed", "finished"]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be read is tried again soon."""
    monkeypatch.setattr(drawing, "LORAS_AGAIN_S", 0.05)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("restart", [False, True])
async def test_requests_wait_while_the_folder_is_not_mounted(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor, restart: bool
) -> None:
    elsewhere = loras.with_name("elsewhere")
    async with open_bot(place) as running:
        await waiting_and_drawn(running, alice, bob)
        loras.rename(elsewhere)
        if not restart:
            await _waits_alone(running, bob, elsewhere, loras)
    if restart:
        async with open_bot(place) as running:
            await _waits_alone(running, bob, elsewhere, loras)


async def _waits_alone(running: Running, bob: Visitor, elsewhere: Path, loras: Path) -> None:
    """Others are drawn before Alice's, which is drawn once the folder is there again."""
    running.engine.release()
    await bob.imagine("1boy, lake")
    async with asyncio.timeout(PATIENCE_S):
        while [job.state for job in await running.jobs()] != ["finished", "queued", "finished"]:
            await asyncio.sleep(0.05)
    elsewhere.rename(loras)
    await running.all_delivered(3)
    assert {job.state for job in await running.jobs()} == {"finished"}


@pytest.mark.usefixtures("soon")
async def test_a_folder_that_goes_while_it_is_drawn_is_waited_for(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    elsewhere = loras.with_name("elsewhere")
    failed: list[int] = []

    def unmounted(request: ResolvedRequest, step: int) -> Exception | None:
        if failed:
            return None
        failed.append(step)
        loras.rename(elsewhere)
        return InputError("lora_gone", name=request.loras[0].name)

    async with open_bot(place, engine=FakeEngine(fail_at=unmounted)) as running:
        await alice.imagine("1girl, hat", lora="ink:0.5")
        await until(elsewhere.exists)
        elsewhere.rename(loras)
        await running.all_delivered(1)
        assert (await running.job()).state == "finished"


async def test_another_of_the_same_name_is_not_credited_for_earlier_pictures(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job, _ = await drawn(alice, running, prompt="1girl", lora="ink:0.5")
        assert "LoRA ink 0.5 by Sumi" in await credit_of(running.bot, job)
        put(loras, "ink", b"another", author="Somebody")
        await running.services.loras.refresh()
        assert await credit_of(running.bot, job) == "LoRA ink 0.5"


async def test_a_folder_that_stays_away_ends_them(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LORAS_WAIT_S", 0.0)
    async with open_bot(place) as running:
        await waiting_and_drawn(running, alice, bob)
        loras.rename(loras.with_name("elsewhere"))
        await _ends_kindly(place, running, alice)


async def test_one_that_is_rated_higher_meanwhile_ends_them(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        await waiting_and_drawn(running, alice, bob)
        put(loras, "ink", rating=Rating.EXPLICIT)
        await _ends_kindly(place, running, alice)


async def _ends_kindly(place: Discord, running: Running, alice: Visitor) -> None:
    """Alice's fails, refunded, and can be drawn without; Bob's is drawn."""
    running.engine.release()
    await running.all_delivered(2)
    theirs, hers = await running.jobs()
    assert (theirs.state, hers.state) == ("finished", "failed")
    assert await running.used(IDS.alice) == 0
    message = next(
        each for each in place.seen(IDS.general, IDS.alice) if "LoRA `ink`" in words(each)
        or "LoRA ink" in words(each)
    )  # fmt: skip
    await alice.member.press(alice.member.message(message.id), "Draw without LoRA")
    await running.all_delivered(3)
    again = (await running.jobs())[-1]
    assert again.request.loras == ()
    assert again.request.original.prompt == "1girl, hat"
    assert again.state == "finished"


@pytest.mark.parametrize("label", ["Re-roll", "Vary", "Vary (subtle)", "Upscale"])
@pytest.mark.parametrize("forbidden", [False, True])
async def test_what_can_not_be_drawn_on_with_them_is_drawn_without(
    place: Discord, loras: Path, alice: Visitor, label: str, forbidden: bool
) -> None:
    async with open_bot(place) as running:
        put(loras, "few", b"few", triggers=("few words",), recipe=FEW)
        await running.services.loras.refresh()
        first = await alice.draw(running, "1girl <lora:few:0.5>, hat --ar 1:1")
        message = alice.member.message(first.message_id or 0)
        assert (first.request.num_inference_steps, first.request.sampler) == (8, Sampler.LCM)
        if forbidden:
            await running.services.database.write(
                guild_loras.put, guild_id=IDS.guild, role_id=IDS.guild, allowed=frozenset({"ink"})
            )
        else:
            removed(loras, "few")
            await running.services.loras.refresh()
        refusal = await whole(await alice.press(message, label))
        assert refusal.ephemeral
        assert "`few`" in refusal.text
        assert await running.used() == 1
        await alice.member.press(refusal, "Draw without LoRA")
        await running.all_delivered(2)
        again = (await running.jobs())[-1].request
    assert again.loras == ()
    assert again.original.lora is None
    assert "few words" not in again.prompt
    assert "1girl, hat" in again.prompt
    assert (again.num_inference_steps, again.sampler) == (28, Sampler.EULER_A)
    assert again.original.source == first.id


async def test_an_extension_is_drawn_without_one_that_is_gone(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        first = await alice.draw(running, "1girl <lora:ink:0.5>, hat --ar 1:1")
        removed(loras, "ink")
        await running.services.loras.refresh()
        message = alice.member.message(first.message_id or 0)
        refusal = await whole(await extend(alice, message, Extend.LEFT))
        assert "`ink`" in refusal.text
        assert list(labels(refusal)) == ["Draw without LoRA", "Edit prompt"]
    async with open_bot(place) as running:
        await alice.member.press(refusal, "Draw without LoRA")
        await running.all_delivered(2)
        again = (await running.jobs())[-1].request
    assert (again.loras, again.extend) == ((), Extend.LEFT)
    assert again.original.source == first.id


async def test_a_request_that_names_unknown_ones_is_drawn_without_any(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        await set_own(alice, "ink:0.4")
        refusal = await alice.answer(
            "imagine", prompt="1girl <lora:ink:1>, hat --seed 5", lora="gone", private=True
        )
        assert "no LoRA" in refusal.text
        shown = await whole(await alice.member.press(refusal, "Draw without LoRA"))
        assert shown.ephemeral
        await running.all_delivered(1)
        job = await running.job()
    assert (job.request.loras, job.request.seed, job.private) == ((), 5, True)
    assert job.request.original.prompt == "1girl, hat"


async def test_a_remix_whose_lora_is_gone_is_drawn_without_by_a_restarted_bot(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    put(loras, "few", b"few", recipe=FEW)
    async with open_bot(place) as running:
        first = await alice.draw(running, "1girl, hat", lora="few")
        message = alice.member.message(first.message_id or 0)
        removed(loras, "few")
        await running.services.loras.refresh()
        form = await alice.press(message, "Remix")
        refusal = await whole(await alice.member.submit_modal(form, {}))
        assert "`few`" in refusal.text
    async with open_bot(place) as running:
        await alice.member.press(refusal, "Draw without LoRA")
        await running.all_delivered(2)
        again = (await running.jobs())[-1].request
    assert again.loras == ()
    assert (again.num_inference_steps, again.sampler) == (28, Sampler.EULER_A)
    assert again.original.source == first.id


async def test_one_with_a_recipe_that_is_added_in_a_remix_brings_it(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    put(loras, "few", b"few", recipe=FEW)
    async with open_bot(place) as running:
        first = await alice.draw(running, "1girl, hat")
        message = alice.member.message(first.message_id or 0)

        async def remixed(settings: str, **typed: str) -> tuple[int, float, str]:
            """What is drawn with the form's settings line, `{}` for what it was filled in with."""
            form = await alice.press(message, "Remix")
            assert form.modal is not None
            given = form.modal["components"][2]["component"]["value"]
            known = len(await running.jobs())
            await alice.member.submit_modal(form, {"settings": settings.format(given), **typed})
            await running.all_delivered(known + 1)
            made = (await running.jobs())[-1].request
            return made.num_inference_steps, made.guidance_scale, str(made.sampler)

        usual = (28, first.request.guidance_scale, "Euler a")
        assert await remixed("{}") == usual
        assert await remixed("{} --lora ink") == usual
        assert await remixed("{} --lora few") == (8, 1.0, "LCM")
        job = (await running.jobs())[-1]
        told = place.world.messages[job.message_id or 0].content or ""
        assert "`--steps 8 --cfg 1 --sampler LCM`" in told
        assert await remixed("{}", prompt="1girl <lora:few:0.5>") == (8, 1.0, "LCM")
        assert await remixed("--lora few --steps 20") == (20, 1.0, "LCM")
        drawn_with = await alice.draw(running, "1girl", lora="few", steps=16)
        message = alice.member.message(drawn_with.message_id or 0)
        assert await remixed("{}") == (16, 1.0, "LCM")  # as its picture: nothing was added
    told = place.world.messages[drawn_with.message_id or 0].content or ""
    assert "made for" in told


async def test_a_press_that_is_refused_otherwise_has_no_such_button(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    async with open_bot(place, pictures_per_hour=1) as running:
        _, message = await drawn(alice, running, prompt="1girl", lora="ink")
        refusal = await whole(await alice.press(message, "Re-roll"))
        assert refusal.ephemeral
        assert not refusal.buttons
        assert "hour" in refusal.text


async def set_own(alice: Visitor, typed: str) -> str:
    """Write `typed` into the form of `/me`; returns what the panel says then."""
    panel = await alice.answer("me")
    form = await alice.member.press(panel, "LoRAs…")
    await alice.member.submit_modal(form, {"lora": typed})
    return alice.member.message(panel.id).text


async def test_own_loras_are_used_where_none_is_named(
    place: Discord, loras: Path, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        assert "ink:0.4, 水彩" in await set_own(alice, "ink:0.4 ,水彩")
        plain, _ = await drawn(alice, running, prompt="1girl")
        named, _ = await drawn(alice, running, prompt="1girl <lora:ink:1>")
        none, _ = await drawn(alice, running, prompt="1girl", lora="ink:0")
        other, _ = await drawn(bob, running, prompt="1boy")
        assert "LoRAs\nnot set" in await set_own(alice, "")
        after, _ = await drawn(alice, running, prompt="1girl")
    assert [(use.name, use.strength) for use in plain.request.loras] == [("ink", 0.4), ("水彩", 1)]
    assert "ink wash" in plain.request.prompt
    assert [(use.name, use.strength) for use in named.request.loras] == [("ink", 1)]
    assert none.request.loras == other.request.loras == after.request.loras == ()


async def test_own_loras_that_can_not_be_used_here_are_left_out(
    place: Discord, loras: Path, alice: Visitor
) -> None:
    put(loras, "lamp", b"lamp")
    async with open_bot(place) as running:
        await set_own(alice, "lamp, ink, 水彩")
        put(loras, "lamp", b"lamp", rating=Rating.NSFW)
        removed(loras, "水彩")
        await running.services.loras.refresh()
        job, message = await drawn(alice, running, prompt="1girl")
    assert [use.name for use in job.request.loras] == ["ink"]
    told = place.world.messages[message.id].content
    assert "Drawn without `2` of your own default LoRAs" in told
    assert "lamp" not in told


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("inc", "Similar names: `ink`"),
        ("lamb", "There is no LoRA called `lamb`"),  # `lamp` is not for everywhere
        ("lamp", "There is no LoRA called `lamp`"),
        ("ink:9", "from -2 to 2"),
        ("ink, 水彩, lamp, ink:1", "You asked for 4"),
    ],
)
async def test_own_loras_that_are_wrong_change_nothing(
    place: Discord, loras: Path, alice: Visitor, typed: str, said: str
) -> None:
    async with open_bot(place):
        await set_own(alice, "ink")
        panel = await alice.answer("me")
        form = await alice.member.press(panel, "LoRAs…")
        refused = await whole(await alice.member.submit_modal(form, {"lora": typed}))
        assert said in refused.text
        assert "ink" in (await alice.answer("me")).text
