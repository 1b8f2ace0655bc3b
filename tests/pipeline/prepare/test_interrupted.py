# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""Preparing that is killed, fails or runs out of space loses nothing and can be repeated."""

import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.plan import prepared
from pipeline.plan.prepared import Manifest, find, home_of
from pipeline.prepare import prepare, verify, write
from pipeline.prepare.options import PrepareOptions, Reporter
from pipeline.prepare.prepare import prepare_model
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.preparing import Shared, copied, failure, make
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
_KILLED = """
import os, signal, sys
from pathlib import Path
from types import MappingProxyType
from pipeline.model.consistency import check_consistency
from pipeline.model.folder import ModelFolder
from pipeline.runtime.sessions import SessionFactory
from pipeline.prepare import write
from pipeline.prepare.prepare import PrepareOptions, Reporter, prepare_model
write.SAVE_EVERY_BYTES = 2**19
def written(done, total):
    if done > total * float(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
prepare_model(ModelFolder.open(Path(sys.argv[1])), Path(sys.argv[2]),
    PrepareOptions(variant="fp16"), factory=SessionFactory(provider="cpu", threads=1),
    report=Reporter(written=written))
"""


@pytest.mark.usefixtures("unchecked")
def test_killed_in_the_middle_it_goes_on_and_ends_the_same(
    tiny: ModelFolder, mapped: SessionFactory, shared: Shared, tmp_path: Path
) -> None:
    straight = shared(tiny, "fp16")
    for share in ("0.4", "0.7"):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(tiny.path), str(tmp_path / "killed"), share],
            cwd=ROOT, check=False, timeout=PATIENCE_S, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        assert find(tmp_path / "killed", tiny, "auto", CPU) is tiny
    steps = [0]
    report = Reporter(written=lambda done, _total: steps.append(done))
    again = prepare_model(
        tiny, tmp_path / "killed", PrepareOptions(variant="fp16"), factory=mapped, report=report
    )
    most = max(after - before for before, after in itertools.pairwise(steps))
    assert most > steps[-1] * 0.3, "what was written of the UNet should be kept"
    assert again.manifest.files == straight.manifest.files


@pytest.mark.usefixtures("unchecked")
def test_a_full_disk_in_the_middle_is_said_and_the_old_model_stays(
    tiny: ModelFolder,
    mapped: SessionFactory,
    shared: Shared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied(shared(tiny, "fp32"), tiny, tmp_path)
    seen: list[int] = []
    real = write._Sink.put  # pyright: ignore[reportPrivateUsage]  # the disk's place

    def full(self: Any, offset: int, values: Any) -> None:
        seen.append(values.nbytes)
        if sum(seen) > 3_500_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, offset, values)

    with monkeypatch.context() as patch:
        patch.setattr(write._Sink, "put", full)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(ModelError) as caught:
            make(tiny, tmp_path, "fp16", mapped)
    assert caught.value.key == "prepare_disk_full"
    assert find(tmp_path, tiny, "auto", CPU).precision == "fp32 (fused)"
    assert make(tiny, tmp_path, "fp16", mapped).manifest.variant == "fp16"


def test_too_little_space_is_said_before_anything_is_written(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)

    def little(_path: Path) -> object:
        return usage

    monkeypatch.setattr(prepare.shutil, "disk_usage", little)
    error = failure(tiny, tmp_path, mapped)
    assert error.key == "prepare_disk_too_small"
    assert not list(tmp_path.rglob("model.onnx*"))


def test_a_failed_check_throws_the_new_one_away_and_keeps_the_old(
    tiny: ModelFolder,
    mapped: SessionFactory,
    shared: Shared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = copied(shared(tiny, "fp32"), tiny, tmp_path)
    strict = {"fp32": {"text": 1.0, "unet": 0.0, "vae": 1.0}}
    monkeypatch.setattr(verify, "BOUNDS", strict)
    error = failure(tiny, tmp_path, mapped)
    assert error.key == "prepare_check_failed"
    assert error.data["part"] == "unet"
    assert find(tmp_path, tiny, "auto", CPU).path == before.path
    assert not list(tmp_path.rglob("*.part"))


def test_a_crash_between_two_renames_is_repaired(
    tiny: ModelFolder, shared: Shared, tmp_path: Path
) -> None:
    made = copied(shared(tiny, "fp32"), tiny, tmp_path)
    made.path.rename(prepared.old_of(made.path))
    assert find(tmp_path, tiny, "auto", CPU).path == made.path


def test_two_at_once_are_refused(tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path) -> None:
    home = home_of(tmp_path, tiny)
    home.mkdir(parents=True)
    with prepare.FileLock(home / ".lock"):
        assert failure(tiny, tmp_path, mapped).key == "prepare_busy"


@pytest.mark.usefixtures("unchecked")
def test_other_options_discard_what_was_started(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    part = home_of(tmp_path, tiny) / ".fp32.part"
    (part / "unet").mkdir(parents=True)
    junk = b"of another model"
    (part / "unet" / "model.onnx_data").write_bytes(junk)
    finished = {"unet": {"model.onnx_data": ["0" * 64, len(junk)]}}
    (part / "state.json").write_text(json.dumps({"key": "another", "components": finished}))
    made = make(tiny, tmp_path, "fp32", mapped)
    prepared.check_files(made.path, Manifest.load(made.path))
    assert (made.path / "unet" / "model.onnx_data").read_bytes() != junk
