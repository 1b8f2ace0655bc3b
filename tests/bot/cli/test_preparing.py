"""`model prepare` where the check finds the variant that `auto` chose too far from the source."""

from pathlib import Path
from typing import Any

import pytest

from bot.cli.prepare import prepare
from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import EngineOptions, Variant
from pipeline.plan.prepared import chosen, home_of, reason
from pipeline.prepare import choose, verify
from pipeline.prepare.choose import Choice


def prepared(
    model: Path, models: Path, monkeypatch: pytest.MonkeyPatch, otherwise: Variant | None
) -> str | None:
    """What is in use after int8 was chosen and found too inexact."""

    def chosen_here(*_arguments: Any, **_options: Any) -> Choice:
        return Choice(variant="int8", why="it is fast", otherwise=otherwise)

    monkeypatch.setattr(choose, "choose_here", chosen_here)
    monkeypatch.setattr(verify, "BOUNDS", {**verify.BOUNDS, "int8": {"text": 1, "unet": 0}})
    options = EngineOptions(model=str(model), models_dir=models, provider="cpu", threads=1)
    try:
        prepare(options)
    finally:
        home = home_of(models, ModelFolder.open(model))
        assert not (home / "int8").exists()
    return chosen(home)


def test_the_next_one_is_made_instead(
    tiny_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert prepared(tiny_path, tmp_path, monkeypatch, "fp32") == "fp32"
    said = capsys.readouterr()
    assert "With this model int8 is too inexact, so fp32 is made." in said.err
    assert said.out.strip().endswith("fp32")
    why = reason(home_of(tmp_path, ModelFolder.open(tiny_path)))
    assert why == "it is fast; with this model int8 is too inexact"


def test_without_a_next_one_it_is_said(
    tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError) as caught:
        prepared(tiny_path, tmp_path, monkeypatch, None)
    assert caught.value.key == "prepare_check_failed"
