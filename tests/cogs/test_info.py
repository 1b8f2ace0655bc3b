"""`/about`, `/help` and `/limits` as a member reads them."""

from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord, Running, running_bot, words


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
    shown = words(await place.answer(place.alice.command("help")))
    for wanted in ("souryuu asuka langley", "(tag:1.3)", "--ar 3:2", "moderators", "13:19"):
        assert wanted in shown, wanted


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
