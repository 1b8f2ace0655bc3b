# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportPrivateImportUsage=false
# optimum, diffusers and torch are only partly typed
"""Optimum's pipelines, unchanged: the reference that our own engine must equal.

`ORTStableDiffusionXLPipeline` draws from noise. With the same sessions, created for the first init
picture, `ORTStableDiffusionXLImg2ImgPipeline` starts from our encoder's latents: on its own it
samples them, and supports only VAEs of four channels.

Their `__call__` runs in the worker's thread with our prompt embeddings: their own tokenisation
reads `(bad)` literally and cuts at 77 tokens. Importing this module imports torch (which blocks the
interpreter for seconds): do it before the event loop starts.
"""

import time
from typing import Any

import diffusers
import torch
from optimum.onnxruntime import (
    ORTStableDiffusionXLImg2ImgPipeline,
    ORTStableDiffusionXLPipeline,
)
from PIL import Image

from pipeline.card import SCHEDULERS, Sampler
from pipeline.engine.protocol import DrawnPicture, ModelDescription, Watch, go_on
from pipeline.engine.samplers.distilled import TCD_ETA
from pipeline.engine.start import InitLatents, slerp
from pipeline.engine.stock_pipelines import open_sessions, pipeline_over
from pipeline.engine.vae.encoder import VaeEncoder
from pipeline.engine.vae.init_latents import InitPictures
from pipeline.errors import EkakiError, EngineError, InputError
from pipeline.model.folder import ModelFolder
from pipeline.prompt.drawn_texts import with_first_texts
from pipeline.request import ResolvedRequest
from pipeline.runtime.sessions import SessionFactory
from pipeline.runtime.trouble import brief, trouble_of
from pipeline.text.text_encoder import PromptEncoder


def make_scheduler(folder: ModelFolder, sampler: Sampler) -> Any:
    """A new diffusers scheduler for `sampler`: it keeps the state of one run."""
    scheduler = SCHEDULERS[sampler]
    kind = getattr(diffusers, scheduler.name)
    return kind.from_config(dict(folder.scheduler), **scheduler.changes)


def eta_of(sampler: Sampler) -> float:
    """`eta` for the pipelines, whose own default switches TCD's noise off."""
    return TCD_ETA if sampler is Sampler.TCD else 0.0


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
        self.model = description
        self._sessions = open_sessions(folder, factory, prompts)
        self._pipe: Any = pipeline_over(self._sessions, folder, ORTStableDiffusionXLPipeline)
        self._img2img: Any = None
        self._init_pictures = InitPictures(folder, lambda: self._encoder(factory))

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> DrawnPicture:
        """See `Engine.draw`. A prompt that changes is drawn with its first text.

        A cancel skips the decoder: it raises our own exception, because diffusers' `_interrupt`
        still decodes."""
        if self._pipe is None:
            raise EngineError("engine_closed")
        if request.loras:
            raise InputError("lora_no_branch", name=request.loras[0].name)
        request = request.of(index)
        if request.regions:
            raise InputError("regions_unavailable")
        request = with_first_texts(request)
        go_on(watch)
        steps = _Steps(watch)
        began = time.perf_counter()
        try:
            init = self._init_pictures.latents(request, init_image, mask_image)
            go_on(watch)
            image = self._run(request, index, init, steps)
            if init is not None and init.paste is not None:
                image = init.paste.over(image)
        except EkakiError:
            raise
        except Exception as error:  # whatever the libraries raise, the job failed
            trouble = trouble_of(str(error)) or "inference_failed"
            raise EngineError(trouble, problem=brief(str(error))) from error
        return DrawnPicture(
            image=image,
            seed=request.seed_of(index),
            elapsed_s=time.perf_counter() - began,
            seconds_a_step=steps.seconds_a_step,
        )

    def _run(
        self, request: ResolvedRequest, index: int, init: InitLatents | None, steps: "_Steps"
    ) -> Image.Image:
        embeds = self._prompts.encode_request(request)
        scheduler = make_scheduler(self._folder, request.sampler)
        generator = torch.Generator("cpu").manual_seed(request.seed_of(index))
        if init is None:
            pipe, start = self._from_noise(request, index, generator)
        else:
            pipe, start, noise = self._from_picture(request, index, generator, scheduler, init)
            if init.mask is not None:
                steps.kept = _Kept(init, noise)
        pipe.scheduler = scheduler
        steps.begin()
        with torch.inference_mode():
            result = pipe(
                prompt_embeds=torch.from_numpy(embeds.prompt_embeds),
                negative_prompt_embeds=torch.from_numpy(embeds.negative_prompt_embeds),
                pooled_prompt_embeds=torch.from_numpy(embeds.pooled_prompt_embeds),
                negative_pooled_prompt_embeds=torch.from_numpy(
                    embeds.negative_pooled_prompt_embeds
                ),
                num_inference_steps=request.num_inference_steps,
                guidance_scale=request.guidance_scale,
                generator=generator,
                eta=eta_of(request.sampler),
                callback_on_step_end=steps.on_step_end,
                **start,
            )
        image: Image.Image = result.images[0]
        return image.convert("RGB")

    def _from_noise(
        self, request: ResolvedRequest, index: int, generator: torch.Generator
    ) -> tuple[Any, dict[str, Any]]:
        """The pipeline and its arguments; except for variations it draws its own noise."""
        start: dict[str, Any] = {"width": request.width, "height": request.height}
        if request.variation_strength:
            start["latents"] = self._noise(request, index, generator)
        return self._pipe, start

    def _from_picture(
        self,
        request: ResolvedRequest,
        index: int,
        generator: torch.Generator,
        scheduler: Any,
        init: InitLatents,
    ) -> tuple[Any, dict[str, Any], torch.Tensor]:
        """The same for a picture, and its noise, which is added here as the pipeline would do
        it."""
        if self._img2img is None:
            self._img2img = pipeline_over(
                self._sessions, self._folder, ORTStableDiffusionXLImg2ImgPipeline
            )
        pipe, steps = self._img2img, request.num_inference_steps
        pipe.scheduler = scheduler
        scheduler.set_timesteps(steps)
        strength = min(1.0, (steps - init.first_step + 0.5) / steps)  # that number of steps again
        timesteps, _ = pipe.get_timesteps(steps, strength, "cpu")
        noise = self._noise(request, index, generator)
        if init.noise_alone:
            latents = noise * scheduler.init_noise_sigma
        else:
            latents = scheduler.add_noise(torch.from_numpy(init.latents), noise, timesteps[:1])
        # only the picture's type matters: the latents are already there
        unused = torch.zeros(1, 3, request.height, request.width)
        return pipe, {"image": unused, "strength": strength, "latents": latents}, noise

    def _noise(
        self, request: ResolvedRequest, index: int, generator: torch.Generator
    ) -> torch.Tensor:
        factor = self._folder.vae_scale_factor
        channels = self._folder.latent_channels
        shape = (1, channels, request.height // factor, request.width // factor)
        noise = torch.randn(shape, generator=generator)
        if not request.variation_strength:
            return noise
        other = torch.Generator("cpu").manual_seed(request.variation_seed_of(index))
        varied = torch.randn(shape, generator=other).numpy()
        return torch.from_numpy(slerp(noise.numpy(), varied, request.variation_strength))

    def _encoder(self, factory: SessionFactory) -> VaeEncoder:
        session = self._sessions.get("vae_encoder")
        if session is None:
            raise EngineError("img2img_unavailable")
        return VaeEncoder.over(self._folder, factory, session)

    def close(self) -> None:
        self._pipe = self._img2img = None
        self._sessions = {}
        self._init_pictures.close()
        self._prompts.close()


class _Kept:
    """Restores the part of a picture that stays after each step, as diffusers' inpainting pipeline
    does: that one itself supports only VAEs of four channels."""

    def __init__(self, init: InitLatents, noise: torch.Tensor) -> None:
        self._latents = torch.from_numpy(init.latents)
        self._mask = torch.from_numpy(init.mask)
        self._noise = noise

    def restored(self, pipe: Any, latents: torch.Tensor, done: int) -> torch.Tensor:
        """`latents` after `done` steps of the run."""
        kept = self._latents
        timesteps = pipe.scheduler.timesteps[-pipe.num_timesteps :]
        if done < pipe.num_timesteps:
            kept = pipe.scheduler.add_noise(kept, self._noise, timesteps[done : done + 1])
        return (1 - self._mask) * kept + self._mask * latents


class _Steps:
    """Counts and measures steps, reports them to the watch, and stops the run. `kept` is what stays
    of a picture."""

    kept: _Kept | None = None

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
        self, pipe: Any, _step: int, _timestep: Any, tensors: dict[str, Any]
    ) -> dict[str, Any]:
        """The `callback_on_step_end` of diffusers."""
        self._done += 1
        self._last = time.perf_counter()
        # No preview: these latents are noisy, and the colours of other models are unknown.
        self._watch.on_step(self._done, int(pipe.num_timesteps), lambda: None)
        go_on(self._watch)
        if self.kept is None:
            return {}
        return {"latents": self.kept.restored(pipe, tensors["latents"], self._done)}
