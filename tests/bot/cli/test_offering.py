"""`model prepare` is offered after the download and at a start, and it waits for nobody who is not
there. Real processes, a real terminal, a hub on the loopback, a small model taken for a slow
one."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.config.variables import VARIABLES
from pipeline.model.folder import ModelFolder
from pipeline.model.options import EngineOptions
from pipeline.plan.prepared import chosen, home_of
from pipeline.prepare.offer import find_offer
from pipeline.runtime.cpu import this_cpu
from pipeline.speed import estimate
from pipeline.speed.notes import Speeds, note
from tests.support.hub import COMMIT, serve_hub
from tests.support.patience import PATIENCE_S

if sys.platform == "win32":
    pytest.skip("needs a terminal of POSIX, this is Windows", allow_module_level=True)

pytestmark = pytest.mark.timeout(300)  # several processes, one of them preparing a model

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789ab"
MAIN = """
import sys
from bot.cli import main, offering
from pipeline.prepare import offer
from pipeline.speed import estimate
estimate.SLOW_OPERATIONS = 0  # as if this small model were the published one
offer.WORTH_S = -1e9
offering.ANSWER_S = float(sys.argv.pop(1))
sys.exit(main.main(sys.argv[1:]))
"""
SPEEDS = Speeds(linear_flops=1e8, conv_flops=1e8, int8_linear=3.0)


@dataclass
class Stage:
    """A folder to run in. The machine's speed is noted there, so that no test times it."""

    folder: Path
    environment: dict[str, str]

    def command(self, *args: str, answer_s: float = PATIENCE_S) -> list[str]:
        """`answer_s`: for how long a question waits."""
        return [sys.executable, "-c", MAIN, str(answer_s), *args]

    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """Without a terminal: the input is an open pipe into which nobody writes."""
        reader, writer = os.pipe()
        try:
            return subprocess.run(
                self.command(*args), stdin=reader, capture_output=True, text=True, timeout=250,
                cwd=self.folder, env=self.environment, check=False,
            )  # fmt: skip
        finally:
            os.close(reader)
            os.close(writer)

    def in_terminal(self, *args: str, answer: bytes | None) -> tuple[int, str]:
        """On a terminal; `answer` is typed when a question is shown."""
        import pty

        ours, theirs = pty.openpty()
        command = self.command(*args, answer_s=0.1 if answer is None else PATIENCE_S)
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=self.folder,
            env=self.environment, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        said = b""
        deadline = time.monotonic() + 250
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other side is closed: it ended
                break
            said += part
            if answer is not None and b"[Y/n]" in said:
                os.write(ours, answer)
                answer = None
        process.kill()
        os.close(ours)
        return process.wait(), said.decode(errors="replace")

    def prepared(self, source: Path) -> str | None:
        """The variant that was made of `source`."""
        return chosen(home_of(self.folder / "models", ModelFolder.open(source)))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    names = {each.name for each in VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in names}
    note(tmp_path / "models", this_cpu(), SPEEDS, threads=1)
    settings = {
        "THREADS": "1", "PROVIDER": "cpu", "MODEL": "owner/name", "MODEL_REVISION": COMMIT,
        "DISCORD_TOKEN": TOKEN, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return Stage(folder=tmp_path, environment=clean | settings)


@contextmanager
def fetching(stage: Stage, source: Path) -> Generator[Path]:
    """A hub that has `source`; returns where it will lie."""
    with serve_hub(source) as hub:
        stage.environment["HF_ENDPOINT"] = hub.url
        yield stage.folder / "models" / "owner--name" / COMMIT


def test_after_a_download_without_a_terminal_a_hint_says_what_it_brings(
    stage: Stage, tiny_path: Path
) -> None:
    with fetching(stage, tiny_path) as path:
        done = stage.run("model", "fetch")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(path.relative_to(stage.folder)))
    assert "Prepared, as int8" in done.stderr
    assert "a picture of 1024x1024 in 28 steps" in done.stderr
    assert "GB of disk, once" in done.stderr
    assert done.stderr.rstrip().endswith("Later: python -m bot model prepare")
    assert "[Y/n]" not in done.stderr
    assert stage.prepared(path) is None


def test_a_download_with_prepare_asks_nobody_and_then_nothing_is_offered(
    stage: Stage, tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fetching(stage, tiny_path) as path:
        done = stage.run("model", "fetch", "--prepare")
    assert done.returncode == 0, done.stderr
    assert "[Y/n]" not in done.stderr
    assert "int8       about" in done.stderr  # what each variant takes, before it begins
    assert stage.prepared(path) == "int8"
    monkeypatch.setattr(estimate, "SLOW_OPERATIONS", 0)
    options = EngineOptions(model=str(path), models_dir=stage.folder / "models", provider="cpu")
    assert find_offer(options, progress=lambda _: None) is None


@pytest.mark.parametrize(("answer", "variant"), [(b"\n", "int8"), (b"n\n", None), (b"\x04", None)])
def test_after_a_download_a_terminal_is_asked(
    answer: bytes, variant: str | None, stage: Stage, tiny_path: Path
) -> None:
    with fetching(stage, tiny_path) as path:
        status, said = stage.in_terminal("model", "fetch", answer=answer)
    assert status == 0, said
    assert "Prepare it now? [Y/n]" in said
    assert stage.prepared(path) == variant
    assert ("Later: python -m bot model prepare" in said) is (variant is None)


def start(stage: Stage, source: Path) -> None:
    """Let `run` draw with `source`, and end at once after the offer: DATA_DIR is a file."""
    stage.environment["MODEL"] = str(source)
    (stage.folder / "state").write_text("no folder")


def test_a_service_is_told_at_its_start_and_waits_for_nobody(stage: Stage, tiny_path: Path) -> None:
    start(stage, tiny_path)
    done = stage.run("run")
    assert "Not prepared for this machine. Prepared, as int8" in done.stderr
    assert "once: python -m bot model prepare" in done.stderr
    assert "[Y/n]" not in done.stderr
    assert "DATA_DIR" in done.stderr.splitlines()[-1], "the start went on"


def test_a_start_that_nobody_answers_goes_on(stage: Stage, tiny_path: Path) -> None:
    start(stage, tiny_path)
    status, said = stage.in_terminal("run", answer=None)
    assert "Prepare it now? [Y/n]" in said
    assert status == 1
    assert "DATA_DIR" in said.splitlines()[-1], "the start went on"
    assert stage.prepared(tiny_path) is None


def test_at_a_start_enter_prepares_and_the_start_goes_on(stage: Stage, tiny_path: Path) -> None:
    start(stage, tiny_path)
    status, said = stage.in_terminal("run", answer=b"\n")
    assert status == 1
    assert "DATA_DIR" in said.splitlines()[-1], "the start went on"
    assert stage.prepared(tiny_path) == "int8"


def test_the_source_as_a_choice_is_never_asked_about(stage: Stage, tiny_path: Path) -> None:
    start(stage, tiny_path)
    stage.environment["MODEL_VARIANT"] = "source"
    _, said = stage.in_terminal("run", answer=None)
    assert "[Y/n]" not in said
