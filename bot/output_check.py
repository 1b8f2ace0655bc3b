"""The output tagger in its own thread: finished pictures are looked at before anybody sees them.

On the processor and at low priority, so that it takes nothing from what answers people. It fails
closed: a picture that can't be looked at is withheld.
"""

# ruff: noqa: BLE001 - whatever fails, a picture that was not looked at must not pass

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL.Image import Image

from bot.safety.output import Verdict, WithheldReason, judge, minor_coded
from bot.worker import give_way_to_the_loop
from data.checks import CheckRecord
from pipeline.rating import Rating
from pipeline.tagger.tagging import Tagging

if TYPE_CHECKING:
    from pipeline.tagger.tagger import Tagger

_log = logging.getLogger(__name__)

THREAD_NAME: Final = "tagger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`seen` is None if the tagger could not look."""

    verdict: Verdict
    seen: CheckRecord | None


class OutputCheck:
    """`load` is called in the thread. Start it before the first picture; `judge` waits for it."""

    def __init__(self, load: "Callable[[], Tagger]") -> None:
        self._load = load
        self._executor = ThreadPoolExecutor(
            1, thread_name_prefix=THREAD_NAME, initializer=give_way_to_the_loop
        )
        self._tagger: Tagger | None = None
        self._minor: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Load the tagger. ModelError: it can't be used, and the bot must not go on without."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._open)

    async def judge(self, image: Image, *, ceiling: Rating) -> Judgement:
        """Look at a picture. Never raises: what can't be looked at is withheld."""
        loop = asyncio.get_running_loop()
        try:
            tagging = await loop.run_in_executor(self._executor, self._tag, image)
        except Exception as error:
            _log.error("A picture could not be checked and is withheld: %s", error, exc_info=error)
            return Judgement(verdict=Verdict(reason=WithheldReason.UNCHECKED), seen=None)
        assert self._tagger is not None
        return Judgement(
            verdict=judge(tagging, ceiling=ceiling, minor=self._minor),
            seen=CheckRecord(
                tagger=self._tagger.name,
                rating=tagging.rating,
                ratings=tagging.ratings,
                tags=tagging.tags(),
            ),
        )

    async def close(self) -> None:
        """End the thread after what runs in it. Idempotent."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._executor.shutdown)
        self._tagger = None

    def _open(self) -> None:
        tagger = self._load()
        labels = tagger.labels
        self._minor = minor_coded((*labels.general, *labels.characters))
        self._tagger = tagger

    def _tag(self, image: Image) -> Tagging:
        if self._tagger is None:
            raise RuntimeError("the tagger is not loaded")
        return self._tagger.tag(image)
