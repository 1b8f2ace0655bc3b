"""What a failed attempt means for an item of the outbox. Pure.

Discord's error codes: https://docs.discord.com/developers/topics/opcodes-and-status-codes
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BACKOFF_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Between attempts after a temporary problem."""
CLOSED_S: Final = 300.0
"""Between attempts at a place that rejects us."""
CLOSED_REST_S: Final = 2.0
"""How long a lane pauses after such a refusal: its other items may go to another place, and Discord
bans a bot for 10,000 requests in ten minutes that it answers with 401, 403 or 429."""
PARKED_S: Final = 6 * 3600.0
"""Between attempts for parked items."""
UNFORESEEN_ATTEMPTS: Final = 3
CLOSED_ATTEMPTS: Final = 3
RETRY_ATTEMPTS: Final = 12
EXPIRES_S: Final = 30 * 86400.0
"""What has been parked for this long is given up after its next attempt."""


class Verdict(StrEnum):
    """What to do with an item after an attempt failed."""

    WAIT = "wait"  # its place is not known at this moment: the lane pauses, nothing is recorded
    RETRY = "retry"  # temporary
    CLOSED = "closed"  # the place rejects us: everything in the lane pauses
    PARK = "park"  # Discord rejects just this: retried rarely, and reported
    GIVE_UP = "give_up"  # the place, the message or the person no longer exists
    UNFORESEEN = "unforeseen"  # a bug in our code: a few attempts, then parked


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt. `words`: for the log and for moderators, without secrets. `retry_after_s`:
    if Discord said how long to wait."""

    verdict: Verdict
    words: str
    retry_after_s: float = 0.0


_GONE: Final = frozenset({
    10003,  # unknown channel
    10004,  # unknown guild
    10007,  # unknown member
    10008,  # unknown message
    10013,  # unknown user
    50007,  # cannot send messages to this user
    50278,  # no mutual guilds with this user
})  # fmt: skip
_PASSES: Final = frozenset({
    20016,  # slowmode
    20022,  # announcement edits
    20028,  # the channel's write rate
    20029,  # the server's write rate
    30046,  # edits of messages older than an hour
    40003,  # opening direct messages too fast
    130000,  # the API is overloaded
})  # fmt: skip


def verdict_of(status: int, code: int) -> Verdict:
    """The verdict for Discord's answer: the HTTP status and the code in its body (0: none). A 404
    that names nothing of ours as gone (a forum's tag was: 10087) is one refusal among others."""
    if code in _GONE:
        return Verdict.GIVE_UP
    if code in _PASSES or status >= 500 or status in {401, 408, 429}:
        return Verdict.RETRY
    if status == 403:
        return Verdict.CLOSED
    return Verdict.PARK


def backoff_s(attempts: int) -> float:
    """How long to wait after this many failed attempts, including this one."""
    return BACKOFF_S[min(max(attempts, 1), len(BACKOFF_S)) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """When an item is tried again. `lane_rest_s`: how long its whole lane pauses."""

    parked: bool
    after_s: float
    lane_rest_s: float = 0.0


def next_attempt(failure: Failure, *, attempts: int, parked: bool, age_s: float) -> Next | None:
    """When to try again after `failure`; None: never. Not called while an item may still wait for
    its place.

    `attempts`: those that failed before. `parked`: the item is parked already. `age_s`: since it
    was put.
    """
    if failure.verdict in {Verdict.GIVE_UP, Verdict.WAIT}:
        return None
    if parked and age_s > EXPIRES_S:
        return None
    pause, rest, most = _pauses(failure, attempts + 1)
    if parked or attempts + 1 >= most:
        return Next(parked=True, after_s=PARKED_S, lane_rest_s=rest)
    return Next(parked=False, after_s=pause, lane_rest_s=rest)


def _pauses(failure: Failure, failed: int) -> tuple[float, float, int]:
    """(pause of the item, rest of its lane, attempts until it is parked)."""
    match failure.verdict:
        case Verdict.RETRY:
            pause = max(backoff_s(failed), failure.retry_after_s)
            return pause, min(pause, BACKOFF_S[4]), RETRY_ATTEMPTS
        case Verdict.CLOSED:
            return CLOSED_S, CLOSED_REST_S, CLOSED_ATTEMPTS
        case Verdict.UNFORESEEN:
            return backoff_s(failed), 0.0, UNFORESEEN_ATTEMPTS
        case _:
            return 0.0, 0.0, 1
