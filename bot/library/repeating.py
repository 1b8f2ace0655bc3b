"""Requests that repeat an earlier one: drawn anew, from its picture, or finished. Pure."""

from dataclasses import replace
from typing import Final

from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.stored import StoredPicture
from pipeline.card import Speed
from pipeline.errors import RefusedError
from pipeline.prompt.wildcards.request import with_first
from pipeline.request import GenerationRequest, ResolvedRequest, decided

FINISH_STRENGTH: Final = 0.5
"""The img2img strength with which a draft is finished: what is where stays, all details are drawn
again."""


def may_finish(job: JobRecord) -> bool:
    """Whether its pictures are drafts that can be finished. One that was upscaled is too large:
    its draft can. Of a comparison each picture has a speed of its own."""
    request = job.request
    return request.speed is Speed.DRAFT and request.upscale_factor == 1 and not request.compared


def demand_readable(job: JobRecord) -> None:
    if job.damaged:
        raise RefusedError("job_unknown")


def settled(job: JobRecord, picture: PictureRecord | None = None) -> GenerationRequest:
    """The request with every decided field filled in, so that it gives the same result for another
    person, in another place and after an upgrade. `picture`: with what was chosen for it in place
    of choices. RefusedError `job_unknown`: it can't be read any more."""
    demand_readable(job)
    if job.request.compared and picture is None:
        return _compared_again(job.request)
    request = job.request if picture is None else job.request.of(picture.position)
    typed = request.original
    if picture is not None and not job.request.chosen:  # perhaps of a version that did not choose
        typed = with_first(typed)
    larger = request.upscale_factor > 1
    return replace(
        typed,
        aspect=typed.aspect if larger else f"{request.width}x{request.height}",
        **decided(request),
    )


def _compared_again(request: ResolvedRequest) -> GenerationRequest:
    """Each picture's own values, such as the steps of a draft, stay to be decided."""
    return replace(
        request.original,
        aspect=f"{request.width}x{request.height}",
        rating=request.rating,
        seed=request.seed,
        count=None,
    )


def from_picture(stored: StoredPicture) -> GenerationRequest:
    """One picture that starts from this one, with another seed. It keeps the rating, so that it
    can't be shown where this one can't."""
    same = replace(
        settled(stored.job, stored.picture),
        rating=max(stored.job.request.rating, stored.picture.rating),
    )
    larger = stored.job.request.upscale_factor > 1
    return replace(
        same,
        aspect=None if larger else same.aspect,  # None: the bucket nearest to the picture
        init_picture=stored.picture.content_hash,
        strength=None,
        variation_seed=None,
        variation_strength=None,
        mask=None,
        extend=None,
        upscale=False,
        only_faces=False,
        seed=None,
        count=1,
        source=stored.job.id,
    )


def finish(stored: StoredPicture) -> GenerationRequest:
    """The draft drawn in full, from its picture: the same prompt, seed and LoRAs, but not the one
    for drafts and its settings. RefusedError `no_draft`: it is none."""
    if not may_finish(stored.job):
        raise RefusedError("no_draft")
    return replace(
        from_picture(stored),
        speed=Speed.FULL,
        strength=FINISH_STRENGTH,
        seed=stored.picture.seed,
        num_inference_steps=None,
        guidance_scale=None,
        sampler=None,
    )
