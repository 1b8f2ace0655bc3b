"""`/imagine-parts`: a form for two or three people."""

import pytest

from bot.playground.simulator.default_world import IDS
from cogs.drawing.prompt_form import Layout
from data.shipped.text import speaking, text
from pipeline.regions import Place
from tests.cogs.pictures.test_results import text_of
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot

FIELDS = {
    Layout.TWO_BESIDE: ["left", "right"],
    Layout.THREE_BESIDE: ["left", "center", "right"],
    Layout.TWO_STACKED: ["top", "bottom"],
    Layout.THREE_STACKED: ["top", "center", "bottom"],
}


@pytest.mark.parametrize("layout", Layout)
async def test_each_part_is_drawn_from_its_own_tags(
    place: Discord, alice: Visitor, layout: Layout
) -> None:
    async with open_bot(place) as running:
        options = {"layout": layout.value, "steps": 7, "tags": "night"}
        opened = await alice.member.slash("imagine-parts", options, channel=IDS.general)
        assert opened.modal is not None
        asked = [each["component"]["custom_id"] for each in opened.modal["components"]]
        assert asked == ["common", *FIELDS[layout], "modal_negative"]
        typed = {name: f"{name} hat" for name in FIELDS[layout]}
        await alice.member.submit_modal(
            opened, {"common": "2girls, park", **typed, "modal_negative": "shoes"}
        )
        job = await running.delivery("delivered")
    assert job.request.num_inference_steps == 7
    assert "shoes" in job.request.negative_prompt
    assert [each.place for each in job.request.regions] == [Place(each) for each in FIELDS[layout]]
    for region in job.request.regions:
        assert "2girls" in region.prompt
        assert "night" in region.prompt
        assert f"{region.place} hat" in region.prompt


async def test_what_does_not_fit_is_explained_and_given_back(
    place: Discord, alice: Visitor
) -> None:
    place.world.users[IDS.alice].locale = "ja"
    async with open_bot(place) as running:
        options = {"layout": "two_beside"}
        opened = await alice.member.slash("imagine-parts", options, channel=IDS.general)
        assert opened.modal is not None
        assert opened.modal["components"][1]["label"] == "左"
        sent = await alice.member.submit_modal(opened, {"left": "hat | scarf", "right": "bow"})
        with speaking("ja"):
            assert text("errors.region_not_one") in await text_of(sent)
        assert (await sent.wait_for(lambda each: "hat | scarf" in each.text)).ephemeral
        assert await running.jobs() == []
