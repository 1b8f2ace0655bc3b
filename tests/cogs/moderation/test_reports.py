"""Reports: the menu, the queue, the decisions, who is notified, and who stays anonymous."""

from bot.playground.simulator.default_world import IDS
from data.guilds import audit, reports
from data.jobs.jobs import JobRecord
from tests.cogs.gallery.helpers import dispatcher
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.patience import until
from tests.support.views import MessageView

REPORT, DELETE = "Report picture", "Delete picture"


async def drawn(visitor: Visitor, running: Running) -> tuple[JobRecord, MessageView]:
    job = await visitor.draw(running, "1girl, smile", steps=3)
    return job, visitor.member.message(job.message_id or 0)


async def report(visitor: Visitor, message: MessageView, reason: str = "ugly") -> MessageView:
    opened = await visitor.member.message_command(REPORT, message)
    return await whole(await visitor.member.submit_modal(opened, {"reason": reason}))


async def open_count(running: Running) -> int:
    async with running.services.database.reader() as reader:
        return await reports.count_open(reader, guild_id=IDS.guild, not_of=0)


def told(place: Discord, channel_id: int) -> list[str]:
    return [message.content for message in place.seen(channel_id)]


async def gone(place: Discord, message: MessageView) -> None:
    stored = place.world.messages[message.id]
    await until(lambda: stored.deleted_at is not None)


async def test_a_report_is_dismissed_and_its_reporter_told(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    job, message = await drawn(alice, running)
    thanks = await report(bob, message, "I know her")
    assert thanks.ephemeral
    assert "Nobody learns who reported it" in thanks.text
    shown = await moderator.answer("moderate reports")
    assert shown.ephemeral
    assert "I know her" in shown.text
    assert job.id in shown.text
    assert str(IDS.bob) not in shown.text
    assert list(labels(shown)) == ["Take it", "Nothing wrong", "Delete picture", "Block maker"]
    await moderator.member.press(shown, "Nothing wrong")
    (words,) = await until(lambda: told(place, IDS.dm_bob))
    assert "may stay" in words
    assert place.world.messages[message.id].deleted_at is None
    assert told(place, IDS.dm_alice) == []
    assert await open_count(running) == 0


async def test_the_queue_shows_the_picture_behind_a_spoiler(
    running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    job, message = await drawn(alice, running)
    await report(bob, message)
    other = await alice.draw(running, "1boy", steps=3, count=2)
    await report(bob, alice.member.message(other.message_id or 0))
    shown = await moderator.answer("moderate reports")
    (file,) = shown.attachments
    assert file.filename.startswith(f"SPOILER_ekaki-{job.id}-1")
    assert file.data == message.attachments[0].data
    await moderator.member.press(shown, "Next")
    shown = moderator.member.message(shown.id)
    assert [each.filename.rpartition("-")[2] for each in shown.attachments] == ["1.png", "2.png"]
    await whole(await moderator.member.press(shown, "Take it"))
    assert len(moderator.member.message(shown.id).attachments) == 2
    await moderator.member.press(shown, "Nothing wrong")
    await moderator.member.press(moderator.member.message(shown.id), "Delete picture")
    shown = moderator.member.message(shown.id)
    assert "There are no open reports" in shown.text
    assert shown.attachments == []


async def test_a_picture_above_sensitive_is_shown_in_age_restricted_channels_only(
    running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    job, message = await drawn(alice, running)
    await rate(running, job, 2)
    await report(bob, message)
    shown = await moderator.answer("moderate reports")
    assert shown.attachments == []
    assert "rated `nsfw`" in shown.text
    assert f"/{message.channel_id}/{message.id}" in shown.text
    await moderator.member.press(shown, "Take it")
    assert moderator.member.message(shown.id).attachments == []
    there = await moderator.answer("moderate reports", channel=IDS.age_restricted)
    assert len(there.attachments) == 1
    assert "rated" not in there.text


async def rate(running: Running, job: JobRecord, rating: int) -> None:
    """As the tagger does."""
    async with running.services.database.transaction() as connection:
        await connection.execute(
            "UPDATE pictures SET rating = ? WHERE job_id = ?", (rating, job.id)
        )


async def test_a_lost_file_stops_nothing(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    job = await alice.draw(running, "1girl", steps=3, count=2)
    message = alice.member.message(job.message_id or 0)
    await report(bob, message)
    _, (first, _) = await running.services.results.pictures_of(job.id)
    files = running.services.settings.data_dir / "pictures"
    (lost,) = files.rglob(f"{first.content_hash}*")
    lost.unlink()
    shown = await moderator.answer("moderate reports")
    assert [each.filename.rpartition("-")[2] for each in shown.attachments] == ["2.png"]
    assert "1 file is lost" in shown.text
    await moderator.member.press(shown, "Delete picture")
    await gone(place, message)
    assert await open_count(running) == 0


async def test_deleting_goes_everywhere(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    job, message = await drawn(alice, running)
    await report(bob, message)
    shown = await moderator.answer("moderate reports")
    await moderator.member.press(shown, "Delete picture")
    await gone(place, message)
    assert await running.services.jobs.job(job.id) is None
    files = running.services.settings.data_dir / "pictures"
    assert not list(files.rglob("*.png"))
    (words,) = await until(lambda: told(place, IDS.dm_bob))
    assert "deleted" in words
    async with running.services.database.reader() as reader:
        log = (await audit.page(reader, guild_id=IDS.guild, offset=0, limit=50))[::-1]
    assert [entry.kind for entry in log] == ["accepted", "reported", "report_decided", "deleted"]
    assert log[1].actor_id is None


async def test_the_maker_is_blocked_and_told_why(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    _, message = await drawn(alice, running)
    await report(bob, message)
    shown = await moderator.answer("moderate reports")
    opened = await moderator.member.press(shown, "Block maker")
    await moderator.member.submit_modal(opened, {"duration": "7d", "reason": "not here"})
    await gone(place, message)
    refused = await alice.imagine("1girl")
    assert "not here" in refused.text
    await until(lambda: told(place, IDS.dm_bob))
    assert "blocked" not in (await bob.imagine("1girl")).text


async def test_who_reports_the_same_joins(  # noqa: PLR0917 - fixtures
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor,
    owner: Visitor,
) -> None:  # fmt: skip
    _, message = await drawn(alice, running)
    await report(bob, message, "first")
    await report(owner, message, "second")
    assert "already" in (await report(bob, message, "once more")).text
    shown = await moderator.answer("moderate reports")
    assert "1 open" in shown.text
    assert "Number of people: 2" in shown.text
    assert "first" in shown.text
    assert "second" in shown.text
    assert "once more" not in shown.text
    await moderator.member.press(shown, "Nothing wrong")
    await until(lambda: told(place, IDS.dm_bob) and told(place, IDS.dm_owner))


async def test_two_moderators_at_once(
    running: Running, alice: Visitor, bob: Visitor, moderator: Visitor, owner: Visitor
) -> None:
    _, message = await drawn(alice, running)
    await report(bob, message)
    shown, other = (
        await moderator.answer("moderate reports"),
        await owner.answer("moderate reports"),
    )
    yours = await whole(await moderator.member.press(shown, "Take it"))
    assert "yours for an hour" in yours.text
    for label in ("Take it", "Nothing wrong", "Delete picture", "Block maker"):
        refused = await whole(await owner.member.press(other, label))
        assert "Another moderator has taken" in refused.text, label
    await moderator.member.press(shown, "Nothing wrong")
    refused = await whole(await owner.member.press(other, "Delete picture"))
    assert "already been handled" in refused.text


async def test_a_claim_ends_after_an_hour(  # noqa: PLR0917 - fixtures
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor,
    owner: Visitor,
) -> None:  # fmt: skip
    _, message = await drawn(alice, running)
    await report(bob, message)
    shown = await moderator.answer("moderate reports")
    await whole(await moderator.member.press(shown, "Take it"))
    place.advance(3601)
    other = await owner.answer("moderate reports")
    await owner.member.press(other, "Nothing wrong")
    await until(lambda: told(place, IDS.dm_bob))


async def test_the_maker_deletes_it_in_between(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    job, message = await drawn(alice, running)
    await report(bob, message)
    shown = await moderator.answer("moderate reports")
    asked = await whole(await alice.member.message_command(DELETE, message))
    await alice.member.press(asked, "Delete permanently")
    await gone(place, message)
    assert await running.services.jobs.job(job.id) is None
    for label in ("Take it", "Nothing wrong", "Delete picture"):
        refused = await whole(await moderator.member.press(shown, label))
        assert "its picture is gone" in refused.text
    (words,) = await until(lambda: told(place, IDS.dm_bob))
    assert "deleted" in words
    assert "There are no open reports" in (await moderator.answer("moderate reports")).text


async def test_the_maker_never_learns_who_it_was(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    _, message = await drawn(alice, running)
    await report(bob, message, "secret words of bob")
    archive = await running.services.people.export(IDS.alice)
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        record = packed.read("data.json").decode()
    assert "secret words" not in record
    assert str(IDS.bob) not in record
    with zipfile.ZipFile(io.BytesIO(await running.services.people.export(IDS.bob))) as packed:
        assert "secret words" in packed.read("data.json").decode()


async def test_a_moderator_does_not_decide_about_themselves(
    running: Running, bob: Visitor, moderator: Visitor, owner: Visitor
) -> None:
    _, message = await drawn(moderator, running)
    await report(bob, message, "unfair")
    assert "There are no open reports" in (await moderator.answer("moderate reports")).text
    assert "unfair" in (await owner.answer("moderate reports")).text


async def test_what_can_not_be_reported_is_told_kindly(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    _, message = await drawn(alice, running)
    assert "your own picture" in (await report(alice, message)).text
    refused = await whole(await bob.member.message_command(DELETE, message))
    assert "Only the person who asked" in refused.text
    plain = alice.member.say("hello", channel=IDS.general)
    assert (
        "no picture of mine" in (await whole(await bob.member.message_command(REPORT, plain))).text
    )
    assert await open_count(running) == 0


async def test_members_have_no_queue_and_a_lost_role_ends_it(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    _, message = await drawn(alice, running)
    await report(bob, message)
    shown = await moderator.answer("moderate reports")
    place.loopback.changes.set_roles(IDS.guild, IDS.moderator, [])
    refused = await whole(await moderator.member.press(shown, "Delete picture"))
    assert "Only moderators" in refused.text
    assert await open_count(running) == 1


async def test_the_word_to_the_reporter_survives_a_restart(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        await report(bob, message)
        shown = await moderator.answer("moderate reports")
        await dispatcher(running).stop()
        await moderator.member.press(shown, "Nothing wrong")
    assert told(place, IDS.dm_bob) == []
    async with open_bot(place):
        await until(lambda: told(place, IDS.dm_bob))
        assert len(told(place, IDS.dm_bob)) == 1


async def test_a_moderator_deletes_from_the_menu(
    place: Discord, running: Running, alice: Visitor, moderator: Visitor
) -> None:
    job, message = await drawn(alice, running)
    asked = await whole(await moderator.member.message_command(DELETE, message))
    assert asked.ephemeral
    await moderator.member.press(asked, "Delete permanently")
    await gone(place, message)
    assert await running.services.jobs.job(job.id) is None
