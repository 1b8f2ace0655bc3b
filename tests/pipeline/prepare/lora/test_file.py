# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# (the border to torch, diffusers, peft and safetensors, whose types are partly missing)
"""LoRA files of every number format are read, and files that are none say what they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bot.common.wording import words
from pipeline.model.folder import ModelFolder
from pipeline.prepare.lora.lora import Lora
from tests.pipeline.prepare.lora.compare import Floats, distance, outputs
from tests.pipeline.prepare.lora.loras import merge, modern_kohya, refused, write

pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and peft warn of each other


@pytest.mark.usefixtures("unchecked")
def test_half_and_brain_floats_are_read(tiny: ModelFolder, tmp_path: Path) -> None:
    tensors = modern_kohya()
    found: list[Floats] = []
    for kind in (torch.float32, torch.float16, torch.bfloat16):
        path = tmp_path / f"{kind}.safetensors".replace("torch.", "")
        write(path, {name: each.to(kind) for name, each in tensors.items()})
        made = merge(tiny, tmp_path, Lora(path=path))
        found.append(outputs(ModelFolder.open(made.path))[0])
    assert 0 < distance(found[1], found[0]) < 2e-3
    assert 0 < distance(found[2], found[0]) < 2e-2


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_eight_bit_floats_are_read_as_they_are(
    kind: torch.dtype, tiny: ModelFolder, tmp_path: Path
) -> None:
    rounded = {name: each.to(kind) for name, each in modern_kohya().items()}
    wide = write(tmp_path / "wide.safetensors", {n: each.float() for n, each in rounded.items()})
    found = [
        outputs(ModelFolder.open(merge(tiny, tmp_path, Lora(path=path)).path))[0]
        for path in (write(tmp_path / "narrow.safetensors", rounded), wide)
    ]
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.usefixtures("unchecked")
def test_a_whole_alpha_is_read(tiny: ModelFolder, tmp_path: Path) -> None:
    tensors = modern_kohya()
    whole = {n: each.to(torch.int64) if "alpha" in n else each for n, each in tensors.items()}
    found = [
        outputs(ModelFolder.open(merge(tiny, tmp_path, Lora(path=path)).path))[0]
        for path in (
            write(tmp_path / "a.safetensors", tensors),
            write(tmp_path / "b.safetensors", whole),
        )
    ]
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"no safetensors", "no safetensors file"),
        (b"\xff" * 64, "no safetensors file"),
        (b"PK\x03\x04" + b"x" * 64, "PyTorch"),
        (b"\x80\x02}q\x00", "PyTorch"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x02" + 7 * b"\0" + b"{}", "none at all"),
        (b"\x02" + 7 * b"\0" + b"[]", "no safetensors file"),
    ],
)
def test_a_file_that_is_no_lora_says_what_it_is(
    content: bytes, what: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    assert what in words(refused(tiny, tmp_path, path))


@pytest.mark.parametrize(
    ("change", "key", "what"),
    [
        (lambda t: t * float("nan"), "lora_not_finite", "lora_down"),
        (lambda t: t / 0, "lora_not_finite", "lora_down"),
        (lambda t: t.to(torch.int8), "lora_type", "I8"),
        (lambda t: t.to(torch.complex64), "lora_type", "C64"),
        (lambda t: t[:2], "lora_unreadable", "different ranks (2 and 4)"),
        (lambda t: t[:0], "lora_unreadable", "no pair"),
        (lambda t: t[0], "lora_unreadable", "no pair"),
    ],
)
def test_a_damaged_matrix_is_named(
    change: Callable[[Any], Any], key: str, what: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    tensors = modern_kohya()
    name = next(each for each in tensors if "lora_down" in each)
    tensors[name] = change(tensors[name])
    error = refused(tiny, tmp_path, write(tmp_path / "damaged.safetensors", tensors))
    assert error.key == key
    assert what in words(error)


def test_a_cut_off_or_missing_file_is_refused(tiny: ModelFolder, tmp_path: Path) -> None:
    path = write(tmp_path / "style.safetensors", modern_kohya())
    path.write_bytes(path.read_bytes()[:-1])
    assert refused(tiny, tmp_path, path).key == "lora_unreadable"
    assert refused(tiny, tmp_path, tmp_path / "none.safetensors").key == "lora_unreadable"
