"""`/moderate review`: who may look at withheld pictures, where, and what becomes of them."""

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from cogs.drawing.presenters import Presenters
from data.guilds import audit, guild_settings
from data.guilds.audit import AuditEntry
from data.guilds.server_settings import GuildSettings
from data.jobs import checks, withheld
from pipeline.rating import Rating
from tests.cogs.drawing.test_deleted_jobs import hold_entries
from tests.cogs.drawing.test_withheld import allow, ask, checked, sent_pictures
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, whole
from tests.support.faults import Fault
from tests.support.member import InteractionView
from tests.support.patience import PATIENCE_S, until
from tests.support.tagger import PaintEngine, make_tagger
from tests.support.views import MessageView


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    return make_tagger(tmp_path / "model" / "tagger")


async def turn_on(running: Running, **settings: Any) -> None:
    async with running.services.database.transaction() as connection:
        made = GuildSettings(review=True, **settings)
        await guild_settings.put(connection, guild_id=IDS.guild, settings=made)


async def review(moderator: Visitor, channel: int = IDS.age_restricted) -> MessageView:
    return await moderator.answer("moderate review", channel=channel)


async def pressed(moderator: Visitor, shown: MessageView, label: str) -> InteractionView:
    return await moderator.member.press(shown, label)


async def release(
    moderator: Visitor, shown: MessageView, rating: str, reason: str = "a sunset"
) -> InteractionView:
    opened = await pressed(moderator, shown, f"Release as {rating}")
    return await moderator.member.submit_modal(opened, {"reason": reason})


async def entries(running: Running) -> list[AuditEntry]:
    async with running.services.database.reader() as reader:
        return (await audit.page(reader, guild_id=IDS.guild, offset=0, limit=50))[::-1]


async def settled(running: Running) -> None:
    """Wait until every job is delivered."""
    async with asyncio.timeout(PATIENCE_S):
        while any(job.delivery == "pending" for job in await running.jobs()):
            await asyncio.sleep(0.01)


async def refused(place: Discord, said: str) -> None:
    """Wait until the moderator, and nobody else, has read it."""
    await until(
        lambda: any(
            said in message.content and message.ephemeral_for == IDS.moderator
            for message in place.seen(IDS.age_restricted, IDS.moderator)
        )
    )


def changed(moderator: Visitor, message_id: int, files: list[str]) -> MessageView | None:
    """The message, if it shows something else than `files`."""
    found = moderator.member.message(message_id)
    return found if [file.url for file in found.attachments] != files else None


def withheld_files(running: Running) -> list[Path]:
    return list((running.services.settings.data_dir / "withheld").rglob("*.png"))


async def test_a_moderator_releases_a_picture_and_its_user_gets_it(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        message = await ask(alice, prompt="red-picture")
        assert not message.attachments
        shown = await review(moderator)
        assert shown.ephemeral
        assert "1 waiting" in shown.text
        assert "`explicit` 1.00" in shown.text
        assert [file.filename for file in shown.attachments] == ["withheld.png"]
        assert list(labels(shown)) == ["Release as safe", "Delete"]
        await release(moderator, shown, "safe")
        await until(lambda: not withheld_files(running))
        await settled(running)
        job = await running.job()
        assert (job.state, job.delivery) == ("finished", "delivered")
        after = alice.member.message(job.message_id or 0)
        assert [file.filename for file in after.attachments] == [f"ekaki-{job.id}-1.png"]
        assert withheld_files(running) == []
        log = await entries(running)
        assert [entry.kind for entry in log] == ["accepted", "withheld", "released"]
        assert (log[2].actor_id, log[2].details["reason"]) == (IDS.moderator, "a sunset")
        assert (log[2].details["old"], log[2].details["new"]) == ("explicit", "safe")
        _, (picture,) = await running.services.results.pictures_of(job.id)
        assert picture.rating is Rating.SAFE
        async with running.services.database.reader() as reader:
            seen = await checks.get(reader, picture_id=picture.id)
        assert seen is not None
        assert seen.rating is Rating.EXPLICIT
        assert await running.used() == 0
        assert "ekaki-" in str((await alice.answer("show", id=job.id)).attachments)
        assert "No picture is waiting" in (await review(moderator)).text


async def test_one_of_several_joins_the_others_in_their_message(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        message = await ask(alice, prompt="green-picture, red-picture", count=2)
        assert "One more picture" in message.text
        await release(moderator, await review(moderator), "safe")
        await until(lambda: not withheld_files(running))
        await settled(running)
        job = await running.job()
        after = alice.member.message(job.message_id or 0)
        assert after.id == message.id
        assert len(after.attachments) == 2
        assert "One more picture" not in after.text


async def test_private_pictures_that_are_released_come_in_one_direct_message(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        await ask(alice, prompt="red-picture", count=2, private=True)
        await settled(running)  # its token is forgotten
        for left in (1, 0):
            await release(moderator, await review(moderator), "safe")
            await until(lambda left=left: len(withheld_files(running)) == left)
            await settled(running)
        dm = place.loopback.world.dm_with(IDS.alice).id
        (told,) = place.loopback.world.messages_in(dm)
        assert len(told.attachments) == 2


async def test_a_release_that_was_not_sent_is_sent_after_a_restart(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        message = await ask(alice, prompt="green-picture, red-picture", count=2)
        await settled(running)
        async with running.services.database.reader() as reader:
            record = await withheld.waiting(reader, guild_id=IDS.guild)
        assert record is not None
        from bot.common.actor import Actor

        actor = Actor(user_id=IDS.moderator, guild_id=IDS.guild)
        await running.services.reviews.release(
            actor, record.id, rating=Rating.SAFE, reason="as after a crash"
        )
    async with checked(place, tagger) as running:
        await settled(running)
        assert len(alice.member.message(message.id).attachments) == 2


async def test_only_moderators_look_and_only_among_adults(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        await ask(alice, prompt="red-picture")
        assert "age-restricted channel" in (await review(moderator, IDS.general)).text
        shown = await review(moderator)
        place.loopback.changes.set_roles(IDS.guild, IDS.moderator, [])
        for label in ("Release as safe", "Delete"):
            said = await whole(await pressed(moderator, shown, label))
            assert "Only moderators" in said.text
        assert len(withheld_files(running)) == 1
        assert not [name for name in sent_pictures(place) if name.startswith("ekaki-")]


async def test_the_servers_own_channel_for_it(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running, review_channel_id=IDS.general)
        await ask(alice, prompt="red-picture")
        assert f"<#{IDS.general}>" in (await review(moderator)).text
        # A review channel that is not age-restricted shows nothing either.
        assert "age-restricted channel" in (await review(moderator, IDS.general)).text


async def test_no_higher_than_the_place_allows(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        await allow(running, Rating.SENSITIVE)
        await ask(alice, prompt="red-picture")
        shown = await review(moderator)
        assert list(labels(shown)) == ["Release as safe", "Release as sensitive", "Delete"]
        await allow(running, Rating.SAFE)  # lowered while it is looked at
        await release(moderator, shown, "sensitive")
        await refused(place, "allows `safe` at most")
        assert len(withheld_files(running)) == 1


async def test_two_moderators_at_once(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    owner = Visitor(place, IDS.owner)
    async with checked(place, tagger) as running:
        await turn_on(running)
        await ask(alice, prompt="red-picture")
        shown, other = await review(moderator), await review(owner)
        opened = await pressed(moderator, shown, "Release as safe")
        await pressed(owner, other, "Delete")
        await until(lambda: not withheld_files(running))
        await moderator.member.submit_modal(opened, {"reason": "fine"})
        await refused(place, "no longer waiting")
        assert (await running.job()).state == "failed"
        kinds = [entry.kind for entry in await entries(running)]
        assert kinds == ["accepted", "withheld", "discarded"]
        assert withheld_files(running) == []


async def test_it_goes_on_to_the_next(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        for number in range(3):
            await ask(alice, prompt="red-picture", seed=number)
        shown = await review(moderator)
        assert "3 waiting" in shown.text
        for label, told in (
            ("Next", "3 waiting"),
            ("Delete", "2 waiting"),
            ("Delete", "1 waiting"),
            ("Delete", "No picture is waiting"),
        ):
            before = [file.url for file in shown.attachments]
            await pressed(moderator, shown, label)
            shown = await until(partial(changed, moderator, shown.id, before))
            assert told in shown.text
        assert shown.attachments == []
        assert withheld_files(running) == []


async def test_a_person_who_leaves_takes_it_along(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        await ask(alice, prompt="red-picture")
        shown = await review(moderator)
        opened = await pressed(moderator, shown, "Release as safe")
        await running.services.people.forget(IDS.alice)
        await moderator.member.submit_modal(opened, {"reason": "fine"})
        await refused(place, "no longer waiting")
        assert withheld_files(running) == []


DAMAGED = [
    "picture = '{'",
    "picture = '[1]'",
    "picture = '{\"rating\": 3}'",
    "picture = NULL",
    f"picture = '{'[' * 5000}', seen = '{'[' * 5000}'",
    'seen = \'{"tagger": 1, "ratings": [0.5], "tags": 5}\', picture = \'5\'',
]


async def lose(running: Running, how: str | None) -> None:
    """The file (None) or the row of the only picture that waits."""
    if how is None:
        (lost,) = withheld_files(running)
        lost.unlink()
        return
    async with running.services.database.transaction() as connection:
        await connection.execute("PRAGMA ignore_check_constraints = ON")
        await connection.execute(f"UPDATE withheld SET {how}")
        await connection.execute("PRAGMA ignore_check_constraints = OFF")


@pytest.mark.parametrize("how", [None, *DAMAGED])
async def test_a_lost_file_or_row_does_not_stop_the_queue(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor, how: str | None
) -> None:
    async with checked(place, tagger) as running:
        await turn_on(running)
        await ask(alice, prompt="red-picture")
        await lose(running, how)
        await ask(alice, prompt="red-picture", seed=5)
        shown = await review(moderator)
        assert "Its file is lost" in shown.text
        assert "2 waiting" in shown.text
        assert list(labels(shown)) == ["Delete", "Next"]
        await pressed(moderator, shown, "Delete")
        after = await until(
            lambda: next(
                (
                    each
                    for each in moderator.member.visible_messages(IDS.age_restricted)
                    if "1 waiting" in each.text
                ),
                None,
            )
        )
        assert [file.filename for file in after.attachments] == ["withheld.png"]


async def test_a_picture_released_while_the_others_are_delivered_reaches_its_user(
    place: Discord, tagger: Path, alice: Visitor, moderator: Visitor
) -> None:
    engine = PaintEngine()
    engine.hold()
    async with checked(place, tagger, engine=engine) as running:
        await turn_on(running)
        message = await alice.imagine("green-picture, red-picture", count=2)
        token = (await running.job()).interaction_token or ""
        arrives = asyncio.Event()
        slow = Fault(method="PATCH", path=re.escape(token), until=arrives, times=20)
        place.loopback.faults.add(slow)
        engine.release()
        await until(lambda: withheld_files(running))
        async with asyncio.timeout(PATIENCE_S):
            while (await running.job()).ended_at is None:
                await asyncio.sleep(0.01)
        assert (await running.job()).delivery == "pending"
        await release(moderator, await review(moderator), "safe")
        arrives.set()
        await until(lambda: len(alice.member.message(message.id).attachments) == 2)


@pytest.mark.parametrize("prompt", ["red-picture, green-picture", "red-picture"])
async def test_a_picture_released_while_the_job_is_delivered_is_shown_after_a_restart(
    place: Discord, tagger: Path, alice: Visitor, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    """The bot ends when the first end of the job is entered, and before the second is shown."""
    count, moderator = len(prompt.split(",")), Visitor(place, IDS.moderator)
    async with checked(place, tagger) as running:
        await turn_on(running)
        go_on = hold_entries(running)
        await ask(alice, prompt=prompt, count=count)
        await release(moderator, await review(moderator), "safe")
        await until(lambda: not withheld_files(running))
        monkeypatch.setattr(Presenters, "_tell_again", never)
        go_on.set()
        await until(
            lambda: not [each for each in asyncio.all_tasks() if "presenter" in each.get_name()]
        )
    monkeypatch.undo()
    async with checked(place, tagger) as running:
        await settled(running)
        job = await running.job()
        assert job.delivery == "delivered"
        shown = alice.member.message(job.message_id or 0)
        assert sorted(file.filename for file in shown.attachments) == [
            f"ekaki-{job.id}-{number + 1}.png" for number in range(count)
        ]


async def never(_self: Presenters, _job_id: str) -> None:
    """Instead of telling it again."""
