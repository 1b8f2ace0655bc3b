# pyright: reportUnknownMemberType=false, reportPrivateImportUsage=false
# (the border to diffusers, whose types are partly missing)
"""The torch weights of a small model, and diffusers over them."""

from pathlib import Path
from typing import Any

import pytest

from training.random_model import save_in_torch
from training.random_parts import RECIPES, RandomKind


@pytest.fixture(scope="module")
def torch_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The torch weights that `tiny_path` was exported from."""
    return save_in_torch(RECIPES[RandomKind.TINY], tmp_path_factory.mktemp("torch"), 0)


@pytest.fixture
def pipe(torch_path: Path) -> Any:
    from diffusers import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline.from_pretrained(torch_path, local_files_only=True)
