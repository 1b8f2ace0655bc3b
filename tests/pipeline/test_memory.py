"""Memory is looked at before loading."""

from pathlib import Path
from typing import Any

import pytest

from data.text import text
from pipeline.errors import ModelError
from pipeline.model import memory
from pipeline.model.folder import ModelFolder


class _Sized(ModelFolder):
    """A folder that says SDXL's sizes (facts: fp32, exported April 2024)."""

    def weight_bytes(self, component: str) -> int:
        sizes = {"text_encoder": 493e6, "text_encoder_2": 2.78e9, "unet": 10.27e9}
        return int(sizes.get(component, 198e6))


@pytest.fixture
def sdxl(tiny: ModelFolder) -> ModelFolder:
    return _Sized(**{name: value for name, value in vars(tiny).items() if name != "content_hash"})


def test_a_small_model_fits_anywhere(tiny: ModelFolder) -> None:
    assert memory.needed_bytes(tiny) < 700e6
    assert memory.check_memory(tiny)


def test_sdxl_needs_what_was_measured(sdxl: ModelFolder) -> None:
    """The UNet alone was resident with 16.1 GB, so 16 GB with everything else is too little."""
    assert 17e9 < memory.needed_bytes(sdxl) < 22e9
    assert memory.needed_bytes(sdxl, keep_text_encoders=False) < memory.needed_bytes(sdxl) - 3e9


@pytest.mark.parametrize(("have", "keeps"), [(30e9, True), (17e9, False)])
def test_text_encoders_go_when_it_is_tight(
    have: float, keeps: bool, sdxl: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: int(have))
    assert memory.check_memory(sdxl) is keeps


def test_too_little_is_said_with_numbers(
    sdxl: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: int(8e9))
    with pytest.raises(ModelError) as caught:
        memory.check_memory(sdxl)
    assert caught.value.key == "memory_too_small"
    data: dict[str, Any] = caught.value.data
    assert "8.0 GB" in text("errors.memory_too_small", **data)


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("3000000\n")
    (tmp_path / "now").write_text("1000000\n")
    monkeypatch.setattr(memory, "_CGROUPS", ((tmp_path / "max", tmp_path / "now"),))
    assert memory.available_bytes() == 2_000_000
    (tmp_path / "max").write_text("max\n")
    assert memory.available_bytes() > 2_000_000
