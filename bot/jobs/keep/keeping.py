"""A drawn picture is looked at, encoded and entered, or withheld: nothing is told before."""

from dataclasses import replace
from functools import partial

from PIL.Image import Image

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.common.work_thread import in_a_thread
from bot.jobs.keep.finish import Kept
from bot.jobs.keep.output_check import OutputCheck
from bot.jobs.keep.store import JobStore
from bot.safety.output import WithheldReason
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.withheld import WithheldRecord
from data.store.ids import new_id
from pipeline.engine.protocol import DrawnPicture, ModelDescription
from pipeline.metadata.a1111_text import parameters_text
from pipeline.metadata.png import encode_png


class Keeping:
    """`check` looks at every picture before it is stored; None: nothing does."""

    def __init__(
        self, *, store: JobStore, clock: Clock, version: str, check: OutputCheck | None
    ) -> None:
        self._store = store
        self._clock = clock
        self._version = version
        self._check = check

    async def start(self) -> None:
        """Load what checks. ModelError: the bot must not go on without it."""
        if self._check is not None:
            await self._check.start()

    async def close(self) -> None:
        """Free what checks. Idempotent."""
        if self._check is not None:
            await self._check.close()

    async def keep(
        self, job: JobRecord, index: int, drawn: DrawnPicture, model: ModelDescription
    ) -> Kept:
        """Enter picture `index` of `job`, drawn with `model`."""
        record = self._picture(job, index, drawn, model)
        text = parameters_text(
            job.request,
            index=index,
            model_name=record.model_name,
            model_hash=record.model_hash,
            version=self._version,
        )
        return await self._checked(job, drawn, record, text)

    async def may_show(self, job: JobRecord, image: Image) -> bool:
        """Whether the place of `job` may see `image`, which is never kept."""
        if self._check is None:
            return True
        ceiling = await self._store.ceiling_now(job)
        return (await self._check.judge(image, ceiling=ceiling)).verdict.reason is None

    async def _checked(
        self, job: JobRecord, drawn: DrawnPicture, picture: PictureRecord, text: str
    ) -> Kept:
        if self._check is None:
            png = await in_a_thread(partial(encode_png, drawn.image, text))
            return await self._store.keep_picture(picture, png)
        ceiling = await self._store.ceiling_now(job)
        judgement = await self._check.judge(drawn.image, ceiling=ceiling)
        hit("picture_checked")
        seen, reason = judgement.seen, judgement.verdict.reason
        if seen is not None:
            picture = replace(picture, rating=max(picture.rating, seen.rating))
        if reason is None:
            png = await in_a_thread(partial(encode_png, drawn.image, text))
            return await self._store.keep_picture(picture, png, seen=seen)
        record = WithheldRecord(
            id=picture.id,
            job_id=picture.job_id,
            position=picture.position,
            reason=reason.value,
            ceiling=ceiling,
            seen=seen,
            picture=None,
            state="deleted",
            withheld_at=picture.made_at,
        )
        for_review = reason is WithheldReason.RATING
        if not for_review or not await self._store.keeps_for_review(job.guild_id):
            return await self._store.withhold(record, None, hits=tuple(judgement.verdict.hits))
        png = await in_a_thread(partial(encode_png, drawn.image, text))
        record = replace(record, picture=picture, state="waiting")
        return await self._store.withhold(record, png, hits=())

    def _picture(
        self, job: JobRecord, index: int, drawn: DrawnPicture, model: ModelDescription
    ) -> PictureRecord:
        return PictureRecord(
            id=new_id(),
            job_id=job.id,
            position=index,
            seed=drawn.seed,
            width=drawn.image.width,
            height=drawn.image.height,
            rating=job.rating,
            content_hash="",
            size_bytes=0,
            model_name=model.name,
            model_repository=model.repository,
            model_revision=model.revision,
            model_hash=model.hash,
            precision=model.precision,
            provider=model.provider,
            engine=model.engine,
            elapsed_s=drawn.elapsed_s,
            made_at=self._clock.time(),
        )
