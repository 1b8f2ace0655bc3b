"""Rounds in which one destination answers every write with the same refusal, or not at all.

Everything else is sent as usual. What is refused waits in the outbox, and arrives once the
destination takes it again: after a restart, or when something changed in the server.
"""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.playground.simulator.default_world import IDS
from tests.chaos import errands
from tests.chaos.activity import RED, Activity
from tests.chaos.gallery_sight import gallery_complaints
from tests.chaos.notifications import notification_complaints
from tests.chaos.places import LOG, OTHER, OTHER_LOG
from tests.chaos.settling import evidence
from tests.chaos.stage import Stage, StuckError, until
from tests.support.faults import Fault

PATIENCE_S: Final = 120.0
_WRITES: Final = "POST|PUT|PATCH|DELETE"
_ALWAYS: Final = 10**9
HANG: Final = "hang"
GONE: Final = "404/10003"
ANSWERS: Final = (
    "400/20009", "400/50035", "403/50001", "403/50013", GONE, "500/0", "429/0", HANG
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A channel, its server (None: a person's), and the lanes that end there."""

    channel_id: int
    guild_id: int | None
    lanes: tuple[str, ...]


DESTINATIONS: Final = {
    "gallery": Destination(
        channel_id=IDS.gallery, guild_id=IDS.guild, lanes=(f"gallery:{IDS.guild}",)
    ),
    "log": Destination(channel_id=LOG, guild_id=IDS.guild, lanes=(f"log:{IDS.guild}",)),
    "general": Destination(
        channel_id=IDS.general,
        guild_id=IDS.guild,
        lanes=tuple(f"{subject}:{IDS.general}" for subject in ("removal", "announcement", "job")),
    ),
    "thread": Destination(
        channel_id=IDS.thread,
        guild_id=IDS.guild,
        lanes=tuple(f"{subject}:{IDS.thread}" for subject in ("removal", "announcement", "job")),
    ),
    "dm": Destination(
        channel_id=IDS.dm_alice,
        guild_id=None,
        lanes=(
            f"person:{IDS.alice}", f"news:{IDS.alice}", f"removal:{IDS.dm_alice}",
            f"announcement:{IDS.dm_alice}",
        ),
    ),
    "other": Destination(channel_id=OTHER_LOG, guild_id=OTHER, lanes=(f"log:{OTHER}",)),
}  # fmt: skip


def refusals(count: int, dice: random.Random) -> list[str]:
    """`count` pairs of destination and answer, as different as can be."""
    pairs = every_refusal()
    dice.shuffle(pairs)
    return [pairs[number % len(pairs)] for number in range(count)]


def every_refusal() -> list[str]:
    """All pairs."""
    return [f"{name} {answer}" for name in DESTINATIONS for answer in ANSWERS]


class Closed:
    """A destination that refuses everything until it is repaired."""

    def __init__(self, stage: Stage, refused: str) -> None:
        name, _, self.answer = refused.partition(" ")
        self.place = DESTINATIONS[name]
        self._stage = stage
        self._over = asyncio.Event()
        path = rf"/channels/{self.place.channel_id}(/|$)"
        if self.answer == HANG:
            fault = Fault(path=path, method=_WRITES, times=_ALWAYS, until=self._over, cut="before")
        else:
            status, _, code = self.answer.partition("/")
            # Of a channel that is gone the bot concludes that its messages are, too.
            method = "POST" if self.answer == GONE else _WRITES
            fault = Fault(path=path, method=method, times=_ALWAYS, status=int(status),
                          code=int(code))  # fmt: skip
        self._fault = stage.loopback.faults.add(fault)

    @property
    def asked(self) -> int:
        """How often the bot ran into it."""
        return _ALWAYS - self._fault.times

    def repair(self) -> None:
        """From now on it takes everything."""
        self._stage.loopback.faults.clear()
        self._over.set()

    def wake(self) -> bool:
        """Something changes in the server, so that the bot tries again. False: it has none."""
        if self.place.guild_id is None:
            return False
        world = self._stage.world
        channel = world.channel(self.place.channel_id)
        channel = world.channel(channel.parent_id or channel.id)
        allow = [each for each in channel.overwrites if each["id"] != str(IDS.bot)]
        given = {"id": str(IDS.bot), "type": 1, "allow": "0", "deny": "0"}
        channel.overwrites = allow if len(allow) < len(channel.overwrites) else [*allow, given]
        self._stage.loopback.changes.set_age_restricted(channel.id, on=channel.nsfw)
        return True

    async def others_told(self) -> None:
        """Wait until everything for other places is sent and drawn. StuckError names what is
        not."""
        stage = self._stage

        def waiting() -> list[str]:
            lanes = ", ".join("?" * len(self.place.lanes))
            found = [
                f"outbox: {row['kind']} in {row['lane']}: {row['last_error']}"
                for row in stage.query(
                    f"SELECT * FROM outbox WHERE lane NOT IN ({lanes})",
                    *self.place.lanes,
                )
            ]
            # A clear refusal ends a job's delivery. Repaired between the refusal of its pictures
            # and the words that say so, the words are all that is posted.
            clear = self.answer.partition("/")[0] in {"400", "403", "404"}
            found += [
                f"job {row['id']}"
                for row in stage.query(_OPEN_JOBS)
                if clear or self._elsewhere(row)
            ]
            if self.place.channel_id != IDS.gallery:
                found += gallery_complaints(stage)
            return found

        try:
            await until(lambda: not waiting(), "others to be told", patience_s=PATIENCE_S)
        except StuckError:
            stage.evidence = evidence(stage, waiting(), waited_s=PATIENCE_S)
            raise

    def _elsewhere(self, row: dict[str, int]) -> bool:
        """Whether a job's message is not in the way of the refusals."""
        direct = self._stage.world.dm_with(row["user_id"]).id
        return self.place.channel_id not in {row["channel_id"], direct if row["private"] else 0}

    def refused_rows(self) -> list[str]:
        """Rows of its lanes that were tried in vain and do not say why: none."""
        lanes = ", ".join("?" * len(self.place.lanes))
        rows = self._stage.query(
            f"SELECT * FROM outbox WHERE lane IN ({lanes})"
            " AND attempts > 0 AND coalesce(last_error, '') = ''",
            *self.place.lanes,
        )
        return [f"refused, and nobody knows why: {row['kind']} {row['key']}" for row in rows]

    async def emptied(self, activity: Activity) -> None:
        """Where the channel seemed to be gone, what was given up for that is nobody's fault. The
        log goes on with its next entry."""
        if self.answer != GONE:
            return
        await errands.elsewhere(activity)
        await activity.imagine(colours=RED, count=1, channel_id=IDS.general, private=False)
        await self._stage.quiet(patience_s=PATIENCE_S)
        await until(lambda: not self._stage.query("SELECT 1 FROM outbox"), "an empty outbox",
                    patience_s=PATIENCE_S)  # fmt: skip
        activity.refused |= set(_subjects(notification_complaints(self._stage, activity)))


_OPEN_JOBS: Final = (
    "SELECT id, user_id, channel_id, private FROM jobs"
    " WHERE ended_at IS NULL OR delivery = 'pending'"
)


def _subjects(complaints: Iterable[str]) -> Iterable[str]:
    """What complaints are about, as `notification_complaints` begins them."""
    return (each.partition(":")[0] for each in complaints)
