"""Suggestions as a client uses them: it shows a picked name, and may send it, not the value."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.playground.simulator.default_world import IDS
from data.shipped.vocabularies import import_vocabulary, load_vocabulary
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot

LONG = ", ".join(["1girl", "solo", *(f"own word {number}" for number in range(9))])


async def shown(alice: Visitor, option: str, typed: str) -> list[dict[str, str]]:
    return await alice.member.autocomplete("imagine", {option: typed}, option, channel=IDS.general)


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running]:
    async with open_bot(place) as running:
        yield running


async def test_a_row_leads_with_its_tag(running: Running, alice: Visitor) -> None:
    rows = await shown(alice, "prompt", "1girl, long hair, smi")
    assert rows[0] == {
        "name": "smile ‹2.4M ← 1girl, long hair›,",
        "value": "1girl, long hair, smile,",
    }
    assert len({row["name"].split(" ‹")[0] for row in rows}) == len(rows)


@pytest.mark.parametrize("sent", ["name", "value"])
async def test_ten_tags_are_picked_one_after_the_other(
    running: Running, alice: Visitor, sent: str
) -> None:
    typed, wanted = "", ["1girl", "solo", "smile", "hat", "blush", "skirt", "night", "sky"]
    for tag in wanted:
        rows = await shown(alice, "prompt", typed + tag[:-1])
        picked = next(
            row for row in rows if row["value"].endswith((f", {tag},", f"{tag},")[not typed])
        )
        typed = picked[sent].strip()  # as clients send it
    job = await alice.draw(running, typed)
    assert job.request.original.prompt == ", ".join(wanted)


async def test_a_begun_prompt_offers_nothing_twice(running: Running, alice: Visitor) -> None:
    rows = await shown(alice, "prompt", "1girl, solo,")
    tags = [row["name"].split(" ‹")[0] for row in rows]
    assert len(tags) == 25
    assert not {"1girl", "solo"} & set(tags)


async def test_a_long_prompt_says_where_to_go_on_and_is_kept(
    running: Running, alice: Visitor, bob: Visitor
) -> None:
    typed = f"{LONG}, smi"
    assert len(typed) > 100
    (row,) = await shown(alice, "prompt", typed)
    assert "continue in the option tags" in row["name"]
    for sent in (row["name"], row["value"], f"{row['name']}, hat", typed):
        job = await alice.draw(running, sent, tags="night sky")
        assert job.request.original.prompt.startswith(LONG)
        assert job.request.original.tags == "night sky"
        assert ("hat" in job.request.original.prompt) == sent.endswith("hat")
    refused = await bob.answer("imagine", prompt=row["value"])
    assert "type it again" in refused.text
    assert await shown(bob, "prompt", row["value"]) == []
    (row,) = await shown(alice, "tags", typed)
    assert "/imagine-form" in row["name"]


@pytest.mark.parametrize("sent", ["name", "value"])
@pytest.mark.parametrize("length", range(80, 101, 2))
async def test_a_row_leads_with_its_tag_up_to_the_last_character(
    running: Running, alice: Visitor, sent: str, length: int
) -> None:
    head = f"{LONG[: length - 5].rstrip(', ')}, "
    rows = await shown(alice, "prompt", f"{head}smi")
    tags = [row for row in rows if "continue" not in row["name"]]
    assert not [row for row in tags if row["name"].startswith("1girl")]
    assert all(len(row[part]) <= 100 for row in rows for part in row)
    if tags:
        job = await alice.draw(running, tags[0][sent])
        assert job.request.original.prompt == f"{head}smile"
        again = await shown(alice, "prompt", f"{tags[0]['name']} ha")  # what the field shows
        assert len(again) > 0


async def test_a_short_prompt_says_nothing_of_it(running: Running, alice: Visitor) -> None:
    rows = await shown(alice, "prompt", "1girl, smi")
    assert not [row for row in rows if "continue" in row["name"]]
    assert await shown(alice, "prompt", f"{LONG} --no ha") == []


async def test_a_character_says_its_series(running: Running, alice: Visitor) -> None:
    (first, *_) = await shown(alice, "character", "asuka")
    assert first["value"] == "souryuu asuka langley"
    assert first["name"] == "souryuu asuka langley ‹14k · neon genesis evangelion›"


async def test_artists_of_an_imported_list(
    place: Discord, alice: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.compose.load_vocabulary", load_vocabulary)
    source = tmp_path / "list.csv"
    source.write_text("kahoru_the_painter,1,77,\nlong_hair,0,99,\n", encoding="utf-8")
    import_vocabulary(source, place.folder)
    async with open_bot(place):
        rows = await shown(alice, "prompt", "1girl, kahor")
    assert rows[0]["name"] == "kahoru the painter ‹artist · 77 ← 1girl›,"


async def test_what_ends_ready_for_a_tag_is_drawn_without_its_comma(
    place: Discord, running: Running
) -> None:
    await place.answer(place.alice.imagine(prompt="1girl, smile, "))
    assert (await running.job()).request.original.prompt == "1girl, smile"
