# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to optimum and torch, whose types are partly missing)
"""The exported model drawn with optimum's own pipeline, as the bot's `stock` engine does."""

from pathlib import Path
from typing import Any

import onnxruntime
import torch
from PIL import Image

from pipeline.card import PRESETS, QualityPreset
from pipeline.onnx.shallow import DEEP

PRESET = PRESETS[QualityPreset.STANDARD_31]
SUFFIX = f", {PRESET.positive}"


class Painter:
    """One loaded model. `euler`: draws with Euler, not with its own Euler a."""

    def __init__(self, folder: Path, *, threads: int = 1, euler: bool = False) -> None:
        from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
        from optimum.onnxruntime import ORTStableDiffusionXLPipeline

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._pipeline: Any = ORTStableDiffusionXLPipeline.from_pretrained(
            folder,
            provider="CPUExecutionProvider",
            session_options=options,
            local_files_only=True,
        )
        # optimum takes the first output that is left for the prediction
        self._pipeline.unet.output_names.pop(DEEP, None)
        self._pipeline.set_progress_bar_config(disable=True)
        if euler:
            config = self._pipeline.scheduler.config
            self._pipeline.scheduler = EulerDiscreteScheduler.from_config(config)

    def draw(
        self,
        prompt: str,
        *,
        seed: int,
        width: int = 1024,
        height: int = 1024,
        guidance_scale: float = 7.0,
        negative_prompt: str = PRESET.negative,
        suffix: str = SUFFIX,
        num_inference_steps: int = 28,
    ) -> Image.Image:
        """One picture, with the bot's default suffix and negative prompt."""
        return self._pipeline(
            prompt + suffix,
            negative_prompt=negative_prompt,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            generator=torch.Generator().manual_seed(seed),
        ).images[0]
