"""A disk that refuses: one line with the path and the remedy, and an exit status."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import failing
from bot.cli import main as shell
from bot.cli.drawing import write_atomically
from bot.common.wording import words
from data.shipped.text import text
from pipeline.disk import at, disk_error, is_about_files
from pipeline.errors import StorageError

KNOWN = (
    "ENOSPC", "EDQUOT", "EROFS", "EACCES", "ENOENT", "EMFILE", "ENAMETOOLONG", "ENOTDIR", "EISDIR",
    "EFBIG", "EIO", "ELOOP", "ENFILE", "EPERM",
)  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_every_kind_names_the_path_and_a_remedy(name: str, tmp_path: Path) -> None:
    number = getattr(errno, name)
    with pytest.raises(StorageError) as caught, at(tmp_path):
        raise OSError(number, os.strerror(number))  # as a write does, which knows no path
    line = words(caught.value)
    assert line.startswith(str(tmp_path))
    assert "\n" not in line
    assert len(line) > len(str(tmp_path)) + 40, "what to do is missing"
    assert text(f"errors.{caught.value.key}")  # what members read where it happens in Discord
    shown = {name: str(value) for name, value in caught.value.data.items()}
    assert str(tmp_path) not in text(f"errors.{caught.value.key}", **shown)


def test_the_error_knows_its_file_best() -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file", "/there/file")
    assert "/there/file" in words(disk_error(error, "/somewhere"))


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(errno.ECONNREFUSED, "no"), TimeoutError(), BrokenPipeError()]
)
def test_errors_of_connections_stay_what_they_are(error: OSError) -> None:
    assert not is_about_files(error)
    with pytest.raises(type(error)), at("/x"):
        raise error


def test_a_picture_that_does_not_fit_is_not_left_half_written(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys, pathlib;"
        "from bot.cli import main, drawing;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "drawing.write_atomically(pathlib.Path(sys.argv[1]), bytes(10000))"
    )
    out = tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, "-c", script, str(out)], capture_output=True, text=True, check=False
    )
    assert "StorageError" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_a_command_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    csv = tmp_path / "list.csv"
    csv.write_text("1girl,0,100,\n", encoding="utf-8")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(os, "fsync", full)
    assert shell.main(["tags", "import", str(csv)]) == failing.EXIT_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "state") in line
    with pytest.raises(StorageError, match="disk_full"):
        write_atomically(tmp_path / "picture.png", b"x")


@pytest.mark.parametrize("command", ["run", "playground", "demo", "imagine"])
def test_a_place_below_a_file_is_told_in_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = str(tmp_path / "file" / "state")
    arguments = {
        "run": ["run"],
        "playground": ["playground", "--port", "0", "--folder", place],
        "demo": ["demo", "--out", place],
        "imagine": ["imagine", "1girl", "--model", "demo", "--out", f"{place}/a.png"],
    }[command]
    environment = os.environ | {
        "DATA_DIR": place, "DISCORD_TOKEN": "x" * 60, "MODEL": "demo", "TAGGER": "off",
        "DISCORD_API_URL": "http://127.0.0.1:9",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == failing.EXIT_ERROR
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ekaki: ")
    assert str(tmp_path / "file") in last


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has /dev/full")
@pytest.mark.parametrize("stream", ["stdout", "stderr", "both"])
def test_output_to_a_full_disk_is_no_traceback(stream: str, tmp_path: Path) -> None:
    csv = tmp_path / "list.csv"
    csv.write_text("1girl,0,100,\n", encoding="utf-8")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "tags", "import", str(csv)],
            env=os.environ | {"DATA_DIR": str(tmp_path / "state")},
            stdout=full if stream != "stderr" else subprocess.PIPE,
            stderr=full if stream != "stdout" else subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == (0 if stream == "stderr" else failing.EXIT_ERROR)
    if stream == "stdout":
        (line,) = done.stderr.splitlines()
        assert "standard output" in line


@pytest.mark.skipif(os.name != "posix", reason="POSIX shells close streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_output_is_no_fault_of_ours(closed: str, tmp_path: Path) -> None:
    csv = tmp_path / "list.csv"
    csv.write_text("1girl,0,100,\n", encoding="utf-8")
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m bot tags import "$1" {closed}', sys.executable, str(csv)],
        env=os.environ | {"DATA_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if closed == "2>&-" else failing.EXIT_ERROR)
    if closed == ">&-":
        (line,) = done.stderr.splitlines()
        assert line.startswith("ekaki: standard output is closed")


def test_a_replaced_folder_asks_to_be_started_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise StorageError("data_dir_replaced", path="/srv/state")

    monkeypatch.setattr("bot.cli.run.run", fail)
    monkeypatch.setattr("bot.cli.tags.run", fail)
    assert shell.main(["tags", "import", "x"]) == failing.EXIT_AGAIN
    assert "/srv/state" in capsys.readouterr().err
