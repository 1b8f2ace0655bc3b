"""`python -m benchmarks engine`: our engine beside the stock one, interleaved.

A small SDXL of random weights; made first (20 s) where it is not there. Also: how long a cancel
takes, and the event loop's longest stall while a thread loads, draws the first picture and writes a
PNG.
"""

import asyncio
import gc
import io
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from PIL import Image

from benchmarks.bench_loop import MODEL
from benchmarks.budget import Budget
from benchmarks.report import Row
from pipeline.card import QualityPreset, Sampler
from pipeline.engine.own import OwnEngine
from pipeline.engine.protocol import Engine
from pipeline.errors import Cancelled
from pipeline.load import import_engine, load_engine
from pipeline.model.options import EngineOptions
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from training.random_model import RandomKind, make_random_model

ROUNDS: Final = 7
STEPS: Final = 10
SIDE: Final = 256  # pixels: small enough that what is not the model shows
TICK_S: Final = 0.005

_Result = TypeVar("_Result")

REQUEST: Final = ResolvedRequest(
    prompt="1girl, smile, night sky, masterpiece, best quality",
    negative_prompt="lowres, worst quality",
    width=SIDE,
    height=SIDE,
    preset=QualityPreset.STANDARD_31,
    rating=Rating.SAFE,
    sampler=Sampler.EULER_A,
    num_inference_steps=STEPS,
    guidance_scale=7.0,
    seed=42,
    count=1,
    private=False,
    original=GenerationRequest(),
)


class Unwatched:
    """Counts steps; `cancel_at` is when somebody cancelled (monotonic), None: never."""

    def __init__(self) -> None:
        self.cancel_at: float | None = None

    def is_cancelled(self) -> bool:
        return self.cancel_at is not None

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None: ...


def run(budget: Budget) -> list[Row]:
    """All figures, for `make bench`."""
    if not MODEL.is_dir():
        make_random_model(MODEL, kind=RandomKind.DEMO)
    return _measure(MODEL, budget)


def _measure(model: Path, budget: Budget) -> list[Row]:
    import_engine("own")
    stalls = asyncio.run(_stalls(model))
    own, stock = _load(model, "own"), _load(model, "stock")
    rows = [*stalls, *_seconds(own, stock, budget), *_outside(own), _cancel(own)]
    own.close()
    stock.close()
    gc.collect()
    return rows


def _seconds(own: Engine, stock: Engine, budget: Budget) -> list[Row]:
    """Seconds a step, the engines in turn, so that a busy machine hurts both. A round at least."""
    request = REQUEST
    for engine in (own, stock):
        engine.draw(request, 0, Unwatched())
    times: dict[Engine, list[float]] = {own: [], stock: []}
    computed: dict[Engine, list[float]] = {own: [], stock: []}
    for number in range(ROUNDS):
        round_began = time.monotonic()
        for engine, found in times.items():
            began = time.process_time()
            found.append(engine.draw(request, 0, Unwatched()).seconds_a_step)
            computed[engine].append(time.process_time() - began)
        if number and not budget.allows(time.monotonic() - round_began):
            break
    mine, theirs = statistics.median(times[own]), statistics.median(times[stock])
    ratio = statistics.median(a / b for a, b in zip(times[own], times[stock], strict=True))
    by_processor = min(computed[own]) / min(computed[stock])
    return [
        Row("seconds a step, own", f"{mine:.4f}"),
        Row("seconds a step, stock", f"{theirs:.4f}"),
        Row(
            "own / stock",
            f"{ratio:.2f} by seconds, {by_processor:.2f} by the processor's seconds of a picture"
            f" ({len(times[own])} rounds)",
        ),
    ]


def _outside(engine: Engine) -> list[Row]:
    """What a step costs beside the UNet's run: measured by timing the run itself."""
    engine = getattr(engine, "engine", engine)  # without its second pass
    assert isinstance(engine, OwnEngine)
    row = engine.begin(REQUEST, 0)
    model_s, unet = 0.0, engine.unet
    run_model = unet.predict

    class Timed:
        def predict(self, **inputs: object) -> object:
            nonlocal model_s
            began = time.perf_counter()
            answer = run_model(**inputs)  # pyright: ignore[reportArgumentType]  # passed through
            model_s += time.perf_counter() - began
            return answer

    from pipeline.engine import loop

    began = time.perf_counter()
    while not row.done:
        loop.step(Timed(), [row])  # pyright: ignore[reportArgumentType]  # the same inputs
    outside_s = time.perf_counter() - began - model_s
    share = outside_s / (outside_s + model_s)
    return [Row("outside the UNet", f"{1000 * outside_s / row.steps:.2f} ms a step, {share:.1%}")]


def _cancel(engine: Engine) -> Row:
    """From the cancel, at a random moment of a step, to Cancelled."""
    waits: list[float] = []
    for index in range(ROUNDS):
        watch = Unwatched()

        def cancel(watch: Unwatched = watch) -> None:
            watch.cancel_at = time.perf_counter()

        timer = threading.Timer(0.03 + 0.007 * index, cancel)
        timer.start()
        try:
            engine.draw(replace(REQUEST, num_inference_steps=60), 0, watch)
        except Cancelled:
            assert watch.cancel_at is not None
            waits.append(time.perf_counter() - watch.cancel_at)
        timer.join()
    return Row("cancel to Cancelled, longest", f"{1000 * max(waits, default=0):.1f} ms")


async def _stalls(model: Path) -> list[Row]:
    """The longest gap of a 5 ms ticker while a thread does each part of a first picture."""
    rows: list[Row] = []
    engine = await _watched("loading", lambda: _load(model, "own"), rows)
    request = replace(REQUEST, num_inference_steps=2, width=832, height=1216)
    drawn = await _watched("first picture", lambda: engine.draw(request, 0, Unwatched()), rows)
    await _watched("PNG", lambda: drawn.image.save(io.BytesIO(), "PNG", compress_level=1), rows)
    engine.close()
    return rows


async def _watched(name: str, work: Callable[[], _Result], rows: list[Row]) -> _Result:
    task = asyncio.create_task(asyncio.to_thread(work))
    longest, last = 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(TICK_S)
        now = time.perf_counter()
        longest, last = max(longest, now - last - TICK_S), now
    rows.append(Row(f"longest stall of the loop, {name}", f"{1000 * longest:.1f} ms"))
    return await task


def _load(model: Path, engine: str) -> Engine:
    options = EngineOptions(
        model=str(model),
        models_dir=model.parent,
        engine="own" if engine == "own" else "stock",
        provider="cpu",
    )
    return load_engine(options, progress=lambda _: None)
