"""Entries leave the gallery channel when they are removed, hidden or no longer allowed."""

from bot.playground.simulator.default_world import IDS
from data.guilds import audit, blocks
from data.guilds.audit import AuditEntry
from data.guilds.blocks import Block
from pipeline.rating import Rating
from tests.cogs.gallery.helpers import (
    STAR,
    choose,
    entries,
    gallery_bot,
    nothing_more,
    picture,
    set_ceiling,
    share,
    shown,
    until_shown,
)
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, whole
from tests.support.views import MessageView


async def test_a_deleted_message_takes_its_entry_along(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        message, _ = await share(alice, running, seen_by=bob)
        place.loopback.actions.delete(IDS.moderator, message.id)
        await until_shown(bob, count=0)
        assert [entry.state for entry in await entries(running)] == ["removed"]


async def test_a_deleted_picture_is_gone_everywhere(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        message, _ = await share(alice, running, seen_by=bob)
        asked = await alice.press(message, "Delete")
        await alice.member.press(await whole(asked), "Delete permanently")
        await until_shown(bob, count=0)
        assert await entries(running) == []


async def test_a_moderator_who_deletes_the_gallerys_message_takes_the_entry_out(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        message, posted = await share(alice, running, seen_by=bob)
        place.loopback.changes.purge([place.world.messages[posted.id]])
        await nothing_more(running)
        assert [entry.state for entry in await entries(running)] == ["removed"]
        sent = await alice.press(message, "Share")
        assert "was removed from the gallery" in (await whole(sent)).text
        assert shown(bob) == []


async def test_a_moderator_takes_out_and_features(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, posted = await share(alice, running, seen_by=bob)
        seen = await whole(await bob.member.press(posted, "Details"))
        assert [b["label"] for b in seen.buttons] == []
        tools = await whole(await moderator.member.press(posted, "Details"))
        await moderator.member.press(tools, "Feature")
        await bob.member.wait_for(lambda: "Featured" in shown(bob)[0].text)
        assert shown(bob)[0].attachments[0].filename == posted.attachments[0].filename
        tools = await whole(await moderator.member.press(posted, "Details"))
        await moderator.member.press(tools, "Remove from gallery")
        await until_shown(bob, count=0)
        kinds = [entry.kind for entry in await audit_log(running)]
        assert kinds.count("gallery_added") == 1
        assert kinds.count("gallery_removed") == 1


async def audit_log(running: Running) -> list[AuditEntry]:

    async with running.services.database.reader() as connection:
        return await audit.page(connection, guild_id=IDS.guild, offset=0, limit=99)


async def test_approval_comes_first_where_the_server_wants_it(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place, gallery_approval=True) as running:
        _, message = await picture(alice, running)
        sent = await alice.press(message, "Share")
        assert "as soon as a moderator" in (await whole(sent)).text
        await nothing_more(running)
        assert shown(bob) == []
        tools = await whole(await moderator.press(message, "Share"))
        assert "waiting for approval" in tools.text
        (entry,) = await entries(running)
        details = await details_of(moderator, entry.picture_id, message, place)
        await moderator.member.press(details, "Approve")
        await until_shown(bob, count=1)


async def details_of(
    visitor: Visitor, picture_id: str, message: MessageView, place: Discord
) -> MessageView:
    """Details, as a gallery message has them, pressed under another message."""
    raw = place.world.messages[message.id].components[0]["components"][0]
    raw["custom_id"] = f"ekaki:details:{picture_id}"
    return await whole(await visitor.member.press(message, raw["custom_id"]))


async def test_an_excluded_channel_stays_out(place: Discord, alice: Visitor, bob: Visitor) -> None:
    excluded = frozenset({IDS.general})
    async with gallery_bot(place, gallery_excluded=excluded, gallery_threshold=1) as running:
        _, message = await picture(alice, running)
        sent = await alice.press(message, "Share")
        assert "stay out" in (await whole(sent)).text
        await bob.member.react(message, STAR)
        await nothing_more(running)
        assert await entries(running) == []
        await choose(running, gallery_threshold=1)
        sent = await alice.press(message, "Share")
        await until_shown(bob, count=1)


async def test_a_block_hides_and_its_end_shows_again(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, seen_by=bob)
        block = Block(
            guild_id=IDS.guild, subject="user", subject_id=IDS.alice, reason="",
            blocked_by=IDS.moderator, blocked_at=place.clock.time(), until=None,
        )  # fmt: skip
        async with running.services.database.transaction() as connection:
            await blocks.put(connection, block=block)
        await until_shown(bob, count=0)
        async with running.services.database.transaction() as connection:
            await blocks.remove(
                connection, guild_id=IDS.guild, subject="user", subject_id=IDS.alice
            )
        await until_shown(bob, count=1)


async def test_a_lower_ceiling_takes_away_what_is_above_it(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await set_ceiling(running, Rating.SENSITIVE)
        _, message = await picture(alice, running, rating="sensitive")
        await whole(await alice.press(message, "Share"))
        await until_shown(bob, count=1)
        await set_ceiling(running, Rating.SAFE)
        await until_shown(bob, count=0)
        assert [entry.state for entry in await entries(running)] == ["hidden"]
        await set_ceiling(running, Rating.SENSITIVE)
        await until_shown(bob, count=1)


async def test_another_channel_that_is_deleted_leaves_the_entries(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, seen_by=bob)
        place.loopback.changes.delete_channel(IDS.gallery)
        await nothing_more(running)
        assert [entry.state for entry in await entries(running)] == ["posted"]
        await choose(running, gallery_channel_id=IDS.art)
        await nothing_more(running)
        assert shown(bob, IDS.art) == [], "old ones don't flood the new channel"
