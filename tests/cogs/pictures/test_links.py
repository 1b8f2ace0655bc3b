"""Links to messages, as Discord's clients copy them, where a command takes an id."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.playground.simulator.default_world import IDS
from data.store.ids import linked_message
from tests.cogs.drawing.test_withheld import checked
from tests.cogs.gallery.helpers import gallery_bot, nothing_more, picture, share
from tests.cogs.pictures.files import post
from tests.cogs.pictures.test_describe import describe, described, painted, tagger
from tests.cogs.pictures.test_results import drawn, text_of
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import until

__all__ = ["tagger"]


def link(message_id: int, *, channel: int = IDS.general, guild: object = IDS.guild) -> str:
    return f"https://discord.com/channels/{guild}/{channel}/{message_id}"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (link(5), 5),
        (f"<{link(5)}>", 5),
        ("http://ptb.discordapp.com/channels/@me/4/123456789012345678 ", 123456789012345678),
        ("https://discord.com/channels/1/2", None),
        ("https://discord.com/channels/1/2/" + "9" * 30, None),
        ("https://cdn.discordapp.com/attachments/1/2/ekaki-abcdefghjkmn-1.png", None),
        ("1girl", None),
    ],
)
def test_a_link_names_a_message(typed: str, found: int | None) -> None:
    assert linked_message(typed) == found


async def test_a_link_stands_for_the_pictures_of_the_message(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running, prompt="1girl, umbrella", count=2)
        typed = f" <{link(message.id)}> "
        assert len((await bob.answer("show", id=typed)).attachments) == 2
        assert "umbrella" in (await bob.answer("preset save", name="theirs", id=typed)).text
        await bob.answer("collection create", name="best")
        assert "2 more" in (await bob.answer("collection add", name="best", id=typed)).text
        choices = await bob.member.autocomplete("show", {"id": typed}, "id", channel=IDS.general)
        assert choices == []
        said = bob.member.say("no picture", channel=IDS.general)
        for other in (link(said.id), link(123)):
            refused = await bob.answer("show", id=other)
            assert refused.ephemeral
            assert "no picture of mine" in refused.text
        sure = await whole(await alice.press(message, "Delete"))
        await alice.member.press(sure, "ekaki:erase")
        await until(lambda: running.place.world.messages[message.id].deleted_at is not None)
        assert "no picture of mine" in (await bob.answer("show", id=typed)).text


async def test_a_moderator_deletes_by_a_link(
    place: Discord, alice: Visitor, moderator: Visitor
) -> None:
    async with open_bot(place) as running:
        job, message = await drawn(alice, running)
        await moderator.answer("moderate delete", id=link(message.id))
        assert await running.services.jobs.job(job.id) is None


async def test_a_link_opens_nothing_that_the_person_does_not_see(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    async with open_bot(place) as running:
        job, _ = await drawn(alice, running, private=True)
        typed = link(job.message_id or 0)
        assert "no picture of mine" in (await bob.answer("show", id=typed)).text
        assert (await alice.answer("show", id=typed)).attachments
        await moderator.answer("imagine", channel=IDS.moderators, prompt="1girl, plan", steps=2)
        await running.all_delivered(2)
        hidden = (await running.jobs())[-1]
        typed = link(hidden.message_id or 0)
        assert "no picture of mine" in (await bob.answer("show", id=typed)).text
        assert (await moderator.answer("show", id=typed)).attachments
        await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl, letter", steps=2)
        await running.all_delivered(3)
        letter = (await running.jobs())[-1]
        typed = link(letter.message_id or 0, channel=IDS.dm_alice, guild="@me")
        assert (await alice.answer("show", channel=IDS.dm_alice, id=typed)).attachments
        assert "no picture of mine" in (await bob.answer("show", id=typed)).text


async def test_a_link_to_the_gallery_shows_its_picture(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place) as running:
        await picture(alice, running, "1girl, other")
        _, posted = await share(alice, running, seen_by=bob)
        await nothing_more(running)
        shown = await bob.answer("show", id=link(posted.id, channel=IDS.gallery))
        assert len(shown.attachments) == 1
        await nothing_more(running)
        again = await bob.answer("show", id=link(shown.id))
        assert [each.filename for each in again.attachments] == [
            each.filename for each in shown.attachments
        ]


async def test_what_a_link_shows_is_described(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor
) -> None:
    async with checked(place, tagger) as running:
        _, message = await drawn(alice, running, prompt="green-picture")
        assert "1girl 99%" in (await described(bob, picture=link(message.id))).text
        secret, _ = await drawn(alice, running, prompt="green-picture", private=True)
        for wrong in (link(secret.message_id or 0), link(5)):
            assert "no picture of mine" in await text_of(await describe(bob, picture=wrong))


async def test_a_link_to_a_file_on_discord_is_described_and_no_other(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor
) -> None:
    async with checked(place, tagger):
        theirs = post(place, bob, painted("green"), "photo.png")
        url = theirs.attachments[0].url
        for typed in (url, f" <{url}> "):
            assert "1girl 99%" in (await described(alice, picture=typed)).text
        host = urlsplit(url).hostname
        for typed in (
            "https://example.com/a.png",
            f"https://{host}.example.com/a.png",
            f"https://example.com/{url}",
            "http://169.254.169.254/a.png",
            "https://cdn.discordapp.com@example.com/a.png",
        ):
            words = await text_of(await describe(alice, picture=typed))
            assert "files on Discord" in words
        gone = f"{url.rpartition('/')[0].rpartition('/')[0]}/1/photo.png"
        assert "can't be downloaded" in await text_of(await describe(alice, picture=gone))
        text = url.replace("photo.png", "photo.txt")
        assert "can't read that file" in await text_of(await describe(alice, picture=text))


async def test_a_link_to_a_private_file_of_ours_is_its_owners(
    place: Discord, tagger: Path, alice: Visitor, bob: Visitor
) -> None:
    async with checked(place, tagger) as running:
        job, _ = await drawn(alice, running, prompt="green-picture", private=True)
        shown = alice.member.message(job.message_id or 0)
        url = shown.attachments[0].url
        assert "1girl" in (await described(alice, picture=url)).text
        assert "can't find" in await text_of(await describe(bob, picture=url))
