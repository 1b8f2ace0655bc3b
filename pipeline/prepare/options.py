"""Options, progress and result of a preparation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.model.options import Variant
from pipeline.plan.prepared import Manifest
from pipeline.prepare.lora.lora import Lora


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOptions:
    """What to make of a model. `why` is recorded for people; `revision` is the source's commit.

    `branch`: add the low-rank branch, through which pictures are drawn with LoRAs.
    `full_range`: int8 weights may use all eight bits, since this processor does not overflow.
    """

    variant: Variant
    loras: tuple[Lora, ...] = ()
    branch: bool = True
    full_range: bool = False
    revision: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Reports progress: lines of text, and bytes written out of the total."""

    line: Callable[[str], None] = lambda _: None
    written: Callable[[int, int], None] = lambda _done, _total: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Where the prepared model is, and what its check found."""

    path: Path
    manifest: Manifest
