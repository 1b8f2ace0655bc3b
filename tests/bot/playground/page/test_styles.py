"""A new playground's library has the LoRAs that come with the demo model."""

from pathlib import Path

from bot.loras.library import LoraLibrary
from bot.loras.shelf import Shelf
from bot.playground.page.filling import pieces
from bot.playground.page.styles import add_styles
from data.shipped.paths import DEMO_MODEL
from pipeline.prepare.lora.linear_layers import LinearLayers

TRIGGERS = {"ink": ("spot color",), "pastel": ("pastel colors",)}


async def library_of(folder: Path) -> LoraLibrary:
    library = LoraLibrary(folder, family=LinearLayers.of(DEMO_MODEL).family)
    await library.refresh()
    return library


async def test_it_has_both_styles_with_all_that_a_card_shows(tmp_path: Path) -> None:
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


async def test_what_was_removed_stays_removed(tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    add_styles(folder)
    with Shelf.opened(folder) as shelf:
        shelf.remove("ink")
    add_styles(folder)
    library = await library_of(folder)
    assert [entry.name for entry in library.entries()] == ["pastel"]


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


def test_pictures_that_the_playground_is_filled_with_use_both() -> None:
    asked = [piece.options["lora"] for piece in pieces() if "lora" in piece.options]
    assert sorted(asked) == sorted(TRIGGERS)
