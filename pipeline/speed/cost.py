"""What a picture counts towards limits: a whole one, or a part of one at a lower speed. Pure.

A draft or a balanced picture counts as the share of the operations of a usual picture of its size
that it takes:

    (rows x steps x UNet + decoder) / (2 x 28 x UNet + decoder)

where `rows` is 2 with guidance and 1 without, a step that reuses deep features counts as the part
of a whole one that it is, and UNet and decoder are the operations of SDXL's
(`pipeline.speed.work`). It is rounded up to twentieths, since people read it, and never above 1.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from pipeline.card import DEFAULT_STEPS, Speed
from pipeline.engine.savings import BALANCED
from pipeline.prompt.drawn_texts import texts_of
from pipeline.request import ResolvedRequest
from pipeline.rework import FACE_SIDE, FACE_STRENGTH, MAX_FACES
from pipeline.speed.work import sdxl_work

WHOLE: Final = 100
"""Hundredths of a picture, the unit of costs: a picture at full speed counts as one."""
SHALLOW_SHARE: Final = 0.067
"""The operations of SDXL's shallow graph (`pipeline.onnx.shallow`) at 1024x1024, of those of the
whole one; computed from the shapes of its layers."""

_GRAIN: Final = 5


def steps_of(request: ResolvedRequest) -> int:
    """The steps that are run: img2img skips the first ones (diffusers' rule)."""
    return max(
        1, min(int(request.num_inference_steps * request.strength), request.num_inference_steps)
    )


def whole_steps(steps: int, speed: Speed, texts: Sequence[object] = ()) -> float:
    """`steps` in whole ones: one that reuses deep features is a part of one. `texts`: what each
    draws, if that changes."""
    if speed is not Speed.BALANCED:
        return steps
    return steps - BALANCED.reused(steps, texts) * (1 - SHALLOW_SHARE)


def row_steps_of(request: ResolvedRequest) -> float:
    """The rows that each picture of `request` runs, in those of whole steps; not of a
    comparison."""
    texts = texts_of(request) if request.speed is Speed.BALANCED else ()
    return request.copies * whole_steps(steps_of(request), request.speed, texts)


def rows_of(guidance_scale: float) -> int:
    """The rows of each step: with guidance the negative prompt is one, too."""
    return 2 if guidance_scale > 1 else 1


def picture_cost(request: ResolvedRequest) -> int:
    """What each picture of `request` counts, in hundredths of a picture (1 to 100); of a comparison
    the mean."""
    if request.compared:
        return math.ceil(sum(map(picture_cost, request.compared)) / len(request.compared))
    if request.only_faces:
        return face_cost(request)
    if request.speed is Speed.FULL:
        return WHOLE
    return cost_of_work(row_steps=row_steps_of(request), width=request.width, height=request.height)


def face_cost(request: ResolvedRequest) -> int:
    """What each face of a picture counts that is drawn again, in hundredths of a picture."""
    return cost_of_work(row_steps=face_row_steps(request), width=FACE_SIDE, height=FACE_SIDE)


def face_row_steps(request: ResolvedRequest) -> float:
    """Rows x whole steps of one face."""
    steps = steps_of(replace(request, strength=FACE_STRENGTH))
    return rows_of(request.guidance_scale) * whole_steps(steps, request.speed)


def held_for_faces(request: ResolvedRequest) -> int:
    """What is taken for the faces of each picture before anybody knows how many there are: that of
    MAX_FACES, in hundredths of a picture. Of a request for faces alone the first one is the
    picture."""
    if request.compared:
        return math.ceil(sum(map(held_for_faces, request.compared)) / len(request.compared))
    if not request.faces:
        return 0
    return (MAX_FACES - request.only_faces) * face_cost(request)


def used_for_faces(request: ResolvedRequest, faces: Sequence[tuple[int, int]]) -> int:
    """The same once they are drawn, as a mean over the pictures: of each its position and how many
    faces."""
    ones = [(request.single(position), count) for position, count in faces]
    used = [(count - one.only_faces) * face_cost(one) for one, count in ones if one.faces]
    return math.ceil(sum(used) / len(faces)) if used else 0


@lru_cache(maxsize=256)
def cost_of_work(*, row_steps: float, width: int, height: int) -> int:
    """What a picture of so many rows x steps and pixels counts, in hundredths of a picture."""
    work = sdxl_work(width=width, height=height)
    unet, decoder = work.unet.total, work.decoder.total
    share = (row_steps * unet + decoder) / (2 * DEFAULT_STEPS * unet + decoder)
    return min(WHOLE, math.ceil(share * WHOLE / _GRAIN - 1e-9) * _GRAIN)
