"""Drawing on in threads: of a channel, of a forum, private ones, and those that were closed."""

from dataclasses import dataclass
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Channel, ChannelType
from data.guilds import place_settings
from data.jobs.jobs import JobRecord
from pipeline.canvas import Extend
from pipeline.rating import Rating
from tests.cogs.gallery.helpers import FORUM, add_forum
from tests.cogs.pictures.test_faces import second_pass
from tests.cogs.pictures.test_links import link as link_to
from tests.cogs.pictures.test_painting import Easel, link, painted, painting, size_of
from tests.cogs.pictures.test_redraw import extend, redrawn
from tests.cogs.pictures.test_results import new_job, text_of
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor
from tests.support.patience import until
from tests.support.views import MessageView

THREAD = 300000000000000078

KINDS = {
    "of a channel": (ChannelType.PUBLIC_THREAD, IDS.art),
    "private": (ChannelType.PRIVATE_THREAD, IDS.art),
    "of a forum": (ChannelType.PUBLIC_THREAD, FORUM),
}


@dataclass
class Here:
    """Somebody in a thread."""

    visitor: Visitor
    easel: Easel
    parent: int
    known: int = 0

    @property
    def running(self) -> Running:
        return self.easel.running

    async def next(self) -> tuple[JobRecord, MessageView]:
        """The next job, once it is delivered, and its message, which is in the thread."""
        job = await new_job(self.running, self.known)
        self.known += 1
        assert (job.state, job.channel_id, job.rules_channel_id) == (
            "finished", THREAD, self.parent,
        )  # fmt: skip
        return job, self.visitor.member.message(job.message_id or 0)

    async def say(self, command: str, **options: Any) -> Any:
        return await self.visitor.member.slash(command, options, channel=THREAD)


def add_thread(place: Discord, kind: str) -> int:
    """A thread, before the bot connects; returns the channel that it belongs to."""
    type_, parent = KINDS[kind]
    add_forum(place)
    place.world.channels[THREAD] = Channel(
        id=THREAD, type=type_, name="t", guild_id=IDS.guild, parent_id=parent, owner_id=IDS.alice
    )
    return parent


@pytest.mark.parametrize("kind", KINDS)
async def test_all_of_it_is_drawn_in_threads(place: Discord, alice: Visitor, kind: str) -> None:
    parent = add_thread(place, kind)
    async with painting(place, loads=[second_pass]) as easel:
        here = Here(alice, easel, parent)
        await until(lambda: here.running.services.jobs.runner.engines.model)
        form = await here.say("imagine-parts", layout="two_beside", steps=2)
        parts = {"common": "2girls", "left": "hat", "right": "bow"}
        await alice.member.submit_modal(form, parts)
        assert len((await here.next())[0].request.regions) == 2
        await here.say("imagine", prompt="1girl, smile", steps=2, faces=True)
        job, message = await here.next()
        assert "face drawn again" in message.text
        await redrawn(alice, here.running, message, here.known)
        assert (await here.next())[0].request.mask
        await extend(alice, message, Extend.UP)
        assert (await here.next())[0].request.extend is Extend.UP
        await alice.press(message, "Redraw faces")
        assert (await here.next())[0].request.only_faces
        await here.say("compare", prompt="1girl", option="cfg", values="5 | 7", steps=2)
        assert len((await here.next())[1].attachments) == 3
        await here.say("again", prompt="1girl, again")
        assert (await here.next())[0].request.prompt.startswith("1girl, again")
        url = await link(alice, message)
        mask = painted(await size_of(here.running, job))
        assert (await easel.send(url, mask))[0] == 200
        made, shown = await here.next()
        assert made.request.mask
        assert "Redrawn in part" in shown.text


@pytest.mark.parametrize("kind", KINDS)
async def test_a_closed_thread_opens_for_what_is_drawn_there(
    place: Discord, alice: Visitor, kind: str
) -> None:
    """A painted one comes as a new message, long after the last one."""
    parent = add_thread(place, kind)
    async with painting(place) as easel:
        here = Here(alice, easel, parent)
        await here.say("imagine", prompt="1girl, smile", steps=2)
        job, message = await here.next()
        url = await link(alice, message)
        place.loopback.changes.archive(THREAD)
        await until(lambda: here.running.bot.get_channel(THREAD) is None)
        mask = painted(await size_of(here.running, job))
        assert (await easel.send(url, mask))[0] == 200
        await here.next()
        assert not place.world.channels[THREAD].archived


@pytest.mark.parametrize("kind", KINDS)
async def test_the_rules_of_its_channel_are_obeyed(
    place: Discord, alice: Visitor, kind: str
) -> None:
    parent = add_thread(place, kind)
    async with painting(place) as easel:
        here = Here(alice, easel, parent)
        await allow(here.running, parent, Rating.SENSITIVE)
        await here.say("imagine", prompt="1girl, smile", steps=2, rating="sensitive")
        job, message = await here.next()
        url = await link(alice, message)
        await allow(here.running, parent, Rating.SAFE)
        for sent in (
            await extend(alice, message, Extend.LEFT),
            await alice.press(message, "Re-roll"),
            await here.say("again", prompt="1girl"),
            await here.say("show", id=job.id),
            await here.say("describe", picture=job.id),
        ):
            assert "`sensitive`" in await text_of(sent)
        assert await easel.status(url) == 403


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_into_a_thread_opens_for_those_who_see_it(
    place: Discord, alice: Visitor, bob: Visitor, kind: str
) -> None:
    parent = add_thread(place, kind)
    async with painting(place) as easel:
        here = Here(alice, easel, parent)
        await here.say("imagine", prompt="1girl, smile", steps=2)
        _, message = await here.next()
        typed = link_to(message.id, channel=THREAD)
        opens = kind != "private"
        for archived in (False, True):
            if archived:
                place.loopback.changes.archive(THREAD)
                await until(lambda: here.running.bot.get_channel(THREAD) is None)
            shown = await bob.answer("show", id=typed)
            assert bool(shown.attachments) == opens
            assert opens or "no picture of mine" in shown.text
            assert (await alice.answer("show", id=typed)).attachments


async def test_in_a_private_thread_without_the_bot_painting_says_what_to_do(
    place: Discord, alice: Visitor
) -> None:
    async with painting(place) as easel:
        parent = add_thread(place, "private")  # nobody tells the bot of it
        here = Here(alice, easel, parent)
        await here.say("imagine", prompt="1girl, smile", steps=2)
        _, message = await here.next()
        assert "Mention me" in await text_of(await alice.press(message, "Paint"))


async def allow(running: Running, channel_id: int, ceiling: Rating) -> None:
    async with running.services.database.transaction() as connection:
        await place_settings.set_ratings(
            connection, scope="guild", id=IDS.guild, guild_id=IDS.guild,
            ceiling=Rating.SENSITIVE, default=None,
        )  # fmt: skip
        await place_settings.set_ratings(
            connection, scope="channel", id=channel_id, guild_id=IDS.guild, ceiling=ceiling,
            default=None,
        )  # fmt: skip
