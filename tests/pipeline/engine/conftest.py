"""Our engine over the tiny model, for the files whose tests need no other."""

from pathlib import Path

import pytest

from pipeline.engine.own import OwnEngine
from pipeline.model.folder import ModelFolder
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.text_encoder import PromptEncoder
from tests.pipeline.own_model import open_folder, open_own


@pytest.fixture(scope="module")
def engine(tiny_path: Path) -> OwnEngine:
    return open_own(tiny_path)


@pytest.fixture(scope="module")
def folder(tiny_path: Path) -> ModelFolder:
    return open_folder(tiny_path)


@pytest.fixture(scope="module")
def prompts(folder: ModelFolder, cpu: SessionFactory) -> PromptEncoder:
    return PromptEncoder(folder, cpu)
