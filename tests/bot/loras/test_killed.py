"""Killed anywhere while a LoRA is added or removed, the library is usable, and the next change
removes what was left."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.loras.checking import check_library
from bot.loras.scan import Scanner
from data.shipped.paths import DEMO_MODEL
from pipeline.prepare.lora.linear_layers import LinearLayers
from tests.bot.backup.conftest import environment
from tests.bot.loras.conftest import small
from tests.chaos import failpoints
from tests.pipeline.prepare.lora.loras import write
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
PLACES = failpoints.own("loras")


def lora(*args: str, state: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bot", "lora", *args],
        env=environment(DATA_DIR=str(state), MODEL="demo", **settings),
        cwd=ROOT / "tests", capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip


@pytest.mark.parametrize("failpoint", PLACES)
def test_killed_anywhere(failpoint: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    folder = state / "loras"
    files = [write(tmp_path / f"{each}.safetensors", small(each)) for each in range(3)]
    shot = str(ROOT / "docs" / "screenshots" / "none.png")
    shot = str(next((ROOT / "docs" / "screenshots").glob("*.png"), Path(shot)))
    assert lora("add", str(files[0]), "--name", "first", state=state).returncode == 0
    removing = failpoint in {"lora_manifest_removed", "lora_removed"}
    if removing:
        assert lora("add", str(files[1]), "--name", "second", state=state).returncode == 0
        done = lora("remove", "second", state=state, EKAKI_FAILPOINT=failpoint)
    else:
        done = lora(
            "add", str(files[1]), "--name", "second", "--preview", shot,
            state=state, EKAKI_FAILPOINT=failpoint,
        )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, f"{failpoint} was not passed: {done.stderr}"
    names = {entry.name for entry in Scanner(folder).scan() if not entry.problem}
    assert names in ({"first"}, {"first", "second"})
    assert names == {"first"} or failpoint == "lora_added"
    assert lora("add", str(files[2]), "--name", "third", state=state).returncode == 0
    family = LinearLayers.of(DEMO_MODEL).family
    assert check_library(folder, family=family, report=lambda _: None).problems == []
    kinds = sorted(path.suffix for path in folder.iterdir())
    left = len(names) + 1
    assert kinds.count(".safetensors") == kinds.count(".json") == left
    assert kinds.count(".webp") == (1 if "second" in names else 0)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_commands_say_one_line_each(tmp_path: Path) -> None:
    state = tmp_path / "state"
    path = write(tmp_path / "ink.safetensors", small())
    done = lora("add", str(path), "--trigger", "a, b", "--rating", "nsfw", state=state)
    assert (done.returncode, done.stdout) == (
        0,
        "Added ink: rank 4, 4 KiB, trigger words: a, b, rating: nsfw.\n",
    )
    assert lora("list", state=state).stdout == "ink (a, b): nsfw, 4 KiB\n"
    assert "trigger words: a, b\n" in lora("show", "INK", state=state).stdout
    few = ("--steps", "8", "--cfg", "1", "--sampler", "LCM")
    done = lora("add", str(path), "--name", "few", "--rating", "nsfw", *few, state=state)
    assert done.stdout == (
        "Added few: rank 4, 4 KiB, trigger words: none, rating: nsfw, "
        "recipe: --steps 8 --cfg 1 --sampler LCM.\n"
    )
    assert "recipe: --steps 8 --cfg 1 --sampler LCM\n" in lora("show", "few", state=state).stdout
    assert lora("remove", "few", state=state).returncode == 0
    assert lora("check", state=state).returncode == 0
    for wrong in (
        ("add", str(path)),
        ("add", str(path), "--name", "few", "--steps", "51", "--sampler", "LCM"),
        ("add", str(path), "--name", "few", "--cfg", "0.5"),
        ("add", str(path), "--strength", "9"),
        ("add", str(tmp_path / "none")),
        ("show", "inc"),
        ("remove", "none"),
    ):
        done = lora(*wrong, state=state)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("ekaki: ")
    next((state / "loras").glob("*.safetensors")).write_bytes(b"x")
    done = lora("check", state=state)
    assert (done.returncode, "changed" in done.stdout) == (1, True)
    assert "PROBLEM" in lora("list", state=state).stdout
    assert lora("remove", "Ink", state=state).stdout == "Removed ink.\n"
    assert lora("list", state=state).stdout == ""
