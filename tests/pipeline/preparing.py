# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""Prepares models, for the tests of preparing and of finding what was prepared."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.plan.prepared import home_of
from pipeline.prepare.options import Prepared, PrepareOptions, Reporter
from pipeline.prepare.prepare import prepare_model
from pipeline.runtime.sessions import SessionFactory


def make(
    source: ModelFolder, models: Path, variant: Variant, factory: SessionFactory, **options: Any
) -> Prepared:
    return prepare_model(
        source,
        models,
        PrepareOptions(variant=variant, **options),
        factory=factory,
        report=Reporter(),
    )


Shared = Callable[[ModelFolder, Variant], Prepared]


def failure(source: ModelFolder, models: Path, factory: SessionFactory) -> ModelError:
    with pytest.raises(ModelError) as caught:
        make(source, models, "fp32", factory)
    return caught.value


def copied(made: Prepared, source: ModelFolder, models: Path) -> Prepared:
    """What was made, as if it had been made in `models`: a test's own, to spoil."""
    home = home_of(models, source)
    shutil.copytree(made.path.parent, home)
    return replace(made, path=home / made.path.name)


def own_copy(source: ModelFolder, folder: Path, **scheduler: object) -> ModelFolder:
    """The same model in a folder that a test may spoil."""
    shutil.copytree(source.path, folder)
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **scheduler}))
    return ModelFolder.open(folder)
