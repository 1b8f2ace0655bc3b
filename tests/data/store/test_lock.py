"""Only one bot may use a data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.jobs.left import read_left
from data.store.lock import LOCK_NAME, holder, only_one
from pipeline.errors import StorageError

HOLD = """
import sys, pathlib
from data.jobs.left import read_left
from data.store.lock import only_one
with only_one(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match="already_running"), only_one(tmp_path):
            pass
        assert holder(tmp_path) == first.pid, "the refused one left the file as it was"
        assert os.name != "posix" or (tmp_path / LOCK_NAME).stat().st_mode & 0o777 == 0o600
        first.kill()
    assert holder(tmp_path) is None
    with only_one(tmp_path):
        pass


def test_what_is_left_of_a_folder_without_a_database_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="database_cannot_open"):
        read_left(tmp_path / "ekaki.db")
