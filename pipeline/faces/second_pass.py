"""Any engine, with a second pass: small faces of its pictures are drawn again, larger.

A square around each face is enlarged to the size that the model draws best, redrawn there as a part
of a picture is (`ResolvedRequest.mask`), made smaller again and blended into the picture. Outside
of the blend no pixel changes.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from pipeline.engine.protocol import (
    DrawnPicture,
    Engine,
    FaceWatch,
    ModelDescription,
    Watch,
    go_on,
)
from pipeline.engine.start import Floats, Paste
from pipeline.engine.vae.init_picture import cover
from pipeline.errors import EngineError, InputError
from pipeline.faces.found import FaceFinder
from pipeline.faces.plan import Patch, patches
from pipeline.regions import Region, are_stacked
from pipeline.request import ResolvedRequest
from pipeline.rework import FACE_SIDE, FACE_STRENGTH, Size

_GIVEN: Final = "face"  # in place of the hashes of files: picture and mask are in memory
_SEED_STEP: Final = 1_000_003  # the faces of a job's pictures, whose seeds count up, all differ


class SecondPass:
    """See `Engine`; adds what `ResolvedRequest.faces` asks for, or refuses it without a finder."""

    def __init__(self, engine: Engine, finder: FaceFinder | None) -> None:
        self.engine = engine
        self._finder = finder
        self.model: ModelDescription = replace(engine.model, faces=finder is not None)

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> DrawnPicture:
        """See `Engine.draw`. InputError `faces_none` without a finder, `faces_not_found` if nothing
        but faces was asked for and there is no small one."""
        if not request.faces:
            return self.engine.draw(
                request, index, watch, init_image=init_image, mask_image=mask_image
            )
        if self._finder is None:
            raise InputError("faces_none")
        if request.only_faces:
            drawn = _as_it_is(request, index, init_image)
        else:
            drawn = self.engine.draw(request, index, watch, init_image=init_image)
        go_on(watch)
        began = time.perf_counter()
        found = self._patches(drawn.image, self._finder)
        if request.only_faces and not found:
            raise InputError("faces_not_found")
        drawn = self._with_faces(drawn, request, index, watch, found)
        spent_s = time.perf_counter() - began
        return replace(
            drawn, elapsed_s=drawn.elapsed_s + spent_s, faces=len(found), faces_s=spent_s
        )

    def close(self) -> None:
        """See `Engine.close`."""
        self.engine.close()

    @property
    def _side(self) -> int:
        """Pixels of the enlarged square."""
        return FACE_SIDE // self.model.size_multiple * self.model.size_multiple

    def _patches(self, image: Image.Image, finder: FaceFinder) -> list[Patch]:
        size = Size(width=image.width, height=image.height)
        return patches(finder.find(image), size, native=self._side)

    def _with_faces(
        self,
        drawn: DrawnPicture,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        found: list[Patch],
    ) -> DrawnPicture:
        image, step_s = drawn.image, drawn.seconds_a_step
        for number, patch in enumerate(found):
            go_on(watch)
            if isinstance(watch, FaceWatch):
                watch.on_face(number + 1, len(found))
            square = _cut(image, patch)
            one = face_request(request, index, number, patch, image=image, side=self._side)
            face = self.engine.draw(
                one,
                0,
                _Within(watch, image, patch),
                init_image=square.resize((self._side, self._side), Image.Resampling.LANCZOS),
                mask_image=_mask(patch, self._side),
            )
            image = blended(image, face.image, patch)
            step_s = face.seconds_a_step if request.only_faces else step_s
        return replace(drawn, image=image, seconds_a_step=step_s)


def face_request(
    request: ResolvedRequest,
    index: int,
    number: int,
    patch: Patch,
    *,
    image: Image.Image,
    side: int,
) -> ResolvedRequest:
    """What face `number` (from 0) of picture `index` is drawn from: the same prompt, or that of the
    region in which it lies, and the same LoRAs."""
    one = request.of(index)
    prompt = _prompt_at(one, patch, width=image.width, height=image.height)
    return replace(
        one,
        prompt=prompt,
        regions=(),
        width=side,
        height=side,
        seed=(request.seed_of(index) + _SEED_STEP * (number + 1)) % 2**32,
        count=1,
        init_picture=_GIVEN,
        mask=_GIVEN,
        extend=None,
        strength=FACE_STRENGTH,
        variation_strength=0.0,
        upscale_factor=1.0,
        faces=False,
        only_faces=False,
    )


def blended(image: Image.Image, face: Image.Image, patch: Patch) -> Image.Image:
    """`image` with `face`, a drawing of the enlarged square, in its place."""
    square = _cut(image, patch)
    small = face.resize(square.size, Image.Resampling.LANCZOS)
    changed = Paste(image=square, weights=weights_of(patch)).over(small)
    found = image.copy()
    found.paste(changed, (patch.square.left, patch.square.top))
    return found


def weights_of(patch: Patch) -> Floats:
    """The share of the new face, (side, side): rises from the edges of `changed` inward over its
    feather, and is 0 outside. The edge of the picture is one, too."""
    box = patch.changed
    across = _rise(patch.side, box.left, box.right, patch.feather)
    down = _rise(patch.side, box.top, box.bottom, patch.feather)
    return np.minimum(down[:, np.newaxis], across)


def _rise(side: int, low: int, high: int, feather: int) -> Floats:
    at = np.arange(side, dtype=np.float32)
    inward = np.minimum(at - np.float32(low - 1), np.float32(high) - at)
    return np.clip(inward / np.float32(feather), 0, 1).astype(np.float32)


def _cut(image: Image.Image, patch: Patch) -> Image.Image:
    square = patch.square
    return image.crop((square.left, square.top, square.right, square.bottom))


def _mask(patch: Patch, side: int) -> Image.Image:
    box = patch.enlarged(side)
    mask = Image.new("L", (side, side), 0)
    mask.paste(255, (box.left, box.top, box.right, box.bottom))
    return mask


def _prompt_at(request: ResolvedRequest, patch: Patch, *, width: int, height: int) -> str:
    """The prompt of the region in which the middle of `patch` lies; regions have equal shares."""
    regions: tuple[Region, ...] = request.regions
    if not regions:
        return request.prompt
    box = patch.square
    x = (2 * box.left + patch.changed.left + patch.changed.right) / (2 * width)
    y = (2 * box.top + patch.changed.top + patch.changed.bottom) / (2 * height)
    share = y if are_stacked(regions) else x
    return regions[min(len(regions) - 1, int(share * len(regions)))].prompt


def _as_it_is(request: ResolvedRequest, index: int, image: Image.Image | None) -> DrawnPicture:
    if image is None:
        raise EngineError("init_image_missing")
    return DrawnPicture(
        image=cover(image, width=request.width, height=request.height),
        seed=request.seed_of(index),
        elapsed_s=0.0,
        seconds_a_step=0.0,
    )


class _Within:
    """Shows the previews of a face where it is in the picture."""

    def __init__(self, watch: Watch, image: Image.Image, patch: Patch) -> None:
        self._watch = watch
        self._image = image
        self._patch = patch

    def is_cancelled(self) -> bool:
        return self._watch.is_cancelled()

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        def whole() -> Image.Image | None:
            face = preview()
            return None if face is None else blended(self._image, face, self._patch)

        self._watch.on_step(step, steps, whole)
