"""Requests for small pictures and our own engine over a model folder, for its tests."""

import dataclasses
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image

from pipeline.card import QualityPreset, Sampler
from pipeline.engine.own import OwnEngine
from pipeline.engine.protocol import ModelDescription
from pipeline.engine.rows import Floats
from pipeline.model.folder import ModelFolder
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.text_encoder import PromptEncoder

_REQUEST = ResolvedRequest(
    prompt="best quality girl, (sky:1.3)",
    negative_prompt="bad",
    width=64,
    height=96,
    preset=next(iter(QualityPreset)),
    rating=Rating.SAFE,
    sampler=Sampler.EULER_A,
    num_inference_steps=4,
    guidance_scale=7.0,
    seed=42,
    count=1,
    private=False,
    original=GenerationRequest(),
)


def make_request(**changes: Any) -> ResolvedRequest:
    return dataclasses.replace(_REQUEST, **changes)


def open_folder(path: Path, **scheduler: object) -> ModelFolder:
    """The folder; `scheduler` changes entries of its scheduler's config."""
    folder = ModelFolder.open(path)
    return dataclasses.replace(
        folder, scheduler=MappingProxyType({**folder.scheduler, **scheduler})
    )


def describe(folder: ModelFolder) -> ModelDescription:
    return ModelDescription(
        name=folder.name,
        repository="",
        revision="",
        hash=folder.content_hash,
        precision="fp32",
        provider="CPUExecutionProvider",
        engine="own",
        notice=folder.notice,
        size_multiple=folder.size_multiple,
        vae_scale_factor=folder.vae_scale_factor,
        loras=folder.loras,
        balanced=folder.shallow_file is not None,
    )


def open_own(
    path: Path, *, loras: Path | None = None, at_once: int = 1, **scheduler: object
) -> OwnEngine:
    folder = open_folder(path, **scheduler)
    factory = SessionFactory(provider="cpu", threads=1)
    prompts = PromptEncoder(folder, factory)
    return OwnEngine(
        folder,
        factory,
        prompts=prompts,
        description=describe(folder),
        loras=loras,
        at_once=at_once,
    )


class Quiet:
    """A watch that never stops."""

    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: object) -> None:
        pass


def latents_drawn(
    engine: OwnEngine, request: ResolvedRequest, image: Image.Image | None = None
) -> Floats:
    """All steps of a picture, begun from `image` if there is one: its latents."""
    row = engine.begin(request, 0, init_image=image)
    while not row.done:
        engine.step([row])
    return row.latents
