# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportPrivateImportUsage=false
# (the border to optimum, diffusers and torch, whose types are partly missing)
"""Optimum's `ORTStableDiffusionXLPipeline` as it is: the reference that our own engine must equal.

Its `__call__` runs in the worker's thread, given our prompt embeddings: its own tokenisation reads
`(bad)` literally and cuts at 77 tokens. Importing this module imports torch (seconds, and the
interpreter is held): do it before the event loop starts.
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import diffusers
import torch
from optimum.onnxruntime import ORTStableDiffusionXLPipeline
from PIL import Image

from pipeline.card import DIFFUSERS_SCHEDULERS, Sampler
from pipeline.engine.protocol import DrawnPicture, ModelDescription, Watch
from pipeline.errors import Cancelled, EkakiError, EngineError
from pipeline.model.folder import ModelFolder
from pipeline.model.sessions import SessionFactory
from pipeline.model.text_encoder import PromptEncoder
from pipeline.request import ResolvedRequest

SCHEDULER_CHANGES: Final[Mapping[Sampler, Mapping[str, object]]] = MappingProxyType(
    {
        Sampler.EULER_A: {},
        Sampler.EULER: {},
        Sampler.DDIM: {},
        Sampler.DPM_2M_KARRAS: {"use_karras_sigmas": True},
        Sampler.DPM_2M_SDE_KARRAS: {
            "use_karras_sigmas": True,
            "algorithm_type": "sde-dpmsolver++",
        },
        Sampler.DPM_SDE_KARRAS: {"use_karras_sigmas": True},
    }
)
"""What each sampler changes in the model's own scheduler config (official demo)."""


def make_scheduler(folder: ModelFolder, sampler: Sampler) -> Any:
    """The scheduler of diffusers for `sampler`, fresh: it keeps the state of one run."""
    kind = getattr(diffusers, DIFFUSERS_SCHEDULERS[sampler])
    return kind.from_config(dict(folder.scheduler.raw), **SCHEDULER_CHANGES[sampler])


class StockEngine:
    """Draws one picture after another with the stock pipeline. One thread owns it."""

    def __init__(
        self,
        folder: ModelFolder,
        factory: SessionFactory,
        *,
        prompts: PromptEncoder,
        description: ModelDescription,
    ) -> None:
        self._folder = folder
        self._prompts = prompts
        self._description = description
        self._pipe: Any = open_pipeline(folder, factory, prompts)

    @property
    def model(self) -> ModelDescription:
        return self._description

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
    ) -> DrawnPicture:
        """See `Engine.draw`. A cancel skips the decoder: it leaves by an exception of ours, for
        diffusers' own `_interrupt` still decodes."""
        if self._pipe is None:
            raise EngineError("engine_closed")
        if init_image is not None:
            raise EngineError("stock_cannot_img2img")
        if watch.is_cancelled():
            raise Cancelled
        steps = _Steps(watch)
        began = time.perf_counter()
        try:
            image = self._run(request, index, steps)
        except EkakiError:
            raise
        except Exception as error:  # whatever the libraries raise, the job failed
            raise EngineError("inference_failed", problem=str(error)[:300]) from error
        return DrawnPicture(
            image=image,
            seed=request.seed_of(index),
            elapsed_s=time.perf_counter() - began,
            seconds_a_step=steps.seconds_a_step,
        )

    def _run(self, request: ResolvedRequest, index: int, steps: "_Steps") -> Image.Image:
        embeds = self._prompts.encode(request.prompt, request.negative_prompt)
        self._pipe.scheduler = make_scheduler(self._folder, request.sampler)
        steps.begin()
        with torch.inference_mode():
            result = self._pipe(
                prompt_embeds=torch.from_numpy(embeds.prompt_embeds),
                negative_prompt_embeds=torch.from_numpy(embeds.negative_prompt_embeds),
                pooled_prompt_embeds=torch.from_numpy(embeds.pooled_prompt_embeds),
                negative_pooled_prompt_embeds=torch.from_numpy(
                    embeds.negative_pooled_prompt_embeds
                ),
                width=request.width,
                height=request.height,
                num_inference_steps=request.num_inference_steps,
                guidance_scale=request.guidance_scale,
                generator=torch.Generator("cpu").manual_seed(request.seed_of(index)),
                callback_on_step_end=steps.on_step_end,
            )
        image: Image.Image = result.images[0]
        return image.convert("RGB")

    def close(self) -> None:
        self._pipe = None
        self._prompts.close()


def open_pipeline(folder: ModelFolder, factory: SessionFactory, prompts: PromptEncoder) -> Any:
    """The stock pipeline over sessions of ours, loaded from the folder and nowhere else.

    `export=False` with a folder never asks the hub. Sessions are made by `factory`, which has
    looked at the provider; the text encoders' are shared with `prompts`, so that a mixed-precision
    folder never meets IO binding between them and the UNet (a wrong picture without an error).
    """
    sessions: dict[str, Any] = {
        "unet_session": factory.open(folder, "unet").raw,
        "vae_decoder_session": factory.open(folder, "vae_decoder").raw,
        "text_encoder_session": prompts.session("text_encoder").raw,
        "text_encoder_2_session": prompts.session("text_encoder_2").raw,
    }
    if folder.has("vae_encoder"):
        sessions["vae_encoder_session"] = factory.open(folder, "vae_encoder").raw
    pipe: Any = ORTStableDiffusionXLPipeline.from_pretrained(
        str(folder.path),
        export=False,
        local_files_only=True,
        provider=factory.provider,
        use_io_binding=False,
        **sessions,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


class _Steps:
    """Counts steps, measures them, carries them to the watch, and stops the run."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._done = 0
        self._began = self._last = 0.0

    def begin(self) -> None:
        self._began = self._last = time.perf_counter()

    @property
    def seconds_a_step(self) -> float:
        return (self._last - self._began) / self._done if self._done else 0.0

    def on_step_end(
        self, pipe: Any, _step: int, _timestep: Any, _tensors: dict[str, Any]
    ) -> dict[str, Any]:
        """The `callback_on_step_end` of diffusers."""
        self._done += 1
        self._last = time.perf_counter()
        self._watch.on_step(self._done, int(pipe.num_timesteps), _no_preview)
        if self._watch.is_cancelled():
            raise Cancelled
        return {}


def _none() -> Image.Image | None:
    return None


_no_preview: Final[Callable[[], Image.Image | None]] = _none
"""The stock pipeline shows no preview: its latents are noisy and another model's colours are not
known. `own` has them."""
