"""The output tagger in its own thread: checks finished pictures before anybody sees them.

On the processor and at low priority, so that it does not slow down answers. It fails closed: a
picture that can't be checked is withheld.
"""

# ruff: noqa: BLE001 - whatever fails, a picture that was not checked must not pass

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from PIL.Image import Image

from bot.common.work_thread import BrokenWorkError, WorkThread
from bot.safety.output import Verdict, WithheldReason, judge, minor_coded
from data.jobs.checks import CheckRecord
from pipeline.errors import EkakiError, EngineError
from pipeline.rating import Rating

if TYPE_CHECKING:
    from pipeline.tagger.tagger import Tagger
    from pipeline.tagger.tagging import Tagging

_log = logging.getLogger(__name__)

THREAD_NAME: Final = "tagger"
HUNG_S: Final = 600.0  # it takes a second or two per picture
CLOSE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`seen` is None if the tagger failed."""

    verdict: Verdict
    seen: CheckRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the tagger saw, and whether it may be shown."""

    tagging: "Tagging"
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Opened:
    """`minor`: the tagger's labels that indicate a minor."""

    tagger: "Tagger"
    minor: frozenset[str]


class OutputCheck:
    """`load` is called in the thread. Start it before the first picture; `judge` waits for it.

    A tagger that fails or hangs is loaded again in a new thread for the next picture.
    """

    def __init__(self, load: "Callable[[], Tagger]") -> None:
        self._load = load
        self._thread = WorkThread(THREAD_NAME)
        self._opened: _Opened | None = None

    async def start(self) -> None:
        """Load the tagger. ModelError: it is unusable, and the bot must not run without it."""
        await self._thread.call(self._open)

    async def judge(self, image: Image, *, ceiling: Rating) -> Judgement:
        """Check a picture. Never raises: what can't be checked is withheld."""
        try:
            async with asyncio.timeout(HUNG_S):
                return await self._thread.call(partial(self._judge, image, ceiling))
        except Exception as error:
            _log.error("A picture could not be checked and is withheld: %s", error, exc_info=error)
            if isinstance(error, BrokenWorkError | TimeoutError):
                self._opened = None
                self._thread.renew()
            return Judgement(verdict=Verdict(reason=WithheldReason.UNCHECKED), seen=None)

    async def look(self, image: Image, *, ceiling: Rating) -> "Look":
        """What a picture shows that was not drawn here, after those that wait to be checked.
        EngineError if that can't be found out now."""
        try:
            async with asyncio.timeout(HUNG_S):
                return await self._thread.call(partial(self._look, image, ceiling))
        except EkakiError:
            raise
        except Exception as error:
            _log.error("A picture could not be looked at: %s", error, exc_info=error)
            if isinstance(error, BrokenWorkError | TimeoutError):
                self._opened = None
                self._thread.renew()
            raise EngineError("inference_failed", problem=type(error).__name__) from error

    async def close(self) -> None:
        """End the thread after the running call, or abandon it if that hangs. Idempotent."""
        if not await self._thread.close(within_s=CLOSE_S):
            _log.warning("The tagger is in the middle of something long; it is left")
        self._opened = None

    def _open(self) -> "_Opened":
        tagger = self._load()
        labels = tagger.labels
        self._opened = _Opened(tagger, minor_coded((*labels.general, *labels.characters)))
        return self._opened

    def _look(self, image: Image, ceiling: Rating) -> "Look":
        opened = self._opened or self._open()
        tagging = opened.tagger.tag(image)
        return Look(tagging=tagging, verdict=judge(tagging, ceiling=ceiling, minor=opened.minor))

    def _judge(self, image: Image, ceiling: Rating) -> Judgement:
        look = self._look(image, ceiling)
        opened, tagging = self._opened, look.tagging
        assert opened is not None, "it has just looked"
        seen = CheckRecord(
            tagger=opened.tagger.name,
            rating=tagging.rating,
            ratings=tagging.ratings,
            tags=tagging.tags(),
        )
        return Judgement(verdict=look.verdict, seen=seen)
