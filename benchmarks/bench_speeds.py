# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportPrivateImportUsage=false
# (the border to diffusers, whose types are partly missing)
"""`python -m benchmarks.bench_speeds`: how many times as fast as a full picture a balanced one and
a draft are, at SDXL's real size in bfloat16.

What pictures consist of is measured, in turns, at fewer pixels than people draw: a row of the UNet,
one that reuses deep features, one with a LoRA for few steps, and both decoders. Whole pictures are
sums of these. The model has random weights; so has the small decoder.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from benchmarks.contender import inputs_for
from benchmarks.contest import HOME, pixels
from benchmarks.preparing import prepare
from benchmarks.report import Row
from benchmarks.results import Meter, publish
from pipeline.card import DEFAULT_STEPS, Speed
from pipeline.engine.savings import BALANCED
from pipeline.engine.unet import UNetSession, open_unet
from pipeline.engine.vae.decoder import VaeDecoder
from pipeline.engine.vae.small import SmallDecoder
from pipeline.errors import ModelError
from pipeline.lora.distilled import DEFAULT_KIND, DISTILLED
from pipeline.model.folder import ModelFolder
from pipeline.plan.prepared import find
from pipeline.prepare.small_decoder import add_small_decoder
from pipeline.runtime.ports import Adapter
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from pipeline.speed.cost import rows_of
from training.random_model import make_random_model
from training.random_parts import RandomKind

if TYPE_CHECKING:
    from pipeline.engine.loop import UNetInputs

FOLDER: Final = HOME / "bench-speeds"
SIZE: Final = "512x512"
ROUNDS: Final = 3
_PAIR: Final = 2  # rows of a step with guidance
_RANK: Final = 64  # of SDXL-Lightning and LCM-LoRA, which change linear layers alone
_LINEAR: Final = 2  # axes of the matrices of a linear layer's branch
_SMALL: Final = 0.01

ROW: Final = "a row of the UNet"
REUSING: Final = "a row that reuses deep features"
DISTILLED_ROW: Final = "a row with a LoRA of rank 64"
DECODER: Final = "the decoder"
SMALL_DECODER: Final = "the small decoder"


@dataclass(slots=True)
class Seen:
    """Seconds, and seconds of the processor, of each run of one part."""

    seconds: list[float] = field(default_factory=list[float])
    processor_s: list[float] = field(default_factory=list[float])

    def time(self, run: Callable[[], object]) -> None:
        """Run it once."""
        began, computed = time.perf_counter(), time.process_time()
        run()
        self.seconds.append(time.perf_counter() - began)
        self.processor_s.append(time.process_time() - computed)


def counts() -> dict[str, dict[str, float]]:
    """What each kind of picture consists of: how many of each part."""
    reused = sum(BALANCED.reuses(step, DEFAULT_STEPS) for step in range(DEFAULT_STEPS))
    recipe = DISTILLED[DEFAULT_KIND].recipe
    assert recipe.num_inference_steps is not None
    assert recipe.guidance_scale is not None
    draft = recipe.num_inference_steps * rows_of(recipe.guidance_scale)
    return {
        Speed.FULL: {ROW: _PAIR * DEFAULT_STEPS, DECODER: 1},
        Speed.BALANCED: {
            ROW: _PAIR * (DEFAULT_STEPS - reused),
            REUSING: _PAIR * reused,
            DECODER: 1,
        },
        Speed.DRAFT: {DISTILLED_ROW: draft, DECODER: 1},
        f"{Speed.DRAFT}, small decoder": {DISTILLED_ROW: draft, SMALL_DECODER: 1},
    }


def measure(folder: ModelFolder, size: str, rounds: int) -> dict[str, Seen]:
    """Time all parts of pictures of `size`. The first run of each makes room and does not count."""
    factory = SessionFactory(provider="cpu")
    width, height = pixels(size)
    given = {
        name: rows[:1] for name, rows in inputs_for(folder.path, width=width, height=height).items()
    }
    inputs = cast("UNetInputs", given)
    unet = open_unet(factory, folder)
    assert folder.small_decoder is not None
    decoder = VaeDecoder(folder, factory.open(folder, "vae_decoder"))
    small = SmallDecoder(folder, factory.open_small(folder.small_decoder))
    _, deep = unet.predict_deep(**inputs)
    parts: dict[str, Callable[[], object]] = {
        ROW: lambda: unet.predict(**inputs),
        REUSING: lambda: unet.predict_shallow(deep, **inputs),
        DECODER: lambda: decoder.decode(given["sample"]),
        SMALL_DECODER: lambda: small.decode(given["sample"]),
    }
    seen = _in_turns(parts, rounds)
    adapter = _adapter(unet)
    with_lora = cast("UNetInputs", {**given, "adapter": adapter})
    return seen | _in_turns({DISTILLED_ROW: lambda: unet.predict(**with_lora)}, rounds)


def _in_turns(parts: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Seen]:
    found = {name: Seen() for name in parts}
    for run in parts.values():
        run()
    for _ in range(rounds):
        for name, run in parts.items():
            found[name].time(run)
            print(f"  {name}: {found[name].processor_s[-1]:.2f} s of the processor", flush=True)
    return found


def _adapter(unet: UNetSession) -> Adapter:
    """A LoRA of random numbers on all linear layers."""
    random = np.random.default_rng(0)
    return unet.session.place(
        {
            name: random.standard_normal(
                [side if isinstance(side, int) else _RANK for side in port.shape], np.float32
            ).astype(port.dtype)
            * port.dtype.type(_SMALL)
            for name, port in unet.session.branch.items()
            if len(port.shape) == _LINEAR
        }
    )


def rows(seen: Mapping[str, Seen], size: str) -> Iterator[Row]:
    """Two tables: the parts, and the pictures made of them."""
    seconds = {name: statistics.median(each.seconds) for name, each in seen.items()}
    processor = {name: statistics.median(each.processor_s) for name, each in seen.items()}
    for name in seen:
        yield Row(
            name,
            cells={
                f"{size}: seconds": f"{seconds[name]:.2f}",
                "of the processor": f"{processor[name]:.2f}",
                "parts of a row": f"{processor[name] / processor[ROW]:.2f}",
            },
        )
    full = counts()[Speed.FULL]
    for name, parts in counts().items():
        yield Row(
            f"`speed: {name}`",
            cells={
                "made of": ", ".join(f"{count:g} x {part}" for part, count in parts.items()),
                f"{size}: seconds": f"{_sum(parts, seconds):.0f}",
                "of the processor": f"{_sum(parts, processor):.0f}",
                "times as fast as full": f"{_sum(full, seconds) / _sum(parts, seconds):.2f}",
                "by the processor's seconds": (
                    f"{_sum(full, processor) / _sum(parts, processor):.2f}"
                ),
            },
        )


def _sum(parts: Mapping[str, float], seconds: Mapping[str, float]) -> float:
    return sum(count * seconds[part] for part, count in parts.items())


def prepared(kind: RandomKind) -> ModelFolder:
    """A random model of `kind` in bf16 with a small decoder, made unless it is there."""
    model = HOME / f"random-{kind}"
    if not model.is_dir():
        make_random_model(model, kind=kind, layout="2024", progress=print)
    source = ModelFolder.open(model)
    try:
        folder = find(FOLDER, source, "bf16", CPU)
    except ModelError as error:
        if error.key != "prepared_missing":
            raise
        folder = ModelFolder.open(prepare(model, FOLDER, "bf16").path)
    if folder.small_decoder is None:
        from diffusers import AutoencoderTiny

        with tempfile.TemporaryDirectory() as weights:
            AutoencoderTiny().save_pretrained(weights)
            add_small_decoder(folder, Path(weights), SessionFactory(provider="cpu"))
    return folder


def main() -> None:
    """The command line. A processor without bfloat16 is told so."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_speeds", description=__doc__)
    parser.add_argument("--kind", type=RandomKind, default=RandomKind.FULL, choices=RandomKind)
    parser.add_argument("--size", default=SIZE, help="pixels (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="leave the figures there")
    args = parser.parse_args()
    try:
        folder = prepared(args.kind)
    except ModelError as error:
        parser.error(str(error))
    meter = Meter()
    made = list(rows(measure(folder, args.size, args.rounds), args.size))
    spent = meter.read()
    title = f"Full, balanced and draft in bf16 ({args.kind} size)"
    publish(made, spent, title=title, name="speeds", folder=args.json)


if __name__ == "__main__":
    main()
