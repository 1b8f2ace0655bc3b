"""Collections: one's own and shared, what may go in, and their ZIP files."""

import io
import json
import zipfile

import pytest

from bot.playground.simulator.default_world import IDS
from tests.cogs.gallery.helpers import entries, gallery_bot, picture, share, shown, until_shown
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot, whole


async def test_pictures_are_kept_together_and_fetched_as_a_zip(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        first, _ = await picture(alice, running, "1girl, umbrella")
        second, _ = await picture(bob, running, "1boy, sword", count=2)
        assert "visible to you only" in (await alice.answer("collection create", name="Rain")).text
        for job in (first, second):
            added = await alice.answer("collection add", name="rain", id=job.id)
            assert "Rain" in added.text
        assert "already" in (await alice.answer("collection add", name="Rain", id=first.id)).text
        page = await alice.answer("collection show", name="Rain")
        assert [file.filename for file in page.attachments] == ["collection.jpg"]
        assert "1girl, umbrella" in page.text
        assert "1boy, sword" in page.text
        assert "3" in (await alice.answer("collection list")).text
        sent = await alice.answer("collection download", name="Rain")
        done = await alice.member.wait_for(
            lambda: (m := alice.member.message(sent.id)).attachments and m
        )
        with zipfile.ZipFile(io.BytesIO(done.attachments[0].data)) as archive:
            record = json.loads(archive.read("data.json"))
            names = set(archive.namelist())
        assert names == {"data.json"} | {each["file"] for each in record["pictures"]}
        assert len(record["pictures"]) == 3
        assert {"1girl, umbrella", "1boy, sword"} <= {
            each["request"]["wish"]["prompt"] for each in record["pictures"]
        }
        _, pictures = await running.services.results.pictures_of(first.id)
        await alice.answer("collection remove", name="Rain", id=pictures[0].id)
        assert ": 2" in (await alice.answer("collection list")).text
        assert "deleted" in (await alice.answer("collection delete", name="Rain")).text
        assert await running.services.results.picture(pictures[0].id)


async def test_ones_own_collection_is_nobody_elses(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with open_bot(place) as running:
        job, _ = await picture(alice, running)
        await alice.answer("collection create", name="Mine")
        await alice.answer("collection add", name="Mine", id=job.id)
        for command in ("show", "download", "delete"):
            for visitor in (bob, moderator):
                found = await visitor.answer(f"collection {command}", name="Mine")
                assert "no collection called" in found.text, command
        assert "None yet" in (await bob.answer("collection list")).text


async def test_a_shared_collection_takes_what_everybody_sees(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        job, _ = await picture(alice, running, "1girl, umbrella")
        secret = await bob.draw(running, "1girl, secret", steps=2, private=True)
        await alice.answer("collection create", name="Ours", shared=True)
        await bob.answer("collection add", name="ours", id=job.id)
        refused = await bob.answer("collection add", name="ours", id=secret.id)
        assert "everybody on its server" in refused.text
        again = await bob.answer("collection create", name="OURS", shared=True)
        assert "already" in again.text
        assert "only" in (await bob.answer("collection delete", name="ours")).text.lower()
        _, pictures = await running.services.results.pictures_of(job.id)
        assert (
            "Removed"
            in (await moderator.answer("collection remove", name="ours", id=pictures[0].id)).text
        )
        await moderator.answer("collection delete", name="ours")
        assert "None yet" in (await alice.answer("collection list")).text


async def test_an_entry_of_the_gallery_is_collected_by_its_id(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await share(alice, running, seen_by=bob)
        (entry,) = await entries(running)
        await bob.answer("collection create", name="Best")
        assert "Best" in (await bob.answer("collection add", name="Best", id=entry.id)).text
        found = await bob.member.autocomplete(
            "collection show", {"name": "be"}, "name", channel=IDS.general
        )
        assert [choice["name"] for choice in found] == ["Best (1)"]


async def test_what_left_the_gallery_leaves_the_collections_of_others(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with gallery_bot(place) as running:
        job, message = await picture(alice, running, "1girl, umbrella")
        secret = await alice.draw(running, "1girl, secret", steps=2, private=True)
        await whole(await alice.press(message, "Share"))
        await until_shown(bob, count=1)
        for visitor in (alice, bob):
            await visitor.answer("collection create", name="Best")
            await visitor.answer("collection add", name="Best", id=job.id)
        await moderator.answer("collection create", name="All")
        refused = await moderator.answer("collection add", name="All", id=secret.id)
        assert "private" in refused.text
        (entry,) = await entries(running)
        tools = await whole(await moderator.member.press(shown(bob)[0], "Details"))
        await moderator.member.press(tools, "Remove from gallery")
        await until_shown(bob, count=0)
        assert "Nothing in it" in (await bob.answer("collection show", name="Best")).text
        assert "nothing in that" in (await bob.answer("collection download", name="Best")).text
        assert "Best**: 0" in (await bob.answer("collection list")).text
        for typed in (job.id, entry.id):
            again = await bob.answer("collection add", name="Best", id=typed)
            assert "Added" not in again.text, typed
        kept = await alice.answer("collection show", name="Best")
        assert [file.filename for file in kept.attachments] == ["collection.jpg"]


@pytest.mark.parametrize("why", ["rating", "files"])
async def test_a_collection_without_anything_to_send_is_no_empty_file(
    place: Discord, alice: Visitor, why: str
) -> None:
    async with open_bot(place) as running:
        job, _ = await picture(alice, running, "1girl, umbrella")
        await alice.answer("collection create", name="Rain")
        await alice.answer("collection add", name="Rain", id=job.id)
        if why == "rating":
            async with running.services.database.transaction() as connection:
                await connection.execute("UPDATE pictures SET rating = 3")
        else:
            for path in (running.services.settings.data_dir / "pictures").glob("*/*.png"):
                path.unlink()
        sent = await alice.answer("collection download", name="Rain")
        assert "nothing that can be sent here" in sent.text
        assert not sent.attachments


async def test_what_is_too_large_for_a_message_comes_by_link(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place, web_url="https://gallery.example.org") as running:
        job, _ = await picture(alice, running, "1girl, umbrella")
        await alice.answer("collection create", name="Rain")
        await alice.answer("collection add", name="Rain", id=job.id)
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE pictures SET size_bytes = 30000000")
        sent = await alice.answer("collection download", name="Rain")
        done = await alice.member.wait_for(
            lambda: (m := alice.member.message(sent.id)).buttons and m
        )
        assert not done.attachments
        (link,) = done.buttons
        assert link["url"].startswith("https://gallery.example.org/collection/")
        grant = await running.services.links.read(link["url"].rpartition("/")[2])
        assert grant is not None
        assert grant.user_id == IDS.alice


async def test_privacy_takes_and_gives_all_of_it(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        _, message = await picture(alice, running)
        theirs, other = await picture(bob, running)
        await whole(await alice.press(message, "Share"))
        await alice.press(other, "Vote")
        await alice.answer("gallery public", on=True)
        await alice.answer("collection create", name="Mine")
        await alice.answer("collection add", name="Mine", id=theirs.id)
        await until_shown(bob, count=1)
        people = running.services.people
        with zipfile.ZipFile(io.BytesIO(await people.export(IDS.alice))) as archive:
            record = json.loads(archive.read("data.json"))
        assert record["gallery_on_web"] is True
        assert [each["state"] for each in record["gallery"]] == ["posted"]
        assert len(record["votes"]) == 1
        assert [(each["name"], len(each["pictures"])) for each in record["collections"]] == [
            ("Mine", 1)
        ]
        await people.forget(IDS.alice)
        await until_shown(bob, count=0)
        assert [entry.votes for entry in await entries(running)] == [0]
        with zipfile.ZipFile(io.BytesIO(await people.export(IDS.alice))) as archive:
            record = json.loads(archive.read("data.json"))
        for kind in ("gallery", "votes", "collections"):
            assert record[kind] == [], kind
        assert record["gallery_on_web"] is False
