"""The buttons under pictures: for their owner, for others, after a restart, in private, in DMs."""

import asyncio
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from cogs.common import orphans
from data.jobs.jobs import JobRecord
from pipeline.rating import Rating
from tests.cogs.drawing.test_withheld import allow
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.member import InteractionView
from tests.support.patience import PATIENCE_S, until
from tests.support.views import MessageView

SINGLE = ["Re-roll", "Vary", "Upscale", "Remix", "More"]
BEHIND = [
    "Vary (subtle)", "Vary (strong)", "Upscale", "Other prompt", "Redraw", "Keep this seed",
    "Favourite", "Settings", "Delete",
]  # fmt: skip
DRAWING = ("Re-roll", "Vary (subtle)", "Vary (strong)", "Upscale")


async def drawn(
    visitor: Visitor, running: Running, **options: Any
) -> tuple[JobRecord, MessageView]:
    """A finished picture and its message."""
    request: dict[str, Any] = {"prompt": "1girl, smile", "steps": 4, "seed": 42} | options
    job = await visitor.draw(running, **request)
    return job, visitor.member.message(job.message_id or 0)


async def new_job(running: Running, known: int) -> JobRecord:
    """The job after `known` others, once it is delivered."""
    async with asyncio.timeout(PATIENCE_S):
        while len(jobs := await running.jobs()) <= known or jobs[-1].delivery != "delivered":
            await asyncio.sleep(0.01)
    return jobs[-1]


async def text_of(sent: InteractionView) -> str:
    """What the presser reads, and only they."""
    assert (await whole(sent)).ephemeral
    return sent.text


def forge(place: Discord, message: MessageView, custom_id: str) -> None:
    """Put another `custom_id` on the first button, as no client could."""
    place.world.messages[message.id].components[-1]["components"][0]["custom_id"] = custom_id


async def test_a_picture_has_its_buttons(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
    assert list(labels(message)) == SINGLE


async def test_more_opens_the_rest_for_its_presser(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        own, theirs = await alice.more(message), await bob.more(message)
    assert (own.ephemeral, theirs.ephemeral) == (True, True)
    assert list(labels(own)) == BEHIND
    assert list(labels(theirs)) == [each for each in BEHIND if each != "Delete"]


@pytest.mark.parametrize("count", [2, 4])
async def test_several_pictures_have_a_menu_over_the_same_row(
    place: Discord, alice: Visitor, bob: Visitor, count: int
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, count=count)
        _, pictures = await running.services.results.pictures_of(job.id)
        assert list(labels(message)) == SINGLE
        (menu,) = message.selects
        assert menu["placeholder"] == f"Picture 1 to {count}"
        assert [each["label"] for each in menu["options"]] == [
            f"Picture {n}" for n in range(1, count + 1)
        ]
        assert [each["description"] for each in menu["options"]] == [
            f"seed {each.seed}" for each in pictures
        ]
        panel = await bob.more(message, 2)
        assert panel.ephemeral
        assert panel.text == f"Picture 2, seed {pictures[1].seed}"
        again = await bob.more(panel, 1)
        assert (again.id, again.text) == (panel.id, f"Picture 1, seed {pictures[0].seed}")
        assert place.world.messages[message.id].components == message.components


async def test_the_menu_works_after_a_restart_and_keeps_one_of_four(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, count=4)
    async with open_bot(place) as running:
        panel = await alice.more(message, 3)
        await text_of(await alice.press(panel, "Favourite"))
        _, pictures = await running.services.results.pictures_of(job.id)
        assert await running.services.results.favourites_among(
            user_id=IDS.alice, picture_ids=[each.id for each in pictures]
        ) == {pictures[2].id}
        assert len(await running.jobs()) == 1


async def test_more_of_several_pictures_concerns_all_until_one_is_chosen(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, count=2)
        panel = await alice.more(message)
        assert list(labels(panel)) == ["Other prompt", "Settings", "Delete"]
        assert "choose it in the menu" in panel.text
        assert list(labels(await alice.more(panel, 2))) == BEHIND


async def test_a_private_message_turns_into_its_panel_and_back(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, count=2, private=True)
        panel = await alice.more(message, 2)
        assert panel.id == message.id
        assert len(panel.attachments) == 2
        assert set(labels(panel)) == {*BEHIND, "Back"}
        await alice.member.press(panel, "Back")
        assert list(labels(alice.member.message(message.id))) == SINGLE


@pytest.mark.parametrize("label", DRAWING)
@pytest.mark.parametrize("by_owner", [True, False])
async def test_each_drawing_button_draws_at_the_pressers_expense(
    place: Discord, alice: Visitor, bob: Visitor, label: str, by_owner: bool
) -> None:
    presser, user_id = (alice, IDS.alice) if by_owner else (bob, IDS.bob)
    async with open_bot(place) as running:
        first, message = await drawn(alice, running)
        before = await running.used(user_id)
        sent = await presser.press(message, label)
        assert not sent.ephemeral
        job = await new_job(running, 1)
        assert (job.user_id, job.state) == (user_id, "finished")
        assert job.message_id != first.message_id
        assert await running.used(user_id) == before + 1
        request = job.request
        assert request.prompt == first.request.prompt
        if label == "Re-roll":
            assert (request.init_picture, request.seed != 42) == ("", True)
        elif label == "Vary (subtle)":
            assert (request.seed, request.init_picture) == (42, "")
            assert 0 < request.variation_strength < 1
        else:
            _, (picture,) = await running.services.results.pictures_of(first.id)
            assert request.init_picture == picture.content_hash
            assert (request.upscale_factor > 1) == (label == "Upscale")
        left = labels(alice.member.message(job.message_id or 0))
        assert ("Upscale" in left) == (label != "Upscale")


async def test_upscale_and_vary_ask_which_picture(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        first, message = await drawn(alice, running, count=2)
        _, pictures = await running.services.results.pictures_of(first.id)
        for known, label in enumerate(("Upscale", "Vary"), 1):
            asked = await whole(await alice.member.press(message, label))
            assert asked.ephemeral
            assert list(labels(asked)) == ["1", "2"]
            await alice.member.press(asked, "2")
            job = await new_job(running, known)
            assert job.request.init_picture == pictures[1].content_hash
            assert job.request.count == 1


async def test_buttons_work_after_a_restart(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
    async with open_bot(place) as running:
        for known, label in enumerate(DRAWING, 1):
            await alice.press(message, label)
            assert (await new_job(running, known)).state == "finished"
        assert (await alice.press(message, "Remix")).modal is not None
        assert "Steps: 4" in await text_of(await alice.press(message, "Settings"))


async def test_a_button_draws_nothing_while_the_bot_stops(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        before = await running.used()
        await running.bot.remove_cog("Inference")
        sent = await alice.member.press(message, "Re-roll")
        assert "shutting down" in await text_of(sent)
        assert len(await running.jobs()) == 1
        assert await running.used() == before


async def test_buttons_work_in_direct_messages(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        sent = await alice.member.slash("imagine", {"prompt": "1girl"}, channel=IDS.dm_alice)
        first = await new_job(running, 0)
        await alice.member.press(alice.member.message(first.message_id or 0), "Re-roll")
        job = await new_job(running, 1)
        assert (job.guild_id, job.channel_id) == (None, IDS.dm_alice)
        assert sent.message is not None


async def test_private_pictures_stay_private_when_drawn_on(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, private=True)
        assert message.ephemeral
        for known, label in enumerate(DRAWING, 1):
            sent = await alice.press(message, label)
            assert sent.ephemeral
            assert (await new_job(running, known)).private
    assert place.seen(IDS.general) == []


@pytest.mark.parametrize("action", ["reroll", "remix", "settings", "favourites", "delete"])
@pytest.mark.parametrize("who", ["bob", "moderator"])
async def test_private_pictures_are_their_owners(
    place: Discord, request: pytest.FixtureRequest, alice: Visitor, action: str, who: str
) -> None:
    """Even where somebody gets at a button's id. Moderators may look and delete, not draw."""
    visitor: Visitor = request.getfixturevalue(who)
    async with open_bot(place) as running:
        private, _ = await drawn(alice, running, private=True)
        _, public = await drawn(alice, running)
        custom_id = f"ekaki:{action}:{private.id}"
        forge(place, public, custom_id)
        sent = await visitor.member.press(public, custom_id)
        words = await text_of(sent)
        refused = "picture is private" in words or "Only the person" in words
        assert refused == (who == "bob" or action in {"reroll", "remix"})
        assert sent.modal is None
        assert len(await running.jobs()) == 2


@pytest.mark.parametrize(
    "custom_id",
    [
        "ekaki:teleport:abcdefghjkmn",
        "ekaki:reroll:tooshort",
        "ekaki:reroll:abcdefghjkmn:x",
        "another bot's",
    ],
)
async def test_a_button_of_another_version_is_answered_kindly(
    place: Discord, alice: Visitor, custom_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "ORPHAN_AFTER_S", 0.1)
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        forge(place, message, custom_id)
        words = await text_of(await alice.member.press(message, custom_id))
    assert "another version" in words


@pytest.mark.parametrize("action", ["reroll", "subtle", "upscale", "delete", "star"])
async def test_a_picture_that_is_gone_is_answered_kindly(
    place: Discord, alice: Visitor, action: str
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        custom_id = f"ekaki:{action}:abcdefghjkmn"
        forge(place, message, custom_id)
        words = await text_of(await alice.member.press(message, custom_id))
    assert "find" in words
    assert "went wrong" not in words


async def test_the_places_present_ceiling_counts(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        await allow(running, Rating.SENSITIVE)
        _, message = await drawn(alice, running, rating="sensitive")
        await allow(running, Rating.SAFE)
        for label in DRAWING:
            words = await text_of(await alice.press(message, label))
            assert "rated `sensitive`" in words
        assert len(await running.jobs()) == 1


async def test_limits_count_for_buttons(place: Discord, alice: Visitor) -> None:
    async with open_bot(place, pictures_per_hour=1) as running:
        _, message = await drawn(alice, running)
        assert "in an hour" in await text_of(await alice.member.press(message, "Upscale"))


async def test_settings_are_shown_to_be_copied(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, prompt="1girl, ```@everyone <@1>")
        sent = await bob.press(message, "Settings")
        words = await text_of(sent)
    block = words.split("```")[1]
    assert "Steps: 4, Sampler: Euler a" in block
    assert "Seed: 42" in block
    assert "@everyone" in block
    assert words.count("```") == 2
    assert "Fake" in words
    shown = sent.message
    assert shown is not None
    assert shown.mention_ids == []


async def test_long_settings_come_as_a_file(place: Discord, alice: Visitor) -> None:
    prompt = ", ".join(f"tag {n}" for n in range(400))
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, prompt=prompt)
        sent = await alice.press(message, "Settings")
        await text_of(sent)
    shown = sent.message
    assert shown is not None
    (file,) = shown.attachments
    assert file.filename == "settings.txt"
    assert b"tag 399" in file.data


async def test_a_favourite_is_each_persons_own(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running)
        _, (picture,) = await running.services.results.pictures_of(job.id)

        async def marked(user_id: int) -> bool:
            return picture.id in await running.services.results.favourites_among(
                user_id=user_id, picture_ids=[picture.id]
            )

        assert "Added" in await text_of(await bob.press(message, "Favourite"))
        assert (await marked(IDS.bob), await marked(IDS.alice)) == (True, False)
        assert "Removed" in await text_of(await bob.press(message, "Favourite"))
        assert not await marked(IDS.bob)


async def test_buttons_of_earlier_versions_under_several_pictures_work(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, count=3)
        forge(place, message, f"ekaki:favourites:{job.id}")
        sent = await alice.member.press(message, "ekaki:favourites")
        asked = await whole(sent)
        assert asked.ephemeral
        assert list(labels(asked)) == ["☆ 1", "☆ 2", "☆ 3"]
        await alice.member.press(asked, "☆ 2")
        assert list(labels(alice.member.message(asked.id))) == ["☆ 1", "★ 2", "☆ 3"]
        _, pictures = await running.services.results.pictures_of(job.id)
        among = await running.services.results.favourites_among(
            user_id=IDS.alice, picture_ids=[picture.id for picture in pictures]
        )
        assert among == {pictures[1].id}


async def test_deleting_asks_and_then_takes_message_and_files(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running)
        used = await running.used()
        files = place.folder / "pictures"
        assert list(files.rglob("*.png"))
        asked = await whole(await alice.press(message, "Delete"))
        assert asked.ephemeral
        assert list(labels(asked)) == ["Delete permanently", "Keep"]
        await alice.member.press(asked, "Keep")
        assert await running.services.jobs.job(job.id) is not None
        asked = await whole(await alice.press(message, "Delete"))
        await alice.member.press(asked, "Delete permanently")
        await until(lambda: place.world.messages[message.id].deleted_at)
        assert await running.services.jobs.job(job.id) is None
        assert list(files.rglob("*.png")) == []
        assert await running.used() == used
        assert "Deleted" in alice.member.message(asked.id).text


async def test_moderators_may_delete_and_others_may_not(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running)
        forge(place, message, f"ekaki:delete:{job.id}")  # as under pictures of earlier versions
        assert "Only the person" in await text_of(await bob.press(message, "ekaki:delete"))
        forge(place, message, f"ekaki:erase:{job.id}:{message.id}")
        assert "Only the person" in await text_of(await bob.member.press(message, "ekaki:erase"))
        assert await running.services.jobs.job(job.id) is not None
        asked = await whole(await moderator.press(message, "Delete"))
        await moderator.member.press(asked, "Delete permanently")
        await until(lambda: place.world.messages[message.id].deleted_at)


async def test_a_private_picture_is_deleted_where_it_stands(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, private=True)
        await alice.press(message, "Delete")
        assert list(labels(alice.member.message(message.id))) == ["Delete permanently", "Keep"]
        await alice.member.press(message, "Keep")
        assert list(labels(alice.member.message(message.id))) == SINGLE
        await alice.press(message, "Delete")
        await alice.member.press(message, "Delete permanently")
        left = alice.member.message(message.id)
        assert (left.attachments, left.buttons) == ([], [])
        assert "Deleted" in left.text
        assert await running.services.jobs.job(job.id) is None


async def test_a_deletion_survives_a_message_that_is_gone(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running)
        asked = await whole(await alice.press(message, "Delete"))
        place.loopback.posting.delete(place.world.messages[message.id])
        await alice.member.press(asked, "Delete permanently")
        assert await running.services.jobs.job(job.id) is None
