"""A drawn picture is checked, encoded and stored, or withheld, before anything is published."""

from functools import partial

from PIL.Image import Image

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.common.work_thread import in_a_thread
from bot.jobs.keep.finish import Kept
from bot.jobs.keep.output_check import Look, OutputCheck
from bot.jobs.keep.store import JobStore
from bot.safety.output import WithheldReason
from data.files.picture_files import content_hash_of
from data.jobs.checks import CheckRecord
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.withheld import WithheldRecord
from data.store.ids import new_id
from pipeline.engine.protocol import DrawnPicture, ModelDescription
from pipeline.errors import RefusedError
from pipeline.metadata.a1111_text import parameters_text
from pipeline.metadata.png import encode_png
from pipeline.metadata.provenance import XMP
from pipeline.rating import Rating


class Keeping:
    """`check` examines every picture before it is stored; None: pictures are not checked."""

    def __init__(
        self, *, store: JobStore, clock: Clock, version: str, check: OutputCheck | None
    ) -> None:
        self._store = store
        self._clock = clock
        self._version = version
        self._check = check

    async def start(self) -> None:
        """Load the check. ModelError: the bot must not continue without it."""
        if self._check is not None:
            await self._check.start()

    async def close(self) -> None:
        """Free the check. Idempotent."""
        if self._check is not None:
            await self._check.close()

    async def may_show(self, job: JobRecord, image: Image) -> bool:
        """Whether `image`, which is never stored, may be shown in the place of `job`."""
        if self._check is None:
            return True
        ceiling = await self._store.ceiling_now(job)
        return (await self._check.judge(image, ceiling=ceiling)).verdict.reason is None

    async def look(self, image: Image, *, ceiling: Rating) -> Look:
        """What the tagger sees in any picture. RefusedError `describe_off`: there is no tagger.
        EngineError if it fails."""
        if self._check is None:
            raise RefusedError("describe_off")
        return await self._check.look(image, ceiling=ceiling)

    async def keep(
        self, job: JobRecord, index: int, drawn: DrawnPicture, model: ModelDescription
    ) -> Kept:
        """Store picture `index` of `job`, drawn with `model`."""
        made_at = self._clock.time()
        if self._check is None:
            picture, png = await self._picture(job, index, drawn, model, seen=None, made_at=made_at)
            return await self._store.keep_picture(picture, png)
        ceiling = await self._store.ceiling_now(job)
        judgement = await self._check.judge(drawn.image, ceiling=ceiling)
        hit("picture_checked")
        seen, reason = judgement.seen, judgement.verdict.reason
        if reason is None:
            picture, png = await self._picture(job, index, drawn, model, seen=seen, made_at=made_at)
            return await self._store.keep_picture(picture, png, seen=seen)
        picture, png = None, None
        if reason is WithheldReason.RATING and await self._store.keeps_for_review(job.guild_id):
            picture, png = await self._picture(job, index, drawn, model, seen=seen, made_at=made_at)
        record = WithheldRecord(
            id=new_id() if picture is None else picture.id,
            job_id=job.id,
            position=index,
            reason=reason.value,
            ceiling=ceiling,
            seen=seen,
            picture=picture,
            state="deleted" if picture is None else "waiting",
            withheld_at=made_at,
        )
        return await self._store.withhold(record, png, hits=tuple(judgement.verdict.hits))

    async def _picture(
        self,
        job: JobRecord,
        index: int,
        drawn: DrawnPicture,
        model: ModelDescription,
        *,
        seen: CheckRecord | None,
        made_at: float,
    ) -> tuple[PictureRecord, bytes]:
        """The row of the picture, and its file."""
        text = parameters_text(
            job.request.single(index),
            index=job.request.index_in(index),
            model_name=model.name,
            model_hash=model.hash,
            version=self._version,
        )
        png, content_hash = await in_a_thread(partial(_encode, drawn.image, text))
        record = PictureRecord(
            id=new_id(),
            job_id=job.id,
            position=index,
            seed=drawn.seed,
            width=drawn.image.width,
            height=drawn.image.height,
            rating=job.rating if seen is None else max(job.rating, seen.rating),
            content_hash=content_hash,
            size_bytes=len(png),
            model_name=model.name,
            model_repository=model.repository,
            model_revision=model.revision,
            model_hash=model.hash,
            precision=", ".join(filter(None, (model.precision, drawn.decoder))),
            provider=model.provider,
            engine=model.engine,
            elapsed_s=drawn.elapsed_s,
            made_at=made_at,
            faces=drawn.faces,
        )
        return record, png


def _encode(image: Image, text: str) -> tuple[bytes, str]:
    """The PNG and its hash."""
    png = encode_png(image, text, xmp=XMP)
    return png, content_hash_of(png)
