"""Reports what the bot asks Discord's API, and how soon it answers interactions, to the observer.

Everything is seen at the client's HTTP session, so waits for rate limits inside discord.py don't
count as time that Discord took.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.common.clock import Clock
from bot.common.observer import InteractionKind, Observer

ANSWER_WITHIN_S: Final = 3.0
"""https://docs.discord.com/developers/interactions/receiving-and-responding"""

_KINDS: Final[Mapping[int, InteractionKind]] = {
    2: "command", 3: "component", 4: "autocomplete", 5: "form"
}  # fmt: skip
_CALLBACK: Final = re.compile(r"/interactions/(\d+)/[^/]+/callback")
_SCOPE: Final = "X-RateLimit-Scope"
_NO_SCOPE: Final = "cloudflare"  # which is in front of the API and names none


class Traffic:
    """Reports to `observer`. Interactions that nothing answered are reported with the next one, or
    by `expire`."""

    def __init__(self, observer: Observer, clock: Clock) -> None:
        self._observer = observer
        self._clock = clock
        self._open: dict[str, tuple[InteractionKind, float]] = {}  # by id, oldest first

    def now(self) -> float:
        """Seconds on the clock that measures."""
        return self._clock.monotonic()

    def arrived(self, data: Mapping[str, Any]) -> None:
        """An interaction came through the gateway."""
        self.expire()
        kind = _KINDS.get(data.get("type", 0))
        if kind is not None:
            self._open[str(data["id"])] = kind, self.now()

    def responded(
        self,
        *,
        method: str,
        path: str,
        status: int | None,
        headers: Mapping[str, str],
        began: float,
    ) -> None:
        """Discord responded, or (status None) the connection failed."""
        if not path.startswith("/api/"):
            return  # the gateway, and files of the content network
        elapsed_s = self.now() - began
        limit = headers.get(_SCOPE, _NO_SCOPE) if status == 429 else ""
        said = "error" if status is None else str(status)
        self._observer.discord_responded(
            method=method, status=said, elapsed_s=elapsed_s, limit=limit
        )
        answered = _CALLBACK.search(path)
        if answered is not None:
            self._answered(answered[1], accepted=status is not None and status < 300)

    def expire(self) -> None:
        """Report interactions whose time is over."""
        while self._open:
            interaction_id, (kind, came) = next(iter(self._open.items()))
            if self.now() - came <= ANSWER_WITHIN_S:
                return
            del self._open[interaction_id]
            self._observer.interaction_missed(kind)

    def _answered(self, interaction_id: str, *, accepted: bool) -> None:
        kind, came = self._open.pop(interaction_id, (None, 0.0))
        if kind is None:
            return
        if accepted:
            self._observer.interaction_answered(kind, elapsed_s=self.now() - came)
        else:
            self._observer.interaction_missed(kind)
