# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (the border to torch)
"""Adding and removing: what is kept, what is warned of, what is refused; and nothing by halves."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.common.wording import words
from bot.loras.adding import Added, Addition, add_lora, parse_strength
from bot.loras.checking import check_library
from bot.loras.library import LoraLibrary
from bot.loras.scan import file_hash, manifest_path
from bot.loras.shelf import LOCK, Shelf
from data.shipped.paths import DEMO_MODEL
from data.store.lock import alone
from pipeline.errors import EkakiError, InputError, ModelError, StorageError
from pipeline.lora.files import adapter_path
from pipeline.lora.recipe import Recipe
from pipeline.prepare.lora.linear_layers import LinearLayers
from pipeline.rating import Rating
from tests.bot.loras.conftest import LAYER, small
from tests.pipeline.prepare.lora.loras import kohya, pair, write

NOW = 1_800_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "loras"


def add(folder: Path, file: Path, **said: Any) -> Added:
    layers = LinearLayers.of(DEMO_MODEL)
    return add_lora(
        folder, Addition(file=file, **said), layers, now=NOW, progress=lambda _done, _of: None
    )


def refused(folder: Path, file: Path, **said: Any) -> EkakiError:
    before = contents(folder)
    with pytest.raises(EkakiError) as caught:
        add(folder, file, **said)
    assert contents(folder) == before, "nothing is left of it"
    assert "\n" not in words(caught.value)
    assert not words(caught.value).startswith(caught.value.key), "it has a text"
    return caught.value


def contents(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*")} - {LOCK}


async def test_what_is_said_is_kept_and_shown_by_the_bot(folder: Path, lora: Path) -> None:
    Image.new("RGB", (2000, 1000), "red").save(lora.with_name("shot.png"))
    added = add(
        folder,
        lora,
        name="Ink Wash",
        triggers=("sumi-e",),
        strength=0.8,
        rating=Rating.SENSITIVE,
        licence="CC0",
        source="https://example.org",
        author="Ann",
        preview=lora.with_name("shot.png"),
    )
    library = LoraLibrary(folder, family=LinearLayers.of(DEMO_MODEL).family)
    await library.refresh()
    entry = library.get("ink wash")
    assert entry is not None
    assert not entry.problem
    assert (entry.name, entry.triggers, entry.strength) == ("Ink Wash", ("sumi-e",), 0.8)
    assert (entry.rating, entry.licence, entry.author) == (Rating.SENSITIVE, "CC0", "Ann")
    assert (entry.rank, entry.source, len(entry.hash)) == (4, "https://example.org", 12)
    assert file_hash(adapter_path(folder, entry.digest)) == entry.digest
    assert added.manifest.original.sha256 == file_hash(lora)
    assert entry.preview is not None
    with Image.open(entry.preview) as preview:
        assert preview.size == (768, 384)
    if os.name == "posix":
        assert adapter_path(folder, entry.digest).stat().st_mode & 0o077 == 0


async def test_for_a_model_with_other_layers_it_can_t_be_used(folder: Path, lora: Path) -> None:
    add(folder, lora)
    library = LoraLibrary(folder, family="sdxl")
    await library.refresh()
    assert "other layers" in library.entries()[0].problem


def test_what_is_not_said_comes_from_the_file(folder: Path, tmp_path: Path) -> None:
    notes = {
        "modelspec.author": "Ann",
        "modelspec.license": "CC0",
        "ss_sd_model_name": "animagine-xl-3.1.safetensors",
        "ss_tag_frequency": json.dumps({"1_x": {"sumi-e": 4}}),
    }
    path = write(tmp_path / "墨:ink.safetensors", small(), notes)
    added = add(folder, path)
    assert added.name == "墨_ink"
    manifest = added.manifest
    assert (manifest.author, manifest.licence, manifest.base) == ("Ann", "CC0", "Animagine XL")
    assert manifest.triggers == ("sumi-e",)
    assert added.warnings == ()
    assert add(folder, path, name="b", triggers=(), licence="", author="").manifest.triggers == ()


@pytest.mark.parametrize(
    ("notes", "warning"),
    [
        ({}, "an unknown model"),
        ({"ss_sd_model_name": "sd_xl_base_1.0.safetensors"}, "not for an anime model"),
        ({"ss_sd_model_name": "jugger.safetensors"}, "'jugger'"),
        ({"ss_base_model_version": "sd_v1"}, "Stable Diffusion 1.5"),
        ({"ss_v_parameterization": "True"}, "v-prediction"),
        ({}, "No licence is known"),
    ],
)
def test_warnings(notes: dict[str, str], warning: str, folder: Path, tmp_path: Path) -> None:
    added = add(folder, write(tmp_path / "a.safetensors", small(), notes or None))
    assert any(warning in each for each in added.warnings)


def test_weights_that_do_nothing_and_equal_ones_are_told(folder: Path, tmp_path: Path) -> None:
    down, up = pair(4, 128, 128, 0)
    path = write(tmp_path / "zero.safetensors", kohya({LAYER: [down, up * 0]}))
    assert any("changes nothing" in each for each in add(folder, path).warnings)
    again = add(folder, path, name="again")
    assert any("same weights as zero" in each for each in again.warnings)


def test_equal_weights_stay_until_the_last_is_removed(folder: Path, lora: Path) -> None:
    digest = add(folder, lora, name="one").manifest.adapter.sha256
    assert add(folder, lora, name="two").manifest.adapter.sha256 == digest
    for name, left in (("ONE", True), ("two", False)):
        with Shelf.opened(folder) as shelf:
            shelf.remove(shelf.find(name))
        assert adapter_path(folder, digest).exists() is left
    assert contents(folder) == set()


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"name": "a:b"}, "lora_name"),
        ({"name": "../x"}, "lora_name"),
        ({"name": "CON"}, "lora_name"),
        ({"name": "a --ar 3:2"}, "lora_name"),
        ({"name": "INK"}, "lora_taken"),
        ({"name": "ＩＮＫ"}, "lora_taken"),
        ({"preview": Path("/none.png")}, "lora_preview"),
        ({"preview": Path(__file__)}, "lora_preview"),
        ({"licence": "x" * 300}, "lora_text"),
        ({"author": "a\nb"}, "lora_text"),
        ({"triggers": tuple(map(str, range(30)))}, "lora_triggers"),
    ],
)
def test_what_can_t_be_is_refused(said: dict[str, Any], key: str, folder: Path, lora: Path) -> None:
    add(folder, lora)
    assert refused(folder, lora, **said).key == key


async def test_one_lora_is_for_drafts(folder: Path, lora: Path) -> None:
    assert refused(folder, lora, draft=True).key == "lora_draft_steps"
    recipe = Recipe(num_inference_steps=8, guidance_scale=1.0)
    added = add(folder, lora, name="quick", draft=True, recipe=recipe)
    assert added.manifest.draft
    error = refused(folder, lora, name="other", draft=True, recipe=recipe)
    assert error.key == "lora_draft_taken"
    assert "quick" in words(error)
    add(folder, lora, name="plain")
    library = LoraLibrary(folder)
    await library.refresh()
    assert library.draft is not None
    assert (library.draft.name, library.draft.recipe) == ("quick", recipe)
    # Somebody edits a file: the first by name counts, and the check tells.
    path = manifest_path(folder, "plain")
    path.write_text(path.read_text().replace('"licence"', '"draft": true, "steps": 4, "licence"'))
    await library.refresh()
    assert library.draft.name == "plain"
    family = LinearLayers.of(DEMO_MODEL).family
    problems = check_library(folder, family=family, report=lambda _: None).problems
    assert problems == ["quick: it is for drafts, as is plain; one can be."]
    with Shelf.opened(folder) as shelf:
        shelf.remove("plain")
        shelf.remove("quick")
    assert add(folder, lora, draft=True, recipe=recipe).manifest.draft


def test_a_broken_file_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    broken = small() | {f"{LAYER}.lora_up.weight": pair(4, 128, 128, 0)[1] * float("nan")}
    assert refused(folder, write(tmp_path / "a.safetensors", broken)).key == "lora_not_finite"
    assert refused(folder, tmp_path / "none.safetensors").key == "lora_unreadable"
    assert refused(folder, tmp_path).key == "lora_unreadable"


def test_a_file_that_says_what_it_is_for_is_refused_with_that(folder: Path, tmp_path: Path) -> None:
    notes = {"ss_base_model_version": "sd_v1"}
    path = write(tmp_path / "a.safetensors", kohya({LAYER: pair(4, 320, 320, 0)}), notes)
    error = refused(folder, path)
    assert (error.key, "1.5" in words(error)) == ("lora_model", True)


@pytest.mark.parametrize(
    ("typed", "value"), [("0.8", 0.8), ("0,8", 0.8), ("－0．5", -0.5), ("2", 2.0), (" 1 ", 1.0)]
)
def test_strengths(typed: str, value: float) -> None:
    assert parse_strength(typed) == value


@pytest.mark.parametrize("typed", ["9", "nan", "inf", "-2.1", "", "x", "1,2,3", "80%"])
def test_strengths_that_are_none(typed: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_strength(typed)
    assert caught.value.key == "lora_default_strength"


def test_a_full_disk_leaves_nothing(
    folder: Path, lora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(folder, lora)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    error = refused(folder, lora, name="other")
    assert error.key == "disk_full"
    assert str(folder) in words(error)


def test_one_at_a_time(folder: Path, lora: Path) -> None:
    add(folder, lora)
    with alone(folder / LOCK, "busy"), pytest.raises(StorageError) as caught:
        add(folder, lora, name="other")
    assert caught.value.key == "lora_busy"


def test_what_is_not_there_can_t_be_removed(folder: Path, lora: Path) -> None:
    add(folder, lora, name="ink wash")
    with Shelf.opened(folder) as shelf, pytest.raises(InputError) as caught:
        shelf.find("ink wsh")
    assert "Did you mean: ink wash?" in words(caught.value)


def test_weights_stay_while_a_manifest_can_t_be_read(folder: Path, lora: Path) -> None:
    digest = add(folder, lora).manifest.adapter.sha256
    manifest_path(folder, "ink").write_text("{")
    with Shelf.opened(folder):
        pass
    assert adapter_path(folder, digest).exists()


def test_files_of_others_stay(folder: Path, lora: Path) -> None:
    add(folder, lora)
    (folder / "notes.txt").touch()
    (folder / "other.safetensors").touch()
    with Shelf.opened(folder) as shelf:
        shelf.remove("ink")
    assert contents(folder) == {"notes.txt", "other.safetensors"}


def test_check_finds_what_is_wrong(folder: Path, lora: Path) -> None:
    family = LinearLayers.of(DEMO_MODEL).family

    def check() -> list[str]:
        return check_library(folder, family=family, report=lambda _: None).problems

    assert check() == []
    path = adapter_path(folder, add(folder, lora).manifest.adapter.sha256)
    assert check() == []
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # neither size nor time tell
    assert "changed" in check()[0]
    path.unlink()
    assert "missing" in check()[0]
    (folder / "raw.safetensors").touch()
    manifest_path(folder, "broken").write_text("x")
    manifest_path(folder, "INK").write_text(manifest_path(folder, "ink").read_text())
    found = " ".join(check())
    for words_ in ("raw.safetensors", "broken", "same name"):
        assert words_ in found


def test_errors_of_conversion_are_models_errors(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "wide.safetensors", kohya({LAYER: pair(4, 640, 640, 0)}))
    assert isinstance(refused(folder, path), ModelError)
