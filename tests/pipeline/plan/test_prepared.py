# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""What was prepared is found again, and damaged or unsuitable models are never used."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.plan import prepared
from pipeline.plan.prepared import find, home_of
from pipeline.runtime.providers import CPU, CUDA
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.preparing import Shared, copied, make


@pytest.mark.usefixtures("unchecked")
def test_what_was_prepared_last_is_found(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    assert find(tmp_path, tiny, "auto", CPU) is tiny
    made = make(tiny, tmp_path, "fp32", mapped)
    assert find(tmp_path, tiny, "auto", CPU).path == made.path
    assert find(tmp_path, tiny, "source", CPU) is tiny
    make(tiny, tmp_path, "int8", mapped)
    assert find(tmp_path, tiny, "auto", CPU).precision == "int8"
    assert find(tmp_path, tiny, "fp32", CPU).path == made.path


@pytest.mark.parametrize(
    ("variant", "provider", "key"),
    [("fp16", CPU, "variant_unfit"), ("int8", CUDA, "variant_unfit"), ("fp32", CPU, "")],
)
def test_a_variant_that_the_machine_cant_run_is_refused(
    variant: Variant, provider: str, key: str
) -> None:
    if not key:
        prepared.check_fit(variant, provider)
        return
    with pytest.raises(ModelError) as caught:
        prepared.check_fit(variant, provider)
    assert caught.value.key == key


def test_weights_of_all_eight_bits_are_refused_where_sums_overflow(
    tiny: ModelFolder, shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = copied(shared(tiny, "int8"), tiny, tmp_path)
    replace(made.manifest, full_range=True).save(made.path)  # as from another machine
    monkeypatch.setattr(prepared, "multiplies_int8_safely", lambda: False)
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "int8", CPU)
    assert caught.value.key == "variant_unfit"
    monkeypatch.setattr(prepared, "multiplies_int8_safely", lambda: True)
    assert find(tmp_path, tiny, "int8", CPU).precision == "int8"


def test_not_prepared_is_said(tiny: ModelFolder, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "fp32", CPU)
    assert caught.value.key == "prepared_missing"


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "manifest"])
def test_a_damaged_prepared_model_is_never_used(
    damage: str, tiny: ModelFolder, shared: Shared, tmp_path: Path
) -> None:
    made = copied(shared(tiny, "fp32"), tiny, tmp_path)
    file = made.path / "unet" / "model.onnx_data"
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[:-1])
    elif damage == "gone":
        file.unlink()
    else:
        (made.path / prepared.MANIFEST).write_text("{}")
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "auto", CPU)
    assert caught.value.key == "prepared_damaged"


def test_a_copied_prepared_model_is_read_once_and_used(
    tiny: ModelFolder, shared: Shared, tmp_path: Path
) -> None:
    copied(shared(tiny, "fp32"), tiny, tmp_path / "b")
    for file in (tmp_path / "b").rglob("model.onnx*"):
        os.utime(file, (1, 1))
    find(tmp_path / "b", tiny, "auto", CPU)
    path = home_of(tmp_path / "b", tiny) / "fp32"
    assert json.loads((path / prepared.STAMPS).read_text())["unet/model.onnx"][1] == 10**9


@pytest.mark.parametrize("name", ["unet/config.json", "model_index.json"])
def test_a_prepared_model_that_lost_a_small_file_is_to_be_made_again(
    name: str, tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    (make(tiny, tmp_path, "fp32", mapped).path / name).unlink()
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "auto", CPU)
    assert (caught.value.key, caught.value.data["name"]) == ("prepared_damaged", name)
