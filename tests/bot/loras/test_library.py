"""The library as the running bot sees it: names, changes on disk, and problems."""

import asyncio
import json
import logging
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.loras import library
from bot.loras.library import LoraLibrary
from bot.loras.scan import LoraEntry, Scanner, manifest_path
from bot.loras.shelf import Shelf
from pipeline.card import Sampler
from pipeline.lora.files import adapter_path
from pipeline.lora.recipe import Recipe
from pipeline.rating import Rating
from tests.bot.loras.making import put
from tests.support.patience import until


@pytest.fixture
def loras(tmp_path: Path) -> LoraLibrary:
    return LoraLibrary(tmp_path / "loras")


async def test_without_a_folder_it_is_empty(loras: LoraLibrary) -> None:
    await loras.refresh()
    assert not loras.entries()
    assert loras.get("ink") is None
    assert loras.nearest("ink") == []


async def test_a_recipe_is_read_as_it_was_written(loras: LoraLibrary) -> None:
    recipe = Recipe(num_inference_steps=8, guidance_scale=1.5, sampler=Sampler.EULER_TRAILING)
    put(loras.folder, "a", recipe=recipe)
    put(loras.folder, "b", recipe=Recipe(sampler=Sampler.LCM))
    put(loras.folder, "c")
    await loras.refresh()
    found = [entry.recipe for entry in loras.entries()]
    assert found == [recipe, Recipe(sampler=Sampler.LCM), Recipe()]
    stored = json.loads(manifest_path(loras.folder, "a").read_text(encoding="utf-8"))
    assert (stored["steps"], stored["cfg"], stored["sampler"]) == (8, 1.5, "Euler SGM Uniform")
    assert "steps" not in json.loads(manifest_path(loras.folder, "c").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"steps": 0}, "steps is no whole number from 1 to 60"),
        ({"steps": "8"}, "steps is no whole number from 1 to 60"),
        ({"steps": 51, "sampler": "LCM"}, "steps is no whole number from 1 to 50"),
        ({"cfg": 0.5}, "cfg is no number from 1 to 20"),
        ({"sampler": "lcm"}, "sampler is none of Euler a, "),
        ({"sampler": ["LCM"]}, "sampler is none of Euler a, "),
    ],
    ids=str,
)
async def test_a_recipe_that_can_t_be_used_is_named(
    loras: LoraLibrary, changes: dict[str, object], problem: str
) -> None:
    put(loras.folder, "ink")
    path = manifest_path(loras.folder, "ink")
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, **changes}), encoding="utf-8")
    await loras.refresh()
    (entry,) = loras.entries()
    assert problem in entry.problem


async def test_an_entry_says_what_its_manifest_says(loras: LoraLibrary) -> None:
    put(
        loras.folder,
        "墨絵 style",
        triggers=("sumi-e", "ink wash"),
        strength=0.8,
        rating=Rating.SENSITIVE,
        licence="CC0",
        source="https://example.org/ink",
        author="A",
        base="Illustrious",
        rank=16,
    )
    (loras.folder / "墨絵 style.webp").write_bytes(b"x")
    await loras.refresh()
    (entry,) = loras.entries()
    assert entry == loras.get("墨絵 STYLE")
    assert (entry.name, entry.triggers, entry.strength) == (
        "墨絵 style",
        ("sumi-e", "ink wash"),
        0.8,
    )
    assert (entry.rating, entry.licence, entry.source) == (
        Rating.SENSITIVE,
        "CC0",
        "https://example.org/ink",
    )
    assert (entry.author, entry.base, entry.rank, entry.size_bytes) == ("A", "Illustrious", 16, 7)
    assert entry.preview == loras.folder / "墨絵 style.webp"
    assert not entry.problem
    assert adapter_path(loras.folder, entry.digest).is_file()


async def test_names_are_found_in_any_case_and_width(loras: LoraLibrary) -> None:
    put(loras.folder, "Ink Wash")
    await loras.refresh()
    for typed in ("ink wash", "INK  WASH", "Ｉｎｋ　Ｗａｓｈ"):
        assert loras.get(typed) == loras.entries()[0]
    assert loras.get("inkwash") is None
    assert loras.nearest("inkwash") == ["Ink Wash"]
    assert loras.nearest("wash") == ["Ink Wash"]
    assert loras.nearest("pixel" * 1000) == []


async def test_of_two_names_that_are_the_same_one_counts(loras: LoraLibrary) -> None:
    put(loras.folder, "INK", b"1")
    put(loras.folder, "ink", b"2")
    await loras.refresh()
    assert [entry.name for entry in loras.entries()] == ["INK"]


async def test_what_is_added_and_removed_beside_it_shows(
    loras: LoraLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "REFRESH_S", 0.01)
    put(loras.folder, "first")
    await loras.start()
    assert [entry.name for entry in loras.entries()] == ["first"]
    put(loras.folder, "second", b"other")
    await until(lambda: loras.get("second") is not None)
    manifest_path(loras.folder, "first").unlink()
    await until(lambda: loras.get("first") is None)
    await loras.stop()


async def test_weights_that_change_are_noticed(
    loras: LoraLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    path = adapter_path(loras.folder, put(loras.folder, "ink").adapter.sha256)
    await loras.refresh()
    path.write_bytes(b"WEIGHTS")  # of the same size
    os.utime(path, ns=(1, 1))
    await loras.refresh()
    await loras.refresh()
    assert "changed" in loras.entries()[0].problem
    assert loras.nearest("inc") == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING], "told once"
    path.write_bytes(b"longer weights")
    await loras.refresh()
    assert "changed" in loras.entries()[0].problem
    path.unlink()
    await loras.refresh()
    assert "missing" in loras.entries()[0].problem
    path.write_bytes(b"weights")  # from a backup, with another time
    await loras.refresh()
    assert not loras.entries()[0].problem


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no object"),
        ("{}", "format"),
        ('{"format": 1}', "adapter"),
        ('{"format": 1, "adapter": {"sha256": "../../x"}}', "SHA-256"),
        ("x" * 300_000, "larger"),
        ("\udcff", "UTF-8"),
    ],
)
async def test_a_manifest_that_cant_be_used_is_named(
    text: str, what: str, loras: LoraLibrary
) -> None:
    put(loras.folder, "good")
    manifest_path(loras.folder, "bad").write_text(text, errors="surrogateescape")
    await loras.refresh()
    bad, good = loras.entries()
    assert what in bad.problem
    assert (bad.name, bad.digest, good.problem) == ("bad", "", "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ('"strength": 1.0', '"strength": NaN'),
        ('"strength": 1.0', '"strength": 9'),
        ('"strength": 1.0', '"strength": true'),
        ('"strength": 1.0', '"strength": 1' + "0" * 400),
        ('"added": 0.0', '"added": 1000000000000'),
        ('"rank": 0', '"rank": 1' + "0" * 400),
        ('"author": ""', '"author": "\\ud800"'),
        ('"triggers": []', '"triggers": ["\\ud800"]'),
        ('"rating": "safe"', '"rating": "x"'),
        ('"triggers": []', '"triggers": "x"'),
        ('"triggers": []', '"triggers": [1]'),
        ('"licence": ""', '"licence": 7'),
        ('"format": 1', '"format": true'),
        ('"format": 1', '"format": 1.0'),
        ('"steps": 7', '"steps": 7.5'),
        ('"steps": 7', '"steps": 7.0'),
        ('"steps": 7', '"steps": true'),
        ('"steps": 7', '"steps": "7"'),
        ('"steps": 7', '"steps": 0'),
        ('"steps": 7', '"steps": -7'),
        ('"steps": 7', '"steps": 1' + "0" * 400),
        ('"steps": 7', '"steps": NaN'),
        ('"cfg": 1.5', '"cfg": true'),
        ('"cfg": 1.5', '"cfg": "1"'),
        ('"cfg": 1.5', '"cfg": -1'),
        ('"cfg": 1.5', '"cfg": Infinity'),
        ('"sampler": "LCM"', '"sampler": ["LCM"]'),
        ('"sampler": "LCM"', '"sampler": "lcm2"'),
        ('"strength": 1.0', '"strength": "1"'),
        ('"strength": 1.0', '"strength": null'),
        ('"strength": 1.0', '"strength": -Infinity'),
        ('"rank": 0', '"rank": 0.5'),
        ('"rank": 0', '"rank": false'),
        ('"rank": 0', '"rank": -1'),
        ('"layers": 0', '"layers": 3.5'),
        ('"added": 0.0', '"added": true'),
        ('"added": 0.0', '"added": -1'),
        ('"values_sha256": ""', '"values_sha256": "xyz"'),
        ('"values_sha256": ""', '"values_sha256": 0'),
        ('"size": 7', '"size": 7.5'),
        ('"size": 7', '"size": -7'),
        ('"mtime_ns": 1', '"mtime_ns": "1"'),
        ('"mtime_ns": 1', '"mtime_ns": 1.5'),
        ('"mtime_ns": 1', '"mtime_ns": 9' + "0" * 20),
    ],
)
async def test_each_field_of_a_manifest_is_checked(
    field: str, value: str, loras: LoraLibrary
) -> None:
    recipe = Recipe(num_inference_steps=7, guidance_scale=1.5, sampler=Sampler.LCM)
    text = put(loras.folder, "ink", recipe=recipe).to_json()
    text = re.sub(r'"mtime_ns": \d+', '"mtime_ns": 1', text)
    assert field in text
    manifest_path(loras.folder, "ink").write_text(text.replace(field, value))
    await loras.refresh()
    assert field.split('"')[1] in loras.entries()[0].problem


async def test_a_folder_that_cant_be_read_keeps_what_was_known(
    loras: LoraLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    put(loras.folder, "ink")
    await loras.refresh()
    loras.folder.rename(loras.folder.with_name("elsewhere"))
    loras.folder.write_bytes(b"")
    await loras.refresh()
    await loras.refresh()
    assert loras.get("ink") is not None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_a_folder_that_is_not_mounted_keeps_what_was_known(
    loras: LoraLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    put(loras.folder, "ink")
    await loras.refresh()
    assert not loras.may_return("ink")
    elsewhere = loras.folder.with_name("elsewhere")
    loras.folder.rename(elsewhere)
    await loras.refresh()
    loras.folder.mkdir()  # where the disk is mounted
    await loras.refresh()
    assert loras.get("ink") is not None
    assert loras.may_return("ink")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    loras.folder.rmdir()
    elsewhere.rename(loras.folder)
    await loras.refresh()
    assert not loras.may_return("ink")


async def test_the_last_one_can_be_removed(loras: LoraLibrary) -> None:
    with Shelf.opened(loras.folder):
        put(loras.folder, "ink")
    await loras.refresh()
    with Shelf.opened(loras.folder) as shelf:
        shelf.remove("ink")
    await loras.refresh()
    assert not loras.entries()
    assert not loras.may_return("ink")


async def test_a_folder_that_was_emptied_by_hand_can_be_said_to_be_empty(
    loras: LoraLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("LORA_DIR", str(loras.folder))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    with Shelf.opened(loras.folder):
        put(loras.folder, "ink")
    await loras.refresh()
    assert await asyncio.to_thread(main, ["lora", "check", "--empty"]) != 0
    assert "1 LoRA, so it is not empty" in capsys.readouterr().err
    for path in loras.folder.iterdir():
        path.unlink()
    await loras.refresh()
    assert loras.may_return("ink")  # it may be a disk that is not mounted
    assert "python -m bot lora check --empty" in capsys.readouterr().err  # the log
    assert await asyncio.to_thread(main, ["lora", "check", "--empty"]) == 0
    await loras.refresh()
    assert not loras.entries()
    assert not loras.may_return("ink")


async def test_without_a_library_nobody_knows_what_was_in_it(loras: LoraLibrary) -> None:
    await loras.refresh()
    assert loras.may_return("ink")


async def test_a_file_that_cant_be_read_does_not_hide_the_others(loras: LoraLibrary) -> None:
    put(loras.folder, "good")
    bad = manifest_path(loras.folder, "bad")
    bad.symlink_to(bad)
    await loras.refresh()
    entry, good = loras.entries()
    assert (entry.name, good.problem) == ("bad", "")
    assert "can't be used" in entry.problem
    assert (loras.may_return("bad"), loras.may_return("good")) == (True, False)


async def test_weights_that_cant_be_read_may_be_there_again(loras: LoraLibrary) -> None:
    path = adapter_path(loras.folder, put(loras.folder, "ink").adapter.sha256)
    path.unlink()
    path.symlink_to(path)
    await loras.refresh()
    assert "can't be read" in loras.entries()[0].problem
    assert loras.may_return("ink")


async def test_a_name_that_is_no_utf_8_can_be_shown(loras: LoraLibrary) -> None:
    put(loras.folder, "good")
    manifest_path(loras.folder, "good").rename(manifest_path(loras.folder, os.fsdecode(b"\xff")))
    await loras.refresh()
    (entry,) = loras.entries()
    assert entry.name == "?"
    assert "can't be the name" in entry.problem
    entry.problem.encode()


async def test_a_disk_that_does_not_answer_holds_nobody_up(
    loras: LoraLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(loras.folder, "ink")
    assert await loras.look()
    scan, hangs, calls = Scanner.scan, threading.Event(), list[int]()

    def hanging(scanner: Scanner) -> Sequence[LoraEntry]:
        calls.append(1)
        hangs.wait()
        return scan(scanner)

    monkeypatch.setattr(Scanner, "scan", hanging)
    monkeypatch.setattr(library, "LOOK_S", 0.05)
    put(loras.folder, "second", b"other")
    try:
        assert not await loras.look()
        assert not await loras.look()
        assert (len(calls), loras.get("second")) == (1, None)
    finally:
        hangs.set()
    await until(lambda: loras.get("second") is not None)
    monkeypatch.setattr(library, "LOOK_S", 60.0)
    assert await loras.look()
