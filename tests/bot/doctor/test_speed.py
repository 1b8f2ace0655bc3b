"""The doctor says how long a picture takes, and what preparing would make of that."""

from pathlib import Path

from bot.config.settings import Settings
from bot.doctor import model
from bot.doctor.values import Check
from pipeline.runtime.cpu import this_cpu
from pipeline.speed.notes import Speeds, note
from tests.pipeline.conftest import tiny_path
from tests.support.sdxl import sdxl_folder

__all__ = ["tiny_path"]

SPEEDS = Speeds(linear_flops=196e9, conv_flops=222e9, int8_linear=3.9)


def checks_of(settings: Settings) -> dict[str, Check]:
    return {each.name: each for each in model.check_model(settings)}


def test_an_unprepared_model_has_an_offer_with_gain_and_cost(
    tiny_path: Path, tmp_path: Path
) -> None:
    sdxl_folder(tiny_path, tmp_path / "sdxl")
    note(tmp_path, this_cpu(), SPEEDS, threads=2)
    settings = Settings(
        model=str(tmp_path / "sdxl"), models_dir=tmp_path, provider="cpu", threads=2
    )
    checks = checks_of(settings)
    found, fix = checks["Prepared"].found, checks["Prepared"].fix
    assert checks["Prepared"].result == "warn"
    assert "as int8 a picture of 1024x1024 in 28 steps takes about 25 minutes rather than" in found
    assert "rather than about 40 minutes" in found
    assert "GB of memory rather than" in found
    assert fix.startswith("Run: python -m bot model prepare (about ")
    assert "GB of disk" in fix
    speed = checks["Speed"]
    assert speed.result == "ok"
    assert speed.found.startswith("about 40 minutes a picture of 1024x1024 in 28 steps")


def test_a_small_model_is_not_worth_it(tmp_path: Path) -> None:
    settings = Settings(model="demo", models_dir=tmp_path, provider="cpu", threads=1)
    checks = checks_of(settings)
    assert checks["Prepared"].result == "ok"
    assert "gain nothing" in checks["Prepared"].found
    assert "seconds" in checks["Speed"].found
    assert not (tmp_path / "prepared").exists(), "nothing was timed"


def test_what_is_broken_is_told_by_its_own_check(tiny_path: Path, tmp_path: Path) -> None:
    settings = Settings(
        model=str(tiny_path), models_dir=tmp_path, provider="cpu", model_variant="int8"
    )
    checks = checks_of(settings)
    assert checks["Prepared"].result == "fail"
    assert "Speed" not in checks
