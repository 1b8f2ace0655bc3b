"""Rate limits per route and in total, reported in headers as Discord does."""

import time
from dataclasses import dataclass

from bot.playground.simulator import limits

Key = tuple[str, str]
_CROWDED = 1000  # windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`limit` requests each `per_s` seconds."""

    limit: int
    per_s: float


DEFAULT = Rate(limit=50, per_s=1.0)
# By method and end of the path. Measured by many clients; Discord documents only the headers.
_MESSAGES = "/channels/{channel}/messages"
_WEBHOOK = "/webhooks/{application}/{token}"
ROUTES: dict[Key, str] = {
    ("POST", _MESSAGES): "message_create",
    ("PATCH", _MESSAGES + "/{message}"): "message_edit",
    ("DELETE", _MESSAGES + "/{message}"): "message_delete",
    ("POST", _WEBHOOK): "webhook",
    ("PATCH", _WEBHOOK + "/messages/{which}"): "webhook",
    ("DELETE", _WEBHOOK + "/messages/{which}"): "webhook",
}
RATES: dict[str, Rate] = {
    "message_create": Rate(limit=5, per_s=5.0),
    "message_edit": Rate(limit=5, per_s=5.0),
    "message_delete": Rate(limit=5, per_s=1.0),
    "webhook": Rate(limit=5, per_s=2.0),
}


@dataclass(slots=True)
class _Window:
    ends: float
    used: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`retry_after_s` is None when the request may pass."""

    headers: dict[str, str]
    retry_after_s: float | None
    is_global: bool = False


class RateLimiter:
    """Fixed windows, one for each route and its major parameter. `others`: of routes that `rates`
    does not name."""

    def __init__(self) -> None:
        self.rates = dict(RATES)
        self.others = DEFAULT
        self.global_per_s = limits.GLOBAL_PER_S
        self._windows: dict[Key, _Window] = {}
        self._crowded = _CROWDED

    def _window(self, key: Key, per_s: float) -> _Window:
        now = time.monotonic()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._forget_ended(now)
            window = self._windows[key] = _Window(now + per_s)
        return window

    def _forget_ended(self, now: float) -> None:
        """Each interaction has windows of its own. Looks at all only when they have doubled."""
        if len(self._windows) < self._crowded:
            return
        self._windows = {key: each for key, each in self._windows.items() if each.ends > now}
        self._crowded = max(_CROWDED, 2 * len(self._windows))

    def take(self, route: str, major: str, *, counts_globally: bool) -> Verdict:
        """Count one request."""
        now = time.monotonic()
        if counts_globally:
            everything = self._window(("global", ""), 1.0)
            if everything.used >= self.global_per_s:
                wait = everything.ends - now
                headers = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
                return Verdict(headers=headers, retry_after_s=wait, is_global=True)
            everything.used += 1
        rate = self.rates.get(route, self.others)
        window = self._window((route, major), rate.per_s)
        wait = max(window.ends - now, 0.001)
        refused = window.used >= rate.limit
        window.used += not refused
        headers = {
            "X-RateLimit-Limit": str(rate.limit),
            "X-RateLimit-Remaining": str(rate.limit - window.used),
            "X-RateLimit-Reset": f"{time.time() + wait:.3f}",
            "X-RateLimit-Reset-After": f"{wait:.3f}",
            "X-RateLimit-Bucket": route,
        }
        if not refused:
            return Verdict(headers=headers, retry_after_s=None)
        return Verdict(headers=headers | {"X-RateLimit-Scope": "user"}, retry_after_s=wait)
