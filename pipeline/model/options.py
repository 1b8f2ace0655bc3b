"""Options for loading an engine: which model, how and where."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Variant = Literal["fp32", "fp16", "int8", "bf16", "int8-bf16"]
Wanted = Literal["auto", "source", "fp32", "fp16", "int8", "bf16", "int8-bf16"]
VARIANTS: Final[tuple[Variant, ...]] = ("fp32", "fp16", "int8", "bf16", "int8-bf16")
IN_BF16: Final[frozenset[Variant]] = frozenset({"bf16", "int8-bf16"})
"""Variants that OpenVINO runs in bfloat16."""

DEFAULT_REPOSITORY: Final = "ecyht2/animagine-xl-3.1-onnx"
DEFAULT_REVISION: Final = "5c2038d3a17fef59566a33fd022cd77d89fdbf84"
"""The revision of the repository that this project was developed against."""

EngineName = Literal["own", "stock"]

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which model, how and where. `model` is a local folder or a hub repository `owner/name`.

    `revision` is a commit, tag or branch, used for repositories. `threads` None: from the machine.
    `variant`: which prepared form of the model `own` draws with; `stock` always takes the source.
    `loras`: the folder with adapters (`pipeline.lora.adapter`); None: there are none.
    `faces`: the file of the face finder (`pipeline.faces`); None: there is none.
    `draw_at_once`: pictures that share runs, at most as many as the plan for a card has room for;
    0: so many, and one on the processor.
    """

    model: str = DEFAULT_REPOSITORY
    revision: str = DEFAULT_REVISION
    models_dir: Path
    engine: EngineName = "own"
    provider: Literal["auto", "cpu", "cuda"] = "auto"
    device_id: int = 0
    threads: int | None = None
    check_memory: bool = True
    variant: Wanted = "auto"
    loras: Path | None = None
    faces: Path | None = None
    draw_at_once: int = 1


def is_repository(model: str) -> bool:
    """Whether `model` is a hub repository's name rather than a folder (an existing folder wins)."""
    return _REPOSITORY.fullmatch(model) is not None and not Path(model).is_dir()


def model_path(options: EngineOptions) -> Path:
    """The folder of the model; for a repository, where `fetch_model` puts it."""
    if not is_repository(options.model):
        return Path(options.model).expanduser()
    return repository_path(options.models_dir, options.model, options.revision)


def repository_path(models_dir: Path, repository: str, revision: str) -> Path:
    """`models_dir/owner--name/revision`."""
    return models_dir / repository.replace("/", "--") / revision.replace("/", "--")
