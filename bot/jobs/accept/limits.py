"""How many pictures a person may make. Pure: from the ledger to a decision.

Limits are whole pictures. They are compared in hundredths of one, as a draft counts as less
(`pipeline.speed.cost`); `cost` is what each picture of a request counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from bot.config.settings import Settings
from data.guilds.server_settings import LimitSet
from data.jobs.quota import Use
from data.store.times import CLOCK_STEP_S
from pipeline.errors import RefusedError
from pipeline.speed.cost import WHOLE

HOUR_S = 3600.0
DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits per person and in total; 0 means no limit."""

    pictures_per_hour: int
    pictures_per_day: int
    waiting_jobs_per_user: int
    waiting_jobs_total: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The bounds that the operator set."""
        return cls(
            pictures_per_hour=settings.pictures_per_hour,
            pictures_per_day=settings.pictures_per_day,
            waiting_jobs_per_user=settings.waiting_jobs_per_user,
            waiting_jobs_total=settings.waiting_jobs_total,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Usage of a sliding window. `limit` 0: no limit. `frees_in_s`: seconds until one more picture
    is possible, 0 if it is possible now. `used` has a fraction where there were drafts."""

    limit: int
    used: float
    frees_in_s: float


def window(uses: Sequence[Use], *, limit: int, length_s: float, now: float) -> Window:
    """The state of one window over `uses` (oldest first)."""
    uses, now = _as_of(uses, now)
    inside = _inside(uses, length_s=length_s, now=now)
    return Window(
        limit=limit,
        used=in_pictures(_counted(inside)),
        frees_in_s=_wait(inside, wanted=WHOLE, limit=limit, length_s=length_s, now=now),
    )


def _as_of(uses: Sequence[Use], now: float) -> tuple[Sequence[Use], float]:
    """The uses that count, and the moment to measure them at.

    A use in the future was recorded by a clock that has been set back since: it never counts. One
    slightly in the future belongs to a simultaneous request or a corrected clock: it counts, and
    the windows end with it, so that they contain what they contained when it was allowed.
    """
    counted = [use for use in uses if use.used_at <= now + CLOCK_STEP_S]
    return counted, max([now, *(use.used_at for use in counted)])


def _inside(uses: Sequence[Use], *, length_s: float, now: float) -> list[Use]:
    return [use for use in uses if use.used_at > now - length_s]


def _counted(uses: Iterable[Use]) -> int:
    return sum(use.hundredths for use in uses)


def in_pictures(hundredths: int) -> float:
    """As people read it: 3 or 2.6."""
    return hundredths // WHOLE if hundredths % WHOLE == 0 else hundredths / WHOLE


def _wait(inside: Sequence[Use], *, wanted: int, limit: int, length_s: float, now: float) -> float:
    """Seconds until `wanted` hundredths more fit into the window; inf if they never do."""
    if limit == 0:
        return 0.0
    if wanted > limit * WHOLE:
        return float("inf")
    too_many = _counted(inside) + wanted - limit * WHOLE
    if too_many <= 0:
        return 0.0
    for use, freed in zip(inside, accumulate(use.hundredths for use in inside), strict=True):
        if freed >= too_many:
            return max(0.0, use.used_at + length_s - now)
    return float("inf")  # not reached: freeing all makes room, since what is wanted fits


def check_quota(
    uses: Sequence[Use],
    *,
    limits: Limits,
    pictures: int,
    now: float,
    granted: int = 0,
    cost: int = WHOLE,
) -> int:
    """Raise RefusedError if `pictures` more are too many for the last hour or day.

    `uses` covers at least the last day, oldest first. `granted` hundredths of a picture may be made
    beyond the limits; returns how many of them this request takes. The error contains the window,
    its limit, how many are left, and after how many seconds this request is possible.
    """
    uses, now = _as_of(uses, now)
    wanted = pictures * cost
    missing = _missing(uses, limits=limits, wanted=wanted, now=now)
    taken = max(0, min(granted, wanted, missing))
    try:
        _check_windows(uses, limits=limits, wanted=wanted - taken, extra=granted, now=now)
    except RefusedError as error:
        raise RefusedError(error.key, pictures=pictures, **error.data) from None
    return taken


def _missing(uses: Sequence[Use], *, limits: Limits, wanted: int, now: float) -> int:
    """How many of the `wanted` hundredths don't fit now."""
    windows = ((limits.pictures_per_hour, HOUR_S), (limits.pictures_per_day, DAY_S))
    return max(
        _counted(_inside(uses, length_s=length_s, now=now)) + wanted - limit * WHOLE if limit else 0
        for limit, length_s in windows
    )


def _check_windows(
    uses: Sequence[Use], *, limits: Limits, wanted: int, extra: int, now: float
) -> None:
    if wanted <= 0:
        return
    windows = (
        ("hour", limits.pictures_per_hour, _inside(uses, length_s=HOUR_S, now=now), HOUR_S),
        ("day", limits.pictures_per_day, _inside(uses, length_s=DAY_S, now=now), DAY_S),
    )
    wait_s, period, limit, left = max(
        (
            _wait(inside, wanted=wanted, limit=limit, length_s=length_s, now=now),
            period,
            limit,
            limit * WHOLE - _counted(inside),
        )
        for period, limit, inside, length_s in windows
    )
    if wait_s > 0:
        raise RefusedError(
            "quota_never" if wait_s == float("inf") else f"quota_{period}",
            period=period,
            limit=limit,
            left=in_pictures(max(0, left) + extra),
            retry_after_s=wait_s,
        )


def check_server(
    uses: Sequence[Use],
    *,
    limits: LimitSet,
    pictures: int,
    now: float,
    granted: int,
    cost: int = WHOLE,
) -> int:
    """As `check_quota`, for the limits of a server's moderators, where 0 means none at all."""
    hour, day = limits.pictures_per_hour, limits.pictures_per_day
    if granted < pictures * cost and 0 in {hour, day}:
        raise RefusedError("quota_none_here")
    bounds = Limits(
        pictures_per_hour=hour or 0,
        pictures_per_day=day or 0,
        waiting_jobs_per_user=0,
        waiting_jobs_total=0,
    )
    if 0 in {hour, day}:
        return pictures * cost
    try:
        return check_quota(
            uses, limits=bounds, pictures=pictures, now=now, granted=granted, cost=cost
        )
    except RefusedError as error:
        if error.key == "quota_never":
            raise
        key = "quota_hour_here" if error.key == "quota_hour" else "quota_day_here"
        raise RefusedError(key, **error.data) from None  # names whose limit it is


def check_upscales(uses: Sequence[Use], *, limit: int | None, now: float) -> None:
    """Raise RefusedError if one more upscale exceeds a server's daily limit."""
    if limit is None:
        return
    if limit == 0:
        raise RefusedError("upscales_none_here")
    uses, now = _as_of(uses, now)
    inside = _inside(uses, length_s=DAY_S, now=now)
    wait_s = _wait(inside, wanted=WHOLE, limit=limit, length_s=DAY_S, now=now)
    if wait_s > 0:
        raise RefusedError("upscales_here", limit=limit, retry_after_s=wait_s)


def check_waiting_here(*, own: int, limit: int | None) -> None:
    """Raise RefusedError if one more job exceeds a server's limit."""
    if limit == 0:
        raise RefusedError("quota_none_here")
    if limit is not None and own >= limit:
        raise RefusedError("waiting_own_here", limit=limit)


def check_waiting(*, own: int, total: int, limits: Limits, eta_s: float | None) -> None:
    """Raise RefusedError if one more job exceeds the limit of this person or of all."""
    if limits.waiting_jobs_per_user and own >= limits.waiting_jobs_per_user:
        raise RefusedError("waiting_own", limit=limits.waiting_jobs_per_user)
    if limits.waiting_jobs_total and total >= limits.waiting_jobs_total:
        raise RefusedError("queue_full", limit=limits.waiting_jobs_total, eta_s=eta_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLimits:
    """What a person has used and may still use. `waiting_limit` 0: no limit. `draft` and
    `balanced`: what a usual picture of these speeds counts, `face`: what a face counts that is
    drawn again; None where there are none. `granted`: pictures beyond the operator's limits."""

    hour: Window
    day: Window
    waiting: int
    waiting_limit: int
    here: "ServerLimits | None" = None
    draft: float | None = None
    balanced: float | None = None
    face: float | None = None
    granted: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """The same for the limits of one server: None is what it does not limit. `granted`: pictures
    beyond these limits."""

    hour: Window | None
    day: Window | None
    upscales: Window | None
    waiting: int
    waiting_limit: int | None
    granted: float
