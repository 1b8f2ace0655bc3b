"""The feed of what members can see happen: for the member driver, transcripts and a page."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.playground.simulator.errors import Json

KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """`kind`: message_create, message_update, message_delete, interaction_sent,
    interaction_acknowledged, interaction_failed, modal, choices.

    `at` is the time since 1970 in s, `monotonic` for measuring. `viewer`: the only one who sees it.
    """

    seq: int
    at: float
    monotonic: float
    kind: str
    channel_id: int
    viewer: int | None
    data: Json

    def as_json(self) -> Json:
        return {
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "channel_id": str(self.channel_id),
            "data": self.data,
        }


Listener = Callable[[FeedEvent], None]


class Feed:
    """Keeps the last events and notifies listeners of each new one immediately."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._listeners: list[Listener] = []
        self._seq = 0
        self.events: deque[FeedEvent] = deque(maxlen=KEPT)

    def publish(self, kind: str, *, channel_id: int, viewer: int | None, data: Json) -> None:
        self._seq += 1
        event = FeedEvent(
            seq=self._seq,
            at=self._now(),
            monotonic=time.monotonic(),
            kind=kind,
            channel_id=channel_id,
            viewer=viewer,
            data=data,
        )
        self.events.append(event)
        for listener in tuple(self._listeners):
            listener(event)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each event from now on; returns the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def since(self, seq: int) -> Iterable[FeedEvent]:
        """Events after `seq`, as far back as they are kept."""
        return [event for event in self.events if event.seq > seq]
