"""A new playground's library has the LoRAs that come with the demo model."""

from pathlib import Path

from bot.loras.library import LoraLibrary
from bot.loras.shelf import Shelf
from bot.playground.page.filling import pieces
from bot.playground.page.styles import DRAFT_RECIPE, add_styles
from data.shipped.paths import DEMO_MODEL
from pipeline.prepare.lora.linear_layers import LinearLayers
from pipeline.prompt.known import unknown_pieces
from pipeline.prompt.typed_regions import split_regions
from tests.support.vocabulary import vocabulary

TRIGGERS = {"draft": (), "ink": ("spot color",), "pastel": ("pastel colors",)}


async def library_of(folder: Path) -> LoraLibrary:
    library = LoraLibrary(folder, family=LinearLayers.of(DEMO_MODEL).family)
    await library.refresh()
    return library


async def test_it_has_all_with_all_that_a_card_shows(tmp_path: Path) -> None:
    folder = tmp_path / "bot" / "loras"
    add_styles(folder)
    library = await library_of(folder)
    assert {entry.name: entry.triggers for entry in library.entries()} == TRIGGERS
    for entry in library.entries():
        assert entry.problem == ""
        assert entry.licence == "MIT"
        assert entry.author == "Ekaki"
        assert entry.preview is not None
        assert entry.preview.is_file()
        assert entry.size_bytes < 2**20


async def test_drafts_are_drawn_with_what_was_distilled_for_them(tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    add_styles(folder)
    library = await library_of(folder)
    assert library.draft is not None
    assert library.draft.name == "draft"
    assert library.draft.recipe == DRAFT_RECIPE
    assert [entry.draft for entry in library.entries()].count(True) == 1


async def test_what_was_removed_stays_removed(tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    add_styles(folder)
    with Shelf.opened(folder) as shelf:
        shelf.remove("ink")
    add_styles(folder)
    library = await library_of(folder)
    assert [entry.name for entry in library.entries()] == ["draft", "pastel"]


async def test_after_a_kill_on_the_way_it_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    add_styles(folder)
    with Shelf.opened(folder) as shelf:
        shelf.remove("pastel")
    folder.rename(tmp_path / "loras-new")
    add_styles(folder)
    library = await library_of(folder)
    assert {entry.name for entry in library.entries()} == set(TRIGGERS)
    assert not (tmp_path / "loras-new").exists()


def test_pictures_that_the_playground_is_filled_with_use_both_styles() -> None:
    asked = [piece.options["lora"] for piece in pieces() if "lora" in piece.options]
    assert sorted(asked) == ["ink", "pastel"]


def test_prompts_that_the_playground_is_filled_with_get_no_hints() -> None:
    tags = vocabulary()

    def is_known(key: str) -> bool:
        return tags.category_of(key) is not None or tags.alias_of(key) is not None

    for piece in pieces():
        typed = split_regions(piece.options["prompt"])
        for prompt in (typed.common, *(each.prompt for each in typed.regions)):
            assert list(unknown_pieces(prompt, is_known)) == []
