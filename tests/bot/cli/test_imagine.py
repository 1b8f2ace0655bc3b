"""`imagine` with a real engine: the picture, its text, its seed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bot.cli.main import main
from pipeline.metadata.a1111 import parse_parameters
from pipeline.metadata.provenance import SOURCE_TYPE
from tests.support.patience import PATIENCE_S, until_in_thread

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = "1girl, souryuu asuka langley, neon genesis evangelion, solo, smile"


def test_a_prompt_becomes_numbered_pictures_with_their_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--aspect", "5:12", "--steps", "1", "--seed", "42", "--count", "2"]
    assert main(["imagine", EXAMPLE, "--model", "demo", *options]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(" s (")[0].rpartition(",")[0] for line in said] == [
        "picture-1.png: 640x1536, seed 42",
        "picture-2.png: 640x1536, seed 43",
    ]
    for index in (0, 1):
        with Image.open(f"picture-{index + 1}.png") as picture:
            assert picture.size == (640, 1536)
            written = parse_parameters(picture.info["parameters"])
            assert SOURCE_TYPE in picture.info["xmp"].decode()
        assert written.seed == 42 + index
        assert written.prompt.startswith(EXAMPLE)
        assert written.rng == "CPU"


# `python -m bot`, which stays at its first step until it is interrupted.
_WAITING = """
import sys, time
from bot.cli import drawing
from bot.cli.main import main
on_step = drawing._Bar.on_step
def wait(bar, *step):
    on_step(bar, *step)
    while not bar.is_cancelled():
        time.sleep(0.01)
drawing._Bar.on_step = wait
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals of POSIX, this is Windows")
def test_ctrl_c_ends_between_steps_and_leaves_no_file(tiny_path: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", _WAITING, "imagine", EXAMPLE, "--steps", "60"]
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--model", str(tiny_path)], cwd=tmp_path, env=environment, stderr=stream
        )
        until_in_thread(lambda: b"1/60" in log.read_bytes() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 130
    assert log.read_text(encoding="utf-8").rstrip().endswith("ekaki: Interrupted.")
    assert [each.name for each in tmp_path.iterdir()] == ["log"]
