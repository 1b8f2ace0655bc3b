# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportMissingTypeStubs=false
# (the border to diffusers and torch, whose types are partly missing)
"""One way of running a UNet, in a process of its own so that its memory is its own.

The parent says "step" and everybody waits until it is done: contenders take turns, so a busy
machine hurts all of them alike.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import numpy.typing as npt
import psutil

from benchmarks.memory import NOTHING, Memory, MemoryWatch, memory_of

if TYPE_CHECKING:
    from pipeline.engine.loop import UNetInputs

Floats = npt.NDArray[np.float32]
Inputs = Mapping[str, Floats]
Predict = Callable[[Inputs], Floats]

_SPAWN: Final = multiprocessing.get_context("spawn")
_SMALL: Final = 0.01
"""Of the random LoRAs' numbers: they change the picture, and nothing overflows."""
TORCH_BF16: Final = "torch bf16"
TORCH: Final = ("torch fp32", TORCH_BF16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is run: `name` is one of `torch fp32`, `torch bf16`, or any for the folder `path`,
    whose rows run together unless `rows_alone`; `mapped` leaves its weights in their file."""

    name: str
    path: Path
    kind: str
    rows_alone: bool = False
    mapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of guidance (two rows): seconds, seconds of the processor, and the answer."""

    seconds: float
    processor_s: float
    noise_pred: Floats


class Contender:
    """The parent's end. `load_s`: how long it took to be ready, and `load_processor_s` of the
    processor; `peak`: the most memory so far."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._pipe, other = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(entry, other), daemon=True)
        self._process.start()
        other.close()
        self._of_process = psutil.Process(self._process.pid)
        self.peak = NOTHING
        with self._watched():
            self.load_s, self.load_processor_s = self._answer()

    def step(self, inputs: Inputs, *, rank: int = 0) -> Step:
        """Run it once, with a LoRA of `rank` on every layer of one of our models; 0: none."""
        with self._watched():
            self._pipe.send((inputs, rank))
            return self._answer()

    def memory(self) -> Memory:
        """How much it takes now."""
        return memory_of(self._of_process)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=30)
        if self._process.is_alive():
            self._process.kill()

    @contextmanager
    def _watched(self) -> Generator[None]:
        with MemoryWatch(self._of_process.pid) as watch:
            yield
        self.peak = self.peak.at_least(watch.peak)

    def _answer(self) -> Any:
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def inputs_for(path: Path, *, width: int, height: int) -> dict[str, Floats]:
    """Two rows of random latents and text for the model in `path`."""
    from pipeline.model.configs import read_json
    from pipeline.model.folder import ModelFolder

    folder = ModelFolder.open(path)
    unet = read_json(path / "unet" / "config.json")
    second = read_json(path / "text_encoder_2" / "config.json")
    random = np.random.default_rng(0)
    factor = folder.vae_scale_factor
    shape = (2, folder.latent_channels, height // factor, width // factor)
    return {
        "sample": random.standard_normal(shape, np.float32),
        "timesteps": np.full(2, 801, np.float32),
        "prompt_embeds": random.standard_normal(
            (2, 77, int(str(unet["cross_attention_dim"]))), np.float32
        ),
        "pooled": random.standard_normal((2, int(str(second["projection_dim"]))), np.float32),
        "time_ids": np.array([[height, width, 0, 0, height, width]] * 2, np.float32),
    }


def _serve(entry: Entry, pipe: Connection) -> None:
    """The child's end, until the parent's is closed."""
    try:
        began, computed = time.perf_counter(), time.process_time()
        of_rank = _in_torch(entry) if entry.name in TORCH else _in_our_sessions(entry)
        pipe.send((time.perf_counter() - began, time.process_time() - computed))
        while True:
            inputs, rank = pipe.recv()
            pipe.send(_step(of_rank(rank), inputs))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:  # noqa: BLE001 - the parent raises it
        pipe.send(RuntimeError(f"{entry.name}: {error}"))


def _step(predict: Predict, inputs: Inputs) -> Step:
    began, computed = time.perf_counter(), time.process_time()
    noise_pred = predict(inputs)
    return Step(
        seconds=time.perf_counter() - began,
        processor_s=time.process_time() - computed,
        noise_pred=noise_pred,
    )


def _in_our_sessions(entry: Entry) -> Callable[[int], Predict]:
    from pipeline.engine.unet import SparingUNet, open_unet
    from pipeline.model.folder import ModelFolder
    from pipeline.runtime.sessions import SessionFactory

    folder = ModelFolder.open(entry.path)
    factory = SessionFactory(provider="cpu", mapped=entry.mapped)
    unet = open_unet(factory, folder)
    frugal = SparingUNet(unet, rows_at_once=1 if entry.rows_alone else None)

    def of_rank(rank: int) -> Predict:
        if not rank:
            return lambda inputs: frugal.predict(**cast("UNetInputs", inputs))
        random = np.random.default_rng(0)
        adapter = unet.session.place(
            {
                name: random.standard_normal(
                    [side if isinstance(side, int) else rank for side in port.shape], np.float32
                ).astype(port.dtype)
                * port.dtype.type(_SMALL)
                for name, port in unet.session.branch.items()
            }
        )
        return lambda inputs: frugal.predict(**cast("UNetInputs", {**inputs, "adapter": adapter}))

    return of_rank


def _in_torch(entry: Entry) -> Callable[[int], Predict]:
    """The UNet of diffusers with the same weights, made from their names as the file's were."""
    # Threads that wait must not spin: beside other programs that costs seconds which are no work.
    # Our sessions do not, either. Read when torch is loaded.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    import torch

    from pipeline.runtime.threads import default_threads
    from training.hollow import fill_in_torch, hollow_unet
    from training.random_parts import RECIPES, RandomKind

    torch.set_num_threads(default_threads())
    unet = hollow_unet(RECIPES[RandomKind(entry.kind)])
    dtype = torch.bfloat16 if entry.name == TORCH_BF16 else torch.float32
    fill_in_torch(unet, seed=0, dtype=dtype)

    def predict(inputs: Inputs) -> Floats:
        given = {name: torch.from_numpy(value) for name, value in inputs.items()}
        with torch.inference_mode():
            answer = unet(
                given["sample"].to(dtype),
                given["timesteps"][0],
                given["prompt_embeds"].to(dtype),
                added_cond_kwargs={
                    "text_embeds": given["pooled"].to(dtype),
                    "time_ids": given["time_ids"],
                },
            )
        return answer.sample.float().numpy()

    return lambda _: predict
