"""`/about`, `/help` and `/limits` as a member reads them."""

from bot.playground.simulator.default_world import IDS
from cogs.info import TOPICS, help_embed
from tests.cogs.running import Discord, Running, running_bot, words
from tests.cogs.visitors import Visitor, open_bot


async def test_about_shows_what_the_licence_asks_for(place: Discord) -> None:
    async with running_bot(
        place, operator_contact="olga@example.org", source_url="https://example.org/ekaki"
    ):
        message = await place.answer(place.alice.command("about"))
    assert message.ephemeral_for == IDS.alice
    shown = words(message)
    for wanted in (
        "Cagliostro Research Lab", "SeaArt.ai", "Repository: fake", "Revision: `0`",
        "https://freedevproject.org/faipl-1.0-sd/", "Prohibited uses", "minors", "warranty",
        "olga@example.org", "https://example.org/ekaki", "Modified?",
    ):  # fmt: skip
        assert wanted in shown, wanted


async def test_help_shows_how_to_write(place: Discord, running: Running) -> None:
    card = words(await place.answer(place.alice.command("help")))
    assert "souryuu asuka langley" in card
    assert len(card) < 600
    shown = card + "".join(help_embed(topic).description or "" for topic in TOPICS)
    for wanted in ("(tag:1.3)", "--ar 3:2", "moderators", "about 2:3"):
        assert wanted in shown, wanted


async def test_a_topic_takes_the_place_of_the_card_also_after_a_restart(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place):
        card = await alice.answer("help")
        (menu,) = card.selects
        assert [each["value"] for each in menu["options"]] == list(TOPICS)
    async with open_bot(place):
        for topic, said in (("weights", "(tag:1.3)"), ("sizes", "Wide, about 16:9 (1344x768)")):
            await alice.member.select(card, "ekaki:help", [topic])
            shown = alice.member.message(card.id)
            assert said in shown.text
            (menu,) = shown.selects
            assert [each["value"] for each in menu["options"] if each.get("default")] == [topic]


async def test_limits_show_ones_own_windows(place: Discord, running: Running) -> None:
    await place.answer(place.alice.imagine(prompt="1girl", count=2))
    await running.delivery("delivered")
    message = await place.answer(place.alice.command("limits"))
    assert message.ephemeral_for == IDS.alice
    assert "Last hour: 2 of 20 pictures" in words(message)
    others = await place.answer(place.bob.command("limits"))
    assert "Last hour: 0 of 20 pictures" in words(others)


async def test_about_says_that_another_model_has_terms_of_its_own(place: Discord) -> None:
    async with running_bot(place, model="models/mine"):
        message = await place.answer(place.alice.command("about"))
        shown = str(message.embeds)
        assert "its own licence" in shown
        assert "Cagliostro" not in shown
