"""Rows to fill a database with."""

from typing import Any

from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from pipeline.card import QualityPreset, Sampler
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest


def a_request(request: GenerationRequest, *, init_picture: str = "") -> ResolvedRequest:
    return ResolvedRequest(
        prompt=request.prompt,
        negative_prompt="",
        width=832,
        height=1216,
        preset=QualityPreset.NONE,
        rating=Rating.SAFE,
        sampler=Sampler.EULER_A,
        num_inference_steps=3,
        guidance_scale=7.0,
        seed=1,
        count=1,
        private=False,
        original=request,
        init_picture=init_picture,
    )


def a_job(
    job_id: str,
    *,
    user_id: int = 1,
    prompt: str = "1girl",
    accepted_at: float = 10.0,
    init_picture: str = "",
    **request: Any,
) -> JobRecord:
    """A waiting job."""
    return JobRecord(
        id=job_id,
        user_id=user_id,
        guild_id=10,
        channel_id=100,
        private=False,
        rating=Rating.SAFE,
        request=a_request(GenerationRequest(prompt=prompt, **request), init_picture=init_picture),
        weight=1,
        locale="en",
        state="queued",
        error=None,
        delivery="pending",
        application_id=5,
        interaction_token="token",
        token_expires_at=900.0,
        message_id=None,
        accepted_at=accepted_at,
        started_at=None,
        ended_at=None,
    )


def a_picture(
    picture_id: str, job_id: str, *, position: int = 0, content_hash: str = "aa"
) -> PictureRecord:
    return PictureRecord(
        id=picture_id,
        job_id=job_id,
        position=position,
        seed=1,
        width=832,
        height=1216,
        rating=Rating.SAFE,
        content_hash=content_hash,
        size_bytes=5,
        model_name="Fake",
        model_repository="fake",
        model_revision="0",
        model_hash="fa4e000000",
        precision="fp32",
        provider="CPUExecutionProvider",
        engine="fake",
        elapsed_s=1.0,
        made_at=11.0,
    )
