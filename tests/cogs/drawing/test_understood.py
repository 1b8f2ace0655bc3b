"""Aliases are read as tags, a character brings its series, what is no tag is drawn and told."""

from tests.cogs.pictures.test_results import drawn
from tests.cogs.running import Discord
from tests.cogs.test_server_rules import set_words
from tests.cogs.visitors import Visitor, open_bot


async def told(place: Discord, alice: Visitor, **options: str) -> tuple[str, str]:
    """The final prompt, and what stands under the picture."""
    async with open_bot(place) as running:
        job, message = await drawn(alice, running, **options)
    return job.request.prompt, place.world.messages[message.id].content


async def test_aliases_in_any_language_are_drawn_as_their_tags(
    place: Discord, alice: Visitor
) -> None:
    prompt, under = await told(place, alice, prompt="1girl, 猫耳, (smiling:1.2)", negative="帽子")
    assert prompt.startswith("1girl, cat ears, (smile:1.2), ")
    assert "-# Read as tags: `猫耳` as `cat ears`, `smiling` as `smile`, `帽子` as `hat`." in under


async def test_a_sentence_is_drawn_as_typed_with_one_line_under_it(
    place: Discord, alice: Visitor
) -> None:
    typed = "1girl, a girl with long hair at the beach, hastune miku"
    prompt, under = await told(place, alice, prompt=typed)
    assert "a girl with long hair at the beach" in prompt
    (line,) = [line for line in under.splitlines() if "Not in the tag list" in line]
    assert line.startswith("-# ")
    assert "`a girl with long hair at the beach` (similar: `" in line
    assert "`hastune miku` (similar: `hatsune miku`" in line


async def test_what_is_known_is_not_told(place: Discord, alice: Visitor) -> None:
    _, under = await told(place, alice, prompt="1girl, smile, masterpiece, ^_^, (hat:1.1), 2girls")
    (facts,) = [line for line in under.splitlines() if line.startswith("-#")]
    assert "seed 42" in facts


async def test_a_character_brings_its_series_and_says_so(place: Discord, alice: Visitor) -> None:
    prompt, under = await told(place, alice, prompt="1girl", character="souryuu asuka langley")
    assert prompt.startswith("1girl, souryuu asuka langley, neon genesis evangelion, ")
    assert "-# Added the series `neon genesis evangelion`." in under


async def test_a_series_that_is_typed_stays(place: Discord, alice: Visitor) -> None:
    prompt, under = await told(
        place, alice, prompt="1girl", character="hatsune miku", series="touhou"
    )
    assert "vocaloid" not in prompt
    assert "Added" not in under


async def test_near_tags_are_those_of_the_place(place: Discord, alice: Visitor) -> None:
    _, under = await told(place, alice, prompt="1girl, bikni topp, seethrough dres")
    assert "Not in the tag list" in under
    for word in ("bikini", "topless", "see-through"):
        assert word not in under.split("Not in the tag list")[1].replace("bikni", "")


async def test_a_servers_rule_holds_for_the_alias_and_for_its_tag(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        for word in ("cat ears", "猫耳"):
            await set_words(running, word)
            refused = await alice.answer("imagine", prompt="1girl, 猫耳")
            assert f"do not allow `{word}`" in refused.text
        assert await running.jobs() == []
