# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# (the border to diffusers, onnx, onnxruntime and torch, whose types are partly missing)
"""What `python -m benchmarks card` runs, each in a process of its own so that the card's memory is
free again: `python -m benchmarks.card_runs NAME SETUP` prints a line of JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, cast

from benchmarks.card_memory import PeakOfCard

_PROMPT: Final = "1girl, cherry blossoms"
_WARM_STEPS: Final = 2
_SIDE_OF_CARD, _SIDE_OF_PROCESSOR = 8192, 2048
_PRODUCTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is measured: `model` is the folder that was exported, below `models_dir` is what was
    prepared from it. `at_once` 0: as many pictures as the plan has room for."""

    model: str
    models_dir: str
    kind: str
    provider: Literal["cuda", "cpu"]
    variant: Literal["fp16", "source"]
    steps: int
    side: int
    at_once: int = 0
    check_memory: bool = True


def picture(setup: Setup, engine: Literal["own", "stock"]) -> dict[str, float]:
    """Seconds for a picture, the second one."""
    from benchmarks.bench_engine import REQUEST, Unwatched
    from pipeline.load import import_engine, load_engine
    from pipeline.model.options import EngineOptions

    import_engine(engine)
    options = EngineOptions(
        model=setup.model,
        models_dir=Path(setup.models_dir),
        engine=engine,
        provider=setup.provider,
        variant=setup.variant if engine == "own" else "source",
        check_memory=setup.check_memory,
    )
    made = load_engine(options, progress=_note)

    def draw(steps: int) -> float:
        request = replace(REQUEST, width=setup.side, height=setup.side, num_inference_steps=steps)
        return made.draw(request, 0, Unwatched()).elapsed_s

    return _timed(setup, draw)


def diffusers(setup: Setup) -> dict[str, float]:
    """The same by diffusers in torch, in half precision on a card."""
    import torch

    from training.hollow import fill_in_torch, hollow_pipeline
    from training.random_parts import RECIPES, RandomKind

    on_card = setup.provider == "cuda"
    if on_card and not torch.cuda.is_available():
        raise RuntimeError("this torch has no CUDA: pip install torch from its CUDA index")
    dtype = torch.float16 if on_card else torch.float32
    with TemporaryDirectory() as folder:
        pipeline = hollow_pipeline(RECIPES[RandomKind(setup.kind)], Path(folder))
    for name in ("unet", "vae", "text_encoder", "text_encoder_2"):
        fill_in_torch(getattr(pipeline, name), seed=0, dtype=dtype)
    pipeline.to(setup.provider)
    pipeline.set_progress_bar_config(disable=True)

    def draw(steps: int) -> float:
        began = time.perf_counter()
        pipeline(_PROMPT, width=setup.side, height=setup.side, num_inference_steps=steps)
        return time.perf_counter() - began

    return _timed(setup, draw)


def _timed(setup: Setup, draw: Callable[[int], float]) -> dict[str, float]:
    """Two pictures: the first one compiles, searches and makes room."""
    with PeakOfCard(setup.provider) as peak:
        first_s = draw(_WARM_STEPS)
        seconds = draw(setup.steps)
    return {"first_s": first_s, "seconds": seconds, "peak_bytes": peak.bytes}


def waiting(setup: Setup, people: int) -> dict[str, float]:
    """`people` ask the bot's job service at the same time for a picture each: seconds until all
    have theirs, and until the first has."""
    return asyncio.run(_waiting(setup, people))


async def _waiting(setup: Setup, people: int) -> dict[str, float]:
    from benchmarks.bench_waiting import origin_of
    from bot.app import engine_loaders
    from bot.compose import open_services
    from bot.config.settings import Settings
    from bot.jobs.values import Completed
    from pipeline.request import GenerationRequest

    with TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            model=setup.model,
            models_dir=Path(setup.models_dir),
            model_variant=setup.variant,
            provider=setup.provider,
            draw_at_once=setup.at_once,
            default_steps=setup.steps,
            tagger="off",
            pictures_per_hour=0,
            pictures_per_day=0,
            waiting_jobs_per_user=0,
            waiting_jobs_total=0,
        )
        ends: list[float] = []
        load = engine_loaders(settings)
        async with open_services(settings, load=load) as services:
            await services.jobs.start()

            async def ask(user: int, steps: int) -> float:
                request = GenerationRequest(
                    prompt=f"{_PROMPT}, {user}",
                    seed=user,
                    aspect=f"{setup.side}x{setup.side}",
                    num_inference_steps=steps,
                )
                ticket = await services.jobs.submit(request, origin_of(user))
                mailbox = await services.jobs.watch(ticket.job.id)
                assert mailbox is not None
                await mailbox.over.wait()
                assert isinstance(mailbox.event, Completed), mailbox.event
                return time.perf_counter()

            everybody = range(1, people + 1)
            with PeakOfCard(setup.provider) as peak:
                await asyncio.gather(*(ask(user, _WARM_STEPS) for user in everybody))
                began = time.perf_counter()
                ends = await asyncio.gather(*(ask(user, setup.steps) for user in everybody))
            slots = sum(worker.has_room for worker in services.jobs.runner.engines.workers)
    return {
        "seconds": max(ends) - began,
        "first_s": min(ends) - began,
        "mean_s": sum(ends) / len(ends) - began,
        "slots": slots,
        "peak_bytes": peak.bytes,
    }


def matmul(setup: Setup) -> dict[str, float]:
    """Operations per second of products of large matrices, on the card in half precision: what the
    machine reaches at best."""
    import numpy as np
    import onnxruntime as ort
    from onnx import TensorProto, helper

    from pipeline.runtime.cuda import provider_options
    from pipeline.runtime.providers import CPU, CUDA

    on_card = setup.provider == "cuda"
    side = _SIDE_OF_CARD if on_card else _SIDE_OF_PROCESSOR
    kind = TensorProto.FLOAT16 if on_card else TensorProto.FLOAT
    ports = [helper.make_tensor_value_info(name, kind, [side, side]) for name in "abc"]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])], "g", ports[:2], ports[2:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    device = "cuda" if on_card else "cpu"
    providers: list[Any] = [(CUDA, provider_options(device_id=0))] if on_card else [CPU]
    session = ort.InferenceSession(model.SerializeToString(), providers=providers)
    values = np.random.default_rng(0).standard_normal((side, side), np.float32)
    values = values.astype(np.float16 if on_card else np.float32)
    binding = session.io_binding()
    for name in "ab":
        placed = ort.OrtValue.ortvalue_from_numpy(values, device, 0)
        binding.bind_ortvalue_input(name, placed)
    binding.bind_output("c", device, 0)
    session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    began = time.perf_counter()
    for _ in range(_PRODUCTS):
        session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    seconds = time.perf_counter() - began
    return {"operations_per_s": 2.0 * side**3 * _PRODUCTS / seconds}


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(name: str, setup: Setup) -> dict[str, float]:
    """One of them, by its name."""
    match name.split(" "):
        case ["own" | "stock" as engine]:
            return picture(setup, engine)
        case ["diffusers"]:
            return diffusers(setup)
        case ["waiting", people]:
            return waiting(setup, int(people))
        case ["matmul"]:
            return matmul(setup)
        case _:
            raise ValueError(name)


def main(name: str, setup: str) -> None:
    """The child. Its last line is what came out, or the reason why nothing did."""
    os.environ["OMP_WAIT_POLICY"] = "passive"  # as in `benchmarks.contender`
    try:
        told: dict[str, Any] = run(name, Setup(**cast("dict[str, Any]", json.loads(setup))))
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are measured
        told = {"problem": f"{type(error).__name__}: {error}"}
    print(json.dumps(told))


def as_json(setup: Setup) -> str:
    """For the child."""
    return json.dumps(asdict(setup))


if __name__ == "__main__":
    main(*sys.argv[1:])
