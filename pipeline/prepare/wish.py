"""What is asked of a preparation, how it is followed, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.model.options import Variant
from pipeline.plan.prepared import (
    Manifest,
)
from pipeline.prepare.lora.lora import Lora


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to make of a model. `why` is noted for people; `revision` is the source's commit.

    `full_range`: int8 weights may use all eight bits, since this processor does not overflow.
    """

    variant: Variant
    loras: tuple[Lora, ...] = ()
    full_range: bool = False
    revision: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """How a preparation is followed: lines, and bytes written of all that will be."""

    line: Callable[[str], None] = lambda _: None
    written: Callable[[int, int], None] = lambda _done, _total: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Where the model lies now, and what its check found."""

    path: Path
    manifest: Manifest
