# pyright: reportUnknownMemberType=false, reportPrivateImportUsage=false
# (the border to diffusers, whose types are partly missing)
"""Small SDXLs with random weights, exported once and kept between runs."""

import hashlib
import shutil
import warnings
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from data.shipped.paths import DEMO_MODEL
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.prepare import verify
from pipeline.prepare.options import Prepared
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.preparing import Shared, make
from training.layout_2024 import to_layout_2024
from training.random_model import make_random_model, save_in_torch
from training.random_parts import RECIPES, RandomKind

_ROOT = Path(__file__).resolve().parents[2]
_CACHE = _ROOT / ".pytest_cache" / "ekaki-models"
_RECIPE = (
    "training/random_model.py",
    "training/random_parts.py",
    "training/clip_vocabulary.py",
    "training/layout_2024.py",
)
_LIBRARIES = ("torch", "diffusers", "transformers", "optimum-onnx", "onnx")


def _key() -> str:
    digest = hashlib.sha256()
    for name in (*_RECIPE, "pipeline/card.py"):
        digest.update((_ROOT / name).read_bytes())
    for name in _LIBRARIES:
        digest.update(f"{name}={version(name)}".encode())
    return digest.hexdigest()[:12]


def _cached(kind: RandomKind) -> Path:
    """The folder of `kind`, exported now (20 s) if no earlier run, nor another worker, did."""
    folder = _CACHE / f"{kind}-{_key()}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(_CACHE / f"{kind}.lock"):
        if not folder.is_dir():
            for old in _CACHE.glob(f"{kind}-????????????"):
                shutil.rmtree(old)
            make_random_model(folder, kind=kind)
    return folder


@pytest.fixture(scope="session")
def stock_libraries() -> None:
    """Import optimum, diffusers and torch once; what they warn of while importing is theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("pipeline.engine.stock")


@pytest.fixture(scope="session")
def tiny_path() -> Path:
    """Epsilon, leading, VAE factor 8, 4 channels, today's layout."""
    return _cached(RandomKind.TINY)


@pytest.fixture(scope="session")
def tiny_v_path() -> Path:
    """v-prediction, trailing, VAE factor 16, 8 channels."""
    return _cached(RandomKind.TINY_V)


@pytest.fixture(scope="session")
def tiny_2024_path(tiny_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of `tiny_path` in the layout of early 2024."""
    folder = tmp_path_factory.mktemp("layout-2024") / "model"
    shutil.copytree(tiny_path, folder)
    to_layout_2024(folder)
    return folder


@pytest.fixture(scope="session")
def demo_path() -> Path:
    """The shipped model, trained: VAE factor 64, 16 channels, v-prediction, added tokens."""
    return DEMO_MODEL


@pytest.fixture(scope="session")
def cpu() -> SessionFactory:
    return SessionFactory(provider="cpu", threads=1)


@pytest.fixture(scope="session")
def mapped() -> SessionFactory:
    """With weights mapped from their files."""
    return SessionFactory(provider="cpu", threads=1, mapped=True)


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> ModelFolder:
    return ModelFolder.open(tiny_path)


@pytest.fixture(scope="session")
def tiny_v(tiny_v_path: Path) -> ModelFolder:
    return ModelFolder.open(tiny_v_path)


@pytest.fixture(scope="session")
def tiny_2024(tiny_2024_path: Path) -> ModelFolder:
    return ModelFolder.open(tiny_2024_path)


@pytest.fixture(scope="module")
def torch_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The torch weights that `tiny_path` was exported from."""
    return save_in_torch(RECIPES[RandomKind.TINY], tmp_path_factory.mktemp("torch"), 0)


@pytest.fixture
def pipe(torch_path: Path) -> Any:
    """Diffusers over them."""
    from diffusers import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline.from_pretrained(torch_path, local_files_only=True)


@pytest.fixture(scope="session")
def shared(mapped: SessionFactory, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Prepares each model once, with its check, for tests that only read what was made."""
    made: dict[tuple[Path, str], Prepared] = {}
    check = verify.Verifier.errors

    def prepared_once(source: ModelFolder, variant: Variant) -> Prepared:
        if (source.path, variant) not in made:
            models = tmp_path_factory.mktemp("shared")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(verify.Verifier, "errors", check)  # also for a test that is unchecked
                made[source.path, variant] = make(source, models, variant, mapped)
        return made[source.path, variant]

    return prepared_once


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check against the source, most of the work, is left out: for tests of everything else."""

    def no_errors(*_: object) -> dict[str, float]:
        return {"text": 0.0, "unet": 0.0, "vae": 0.0}

    monkeypatch.setattr(verify.Verifier, "errors", no_errors)
