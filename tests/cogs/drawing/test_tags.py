"""`/tags`: what tags mean, what goes with them, and nothing that the asker may not see."""

import pytest

from bot.playground.simulator.default_world import IDS
from pipeline.rating import Rating
from tests.cogs.running import Discord, Running
from tests.cogs.test_server_rules import set_ceiling
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.views import MessageView

OWN = "trumpet"  # in no theme of the shipped start


def offered(message: MessageView) -> list[str]:
    """The tags that can be added."""
    return [option["value"] for menu in message.selects for option in menu["options"]]


async def ask(visitor: Visitor, tags: str, channel: int = IDS.general) -> MessageView:
    return await visitor.answer("tags", channel, tags=tags)


async def draw(visitor: Visitor, running: Running, channel: int, **options: object) -> None:
    known = len(await running.jobs())
    await visitor.answer("imagine", channel, **options)
    await running.all_delivered(known + 1)


async def test_what_a_tag_means_and_what_goes_with_it(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        answer = await ask(alice, "1girl, beach, 猫耳, ganyu (genshin impact), bech")
    assert answer.ephemeral
    assert "1girl, beach, 猫耳" in answer.text
    assert "**beach** · " in answer.text
    assert "pictures · " in answer.text
    assert "https://danbooru.donmai.us/wiki_pages/ganyu_%28genshin_impact%29" in answer.text
    assert "**cat ears** · " in answer.text
    assert "ネコミミ" in answer.text
    assert "**bech** is not in the tag list; similar: beach" in answer.text
    assert {"ocean", "cat tail"} <= set(offered(answer))


async def test_a_prompt_is_put_together_and_drawn(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        shown = await ask(alice, "1girl, beach,")
    async with open_bot(place) as running:  # also after a restart
        await alice.member.select(shown, "ekaki:tags:add", ["ocean", "palm tree"])
        shown = alice.member.message(shown.id)
        assert "1girl, beach, ocean, palm tree" in shown.text
        assert "ocean" not in offered(shown)
        answer = await whole(await alice.member.press(shown, "Draw"))
        assert not answer.ephemeral
        job = await running.delivery("delivered")
    assert job.request.original.prompt == "1girl, beach, ocean, palm tree"


async def test_it_goes_on_in_the_form(place: Discord, alice: Visitor) -> None:
    async with open_bot(place) as running:
        shown = await ask(alice, "1girl, beach")
        opened = await alice.member.press(shown, "Edit the prompt")
        assert opened.modal is not None
        assert opened.modal["components"][0]["component"]["value"] == "1girl, beach"
        await alice.member.submit_modal(opened, {"modal_prompt": "1girl, beach, hat"})
        job = await running.delivery("delivered")
    assert job.request.original.prompt == "1girl, beach, hat"


async def test_pictures_of_two_members_count(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with open_bot(place) as running:
        await draw(alice, running, IDS.general, prompt=f"1girl, {OWN}, beret")
        assert "beret" not in offered(await ask(bob, OWN))  # one member's habit
        await draw(bob, running, IDS.art, prompt=f"1girl, {OWN}, beret, monocle")
        assert set(offered(await ask(bob, OWN))) == {"1girl", "beret"}
        assert "monocle" not in offered(await ask(alice, OWN))
        assert "beret" not in offered(await ask(bob, OWN, IDS.dm_bob))


@pytest.mark.parametrize("where", ["private", "in a hidden channel", "above the rating"])
async def test_what_the_asker_may_not_see_is_not_counted(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor, where: str
) -> None:
    async with open_bot(place) as running:
        await draw(moderator, running, IDS.general, prompt=f"1girl, {OWN}, beret")
        if where == "private":
            await draw(bob, running, IDS.general, prompt=f"1girl, {OWN}, beret", private=True)
        elif where == "in a hidden channel":
            await draw(moderator, running, IDS.moderators, prompt=f"1girl, {OWN}, monocle")
            owner = Visitor(place, IDS.owner)
            await draw(owner, running, IDS.moderators, prompt=f"1girl, {OWN}, monocle, beret")
            assert "monocle" in offered(await ask(moderator, OWN))
        else:
            await set_ceiling(running, Rating.SENSITIVE)
            await draw(bob, running, IDS.general, prompt=f"1girl, {OWN}, beret", rating="sensitive")
            assert "beret" in offered(await ask(alice, OWN))
            await set_ceiling(running, Rating.SAFE)
        assert not {"beret", "monocle"} & set(offered(await ask(alice, OWN)))


async def test_sexual_tags_are_not_offered_where_they_may_not_be_drawn(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place):
        found = offered(await ask(alice, "beach, swimsuit, maid, witch, couple, 1boy"))
    assert found
    assert not {"bikini", "breasts", "panties"} & set(found)


@pytest.mark.parametrize(
    "tags", [",", "((((", "x" * 1000, "@everyone ``` **x** <@1>", "1girl " * 160]
)
async def test_odd_texts_are_answered(place: Discord, alice: Visitor, tags: str) -> None:
    async with open_bot(place):
        answer = await ask(alice, tags)
        assert answer.ephemeral
        assert "went wrong" not in answer.text
        assert answer.mention_ids == []
