"""An engine for tests of everything else: deterministic pictures, held and failed at will."""

import hashlib
import threading
import time
from collections.abc import Callable

from PIL import Image

from pipeline.engine.protocol import DrawnPicture, ModelDescription, Watch
from pipeline.errors import Cancelled, EngineError
from pipeline.request import ResolvedRequest

FAKE_MODEL = ModelDescription(
    name="Fake",
    repository="fake",
    revision="0",
    hash="fa4e000000",
    precision="fp32",
    provider="CPUExecutionProvider",
    engine="fake",
    notice="",
    size_multiple=8,
    vae_scale_factor=8,
    loras=True,
)


class FakeEngine:
    """Draws a flat picture whose colour depends on prompt, seed and variation.

    Begun from a picture, that one's mean colour is mixed in by 1 - strength; outside of a mask it
    stays.

    `scale` divides the size, so that tests need not move megabytes. With `hold()` drawing stops
    before the next step until `release()`. `fail_at` maps a step (from 1) to what it raises;
    `step_s` is slept in each step. `drawn` lists (prompt, seed) of finished pictures.
    """

    def __init__(
        self,
        *,
        scale: int = 16,
        step_s: float = 0.0,
        model: ModelDescription = FAKE_MODEL,
        fail_at: Callable[[ResolvedRequest, int], Exception | None] | None = None,
    ) -> None:
        self._scale = scale
        self._step_s = step_s
        self._model = model
        self._fail_at = fail_at
        self._go = threading.Event()
        self._go.set()
        self.drawn: list[tuple[str, int]] = []
        self.started = threading.Semaphore(0)
        self.closed = False

    @property
    def model(self) -> ModelDescription:
        return self._model

    def hold(self) -> None:
        """Stop before the next step."""
        self._go.clear()

    def release(self) -> None:
        """Go on."""
        self._go.set()

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> DrawnPicture:
        began = time.perf_counter()
        if request.init_picture and init_image is None:
            raise EngineError("init_image_missing")
        if request.mask and mask_image is None:
            raise EngineError("mask_missing")
        self.started.release()
        image = self.picture(request, index, init_image if request.init_picture else None)
        if request.mask and init_image is not None and mask_image is not None:
            kept = init_image.convert("RGB").resize(image.size)
            image = Image.composite(image, kept, mask_image.convert("L").resize(image.size))
        steps = request.num_inference_steps
        for step in range(1, steps + 1):
            self._wait(watch)
            error = self._fail_at(request, step) if self._fail_at else None
            if error is not None:
                raise error
            time.sleep(self._step_s)
            watch.on_step(step, steps, image.copy)
        self._wait(watch)
        elapsed_s = time.perf_counter() - began
        self.drawn.append((request.of(index).prompt, request.seed_of(index)))
        return DrawnPicture(
            image=image,
            seed=request.seed_of(index),
            elapsed_s=elapsed_s,
            seconds_a_step=elapsed_s / steps,
        )

    def close(self) -> None:
        self.closed = True

    def _wait(self, watch: Watch) -> None:
        while not self._go.wait(0.005):
            if watch.is_cancelled():
                raise Cancelled
        if watch.is_cancelled():
            raise Cancelled

    def picture(
        self, request: ResolvedRequest, index: int, init_image: Image.Image | None
    ) -> Image.Image:
        """What is drawn."""
        said = request.of(index)
        text = f"{said.prompt}|{said.negative_prompt}|{request.seed_of(index)}"
        if request.variation_strength:
            text += f"|{request.variation_seed_of(index)}|{request.variation_strength}"
        colour = tuple(hashlib.sha256(text.encode()).digest()[:3])
        width, height = request.width // self._scale, request.height // self._scale
        drawn = Image.new("RGB", (width, height), colour)
        if init_image is None:
            return drawn
        mean = init_image.convert("RGB").resize((1, 1), Image.Resampling.BOX)
        return Image.blend(mean.resize((width, height)), drawn, request.strength)
