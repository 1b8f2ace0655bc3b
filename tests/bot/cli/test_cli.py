"""The command line as a process: exit codes, one-line errors, nothing overwritten."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.drawing import output_files, write_atomically
from bot.cli.imagine import request_of
from bot.cli.main import main, parser
from bot.config.variables import VARIABLES
from pipeline.card import QualityPreset, Sampler, Style
from pipeline.errors import InputError, StorageError
from pipeline.rating import Rating
from tests.bot.loras.making import put
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = "1girl, souryuu asuka langley, neon genesis evangelion, solo, smile"
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789ab"


def ekaki(*args: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """`python -m bot ARGS` in `cwd`, with only `env` as settings."""
    names = {each.name for each in VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "-m", "bot", *args],
        cwd=cwd, env=clean | {"PYTHONPATH": str(ROOT)} | env,
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "drain",
        "backup",
        "restore",
        "imagine",
        "doctor",
        "sync",
        "model fetch",
        "model prepare",
        "tags import",
        "model",
        "tags",
    ],
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--help"])
    assert end.value.code == 0
    assert "usage: python -m bot " + command in capsys.readouterr().out


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["dance"],
        ["imagine"],
        ["imagine", "x", "--steps", "many"],
        ["host", "--join", "127.0.0.1:0"],
        ["host", "--join", "10.0.0.5"],
    ],
)
def test_wrong_usage_is_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(args)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "sync"])
def test_without_a_token_one_line_says_so(command: str, tmp_path: Path) -> None:
    done = ekaki(command, cwd=tmp_path)
    assert done.returncode == 1
    assert "DISCORD_TOKEN" in one_line(done.stderr)


def test_a_settings_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    done = ekaki("--env-file", "wrong.env", "run", cwd=tmp_path, DISCORD_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "wrong.env" in one_line(done.stderr)


def test_doctor_goes_on_where_the_settings_file_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('DISCORD_TOKEN="x\n', encoding="utf-8")
    done = ekaki("doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "FAIL  Settings file: Line 1 " in done.stdout
    assert "Operator" in done.stdout


def test_wrong_setting_is_one_line_with_its_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAX_COUNT=9\n", encoding="utf-8")
    done = ekaki("run", cwd=tmp_path, DISCORD_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "MAX_COUNT" in one_line(done.stderr)
    assert TOKEN not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["   "], "nothing to draw"),
        ([EXAMPLE, "--steps", "10000"], "10000"),
        ([EXAMPLE, "--seed", "-2"], "seed"),
        ([EXAMPLE, "--aspect", "0:0"], "0:0"),
        ([EXAMPLE, "--count", "5"], "5"),
        ([EXAMPLE, "--cfg", "nan"], "nan"),
        ([EXAMPLE, "--out", "picture.jpg"], ".png"),
        ([EXAMPLE, "--out", "missing/picture.png"], "missing"),
        ([EXAMPLE + " --ar"], "--ar"),
    ],
)
def test_bad_request_is_refused_before_the_model_is_loaded(
    args: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["imagine", *args]) == 1
    assert says.lower() in one_line(capsys.readouterr().err).lower()


def test_the_hard_rules_hold_with_what_the_vocabulary_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["imagine", "child, skirt_lift"]) == 1
    assert "child can only" in one_line(capsys.readouterr().err)


def test_a_lora_that_is_not_in_the_library_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "state" / "loras", "ink")
    assert main(["imagine", "1girl", "--lora", "inc:0.8"]) == 1
    assert "Similar names: ink" in one_line(capsys.readouterr().err)


def test_existing_file_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"mine")
    assert main(["imagine", EXAMPLE]) == 1
    assert "--force" in one_line(capsys.readouterr().err)
    assert (tmp_path / "picture.png").read_bytes() == b"mine"


def test_missing_model_is_one_line(tmp_path: Path) -> None:
    done = ekaki("imagine", EXAMPLE, "--model", "./none", cwd=tmp_path)
    assert done.returncode == 1
    assert "none" in one_line(done.stderr)
    assert list(tmp_path.glob("*.png")) == []


def test_options_become_the_request() -> None:
    line = [
        "imagine", EXAMPLE, "--negative", "hat", "--character", "rei", "--series", "eva",
        "--aspect", "13:19", "--rating", "sensitive", "--preset", "Heavy v3.1", "--style", "Manga",
        "--sampler", "DDIM", "--steps", "20", "--cfg", "6.5", "--seed", "42", "--count", "2",
        "--lora", "ink:0.8, other",
    ]  # fmt: skip
    request = request_of(parser().parse_args(line))
    assert (request.prompt, request.negative_prompt, request.character) == (EXAMPLE, "hat", "rei")
    assert (request.series, request.aspect, request.rating) == ("eva", "13:19", Rating.SENSITIVE)
    assert (request.preset, request.style) == (QualityPreset.HEAVY_31, Style.MANGA)
    assert (request.sampler, request.num_inference_steps) == (Sampler.DDIM, 20)
    assert (request.guidance_scale, request.seed, request.count) == (6.5, 42, 2)
    assert request.lora == "ink:0.8, other"


def test_adult_ratings_are_not_on_offer(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["imagine", EXAMPLE, "--rating", "explicit"])
    assert "invalid choice" in capsys.readouterr().err


def test_several_pictures_are_numbered() -> None:
    names = [file.name for file in output_files(Path("a/picture.png"), count=3)]
    assert names == ["picture-1.png", "picture-2.png", "picture-3.png"]
    assert output_files(Path("b.PNG"), count=1) == [Path("b.PNG")]
    with pytest.raises(InputError, match="out_not_png"):
        output_files(Path("b.gif"), count=1)


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"new"
    folder = tmp_path / "folder.png"
    folder.mkdir()
    with pytest.raises(StorageError, match="folder"):
        write_atomically(folder, b"data")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "folder.png"]


def test_importing_tags_says_how_many_and_a_wrong_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text('smile,0,500,"grin"\nrei,4,20,""\n', encoding="utf-8")
    done = ekaki("tags", "import", "tags.csv", cwd=tmp_path, DATA_DIR="state")
    assert (done.returncode, done.stderr) == (0, "")
    assert one_line(done.stdout).startswith("2 tags")
    missing = ekaki("tags", "import", "none.csv", cwd=tmp_path, DATA_DIR="state")
    assert missing.returncode == 1
    assert "none.csv" in one_line(missing.stderr)


def test_fetching_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    done = ekaki("model", "fetch", cwd=tmp_path, MODEL=str(tmp_path))
    assert done.returncode == 1
    assert "nothing to download" in one_line(done.stderr)


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ({"_class_name": "StableDiffusionPipeline"}, "StableDiffusionPipeline"),
        ({"_class_name": "StableDiffusionXLPipeline", "text_encoder": [None, None]}, "refiner"),
    ],
)
def test_preparing_another_architecture_is_one_line(
    index: dict[str, object], says: str, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text(json.dumps(index))
    done = ekaki(
        "model", "prepare", "--model", str(tmp_path / "model"), "--variant", "int8", cwd=tmp_path
    )
    assert done.returncode == 1
    assert says in one_line(done.stderr)


def test_preparing_what_was_not_fetched_is_one_line(tmp_path: Path) -> None:
    done = ekaki("model", "prepare", "--variant", "int8", cwd=tmp_path)
    assert done.returncode == 1
    assert "model fetch" in one_line(done.stderr)


def test_an_odd_line_of_a_tag_list_is_told_and_the_rest_is_imported(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("tag,category,count\nlong_hair,0,5\npaw,7,3\n")
    done = ekaki("tags", "import", "list.csv", cwd=tmp_path, DATA_DIR=str(tmp_path / "state"))
    assert (done.returncode, one_line(done.stdout)[:15]) == (0, "1 tag imported.")
    told = one_line(done.stderr)
    assert "1 line was left out" in told
    assert "line 3: the category is '7'" in told
