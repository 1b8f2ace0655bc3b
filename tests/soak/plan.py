"""What happens when: days of a simulated time, each with some hours in which people draw."""

import random
from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.chaos import failpoints
from tests.chaos.trouble import TROUBLES

CALM, KILL, FAILPOINT, RESTART, AWAY = "calm", "kill", "failpoint", "restart", "away"
DAY_S: Final = 86400.0
_DRAWN: Final = (
    "job_accepted", "acknowledged_unmarked", "job_running", "drawing_entered",
    "picture_file_written", "picture_stored", "delivery_begins", "delivered_unmarked",
)  # fmt: skip
"""Failpoints that every few jobs pass."""


@cache
def _drawn() -> list[str]:
    return [each for each in failpoints.names() if each in _DRAWN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`jobs` in all, `people` who draw; `bursts` a day, between which the clock jumps."""

    jobs: int
    seed: int
    days: int = 42
    bursts: int = 6
    people: int = 500

    @property
    def jump_s(self) -> float:
        return DAY_S / self.bursts

    def dice(self, day: int) -> random.Random:
        """Of one day: it goes on alike after an interruption."""
        return random.Random(f"{self.seed}:{day}")

    def share(self, day: int, burst: int) -> int:
        """Jobs of one burst: all of them add up to `jobs`."""
        number = day * self.bursts + burst
        total = self.days * self.bursts
        return self.jobs * (number + 1) // total - self.jobs * number // total


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """`end`: how the bot ends in it, see above; `failpoint` with the passage at which it dies.
    `trouble`: see `tests.chaos.trouble`; `outage`: Discord is away for hours."""

    jobs: int
    end: str = CALM
    failpoint: str = ""
    trouble: str = ""
    outage: bool = False


def bursts(plan: Plan, day: int) -> list[Burst]:
    """Of one day. In the first four days of a week the bot runs through, so that one sees whether
    it grows; in the last three it is killed, restarted and kept away."""
    dice = plan.dice(day)
    names = _drawn()
    weekday = day % 7
    ends = {4: (KILL, FAILPOINT, KILL), 5: (AWAY, RESTART), 6: (FAILPOINT, RESTART, FAILPOINT)}
    order = dice.sample(range(plan.bursts), plan.bursts)
    planned = dict(zip(order, ends.get(weekday, ()), strict=False))
    others = [each for each in order if each not in planned]
    troubles = {others[0]: dice.choice(sorted(TROUBLES))} if others else {}
    outage = others[1] if len(others) > 1 and weekday in {1, 6} else -1
    found: list[Burst] = []
    for number in range(plan.bursts):
        end = planned.get(number, CALM)
        passages = max(1, min(30, plan.share(day, number) // 5))
        found.append(
            Burst(
                jobs=plan.share(day, number),
                end=end,
                failpoint=f"{dice.choice(names)}:{dice.randint(1, passages)}"
                if end == FAILPOINT
                else "",
                trouble=troubles.get(number, ""),
                outage=number == outage,
            )
        )
    return found
