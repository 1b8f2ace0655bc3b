"""After each simulated day: nothing lost, nothing twice, quotas right, as the database says it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bot.playground.simulator.world import ChannelType, Message
from tests.chaos.activity import LEAVER, Activity
from tests.chaos.gallery_sight import gallery_complaints
from tests.chaos.notifications import outbox_line
from tests.chaos.places import LOGS, TROUBLEMAKER
from tests.chaos.stage import Stage
from tests.soak.crowd import WINDOWS, Crowd
from tests.soak.ledger import Ledger, Seen

_JOBS: Final = (
    "SELECT id, user_id, channel_id, private, pictures, state, delivery, error, attempts,"
    " interaction_token, token_expires_at, (SELECT count(*) FROM withheld w WHERE"
    " w.job_id = jobs.id AND w.state <> 'released') AS held FROM jobs WHERE accepted_at >= ?"
)


@dataclass
class Totals:
    """Jobs by their end, and what else was counted. `departed`: when a person had everything about
    themselves deleted, by id."""

    jobs: Counter[str] = field(default_factory=Counter[str])
    pictures: int = 0
    checked_files: int = 0
    departed: dict[int, float] = field(default_factory=dict[int, float])


class DayCheck:
    """One look at everything that was accepted since `since`; nothing happens at the moment."""

    def __init__(
        self,
        stage: Stage,
        ledger: Ledger,
        crowd: Crowd,
        activity: Activity,
        totals: Totals,
        *,
        since: float,
        first_line: int = 1,
    ) -> None:
        self.stage, self.ledger, self.crowd = stage, ledger, crowd
        self.activity, self.totals, self.since = activity, totals, since
        self.first_line = first_line
        self.complaints: list[str] = []
        self.rows = {row["id"]: row for row in stage.query(_JOBS, since)}
        self.released = {
            row["job_id"]
            for row in stage.query("SELECT job_id FROM audit_log WHERE kind = 'released'")
        }
        self.stored: dict[str, dict[int, str]] = {}
        for row in stage.query(
            "SELECT job_id, position, content_hash FROM pictures p JOIN jobs j ON j.id = p.job_id"
            " WHERE j.accepted_at >= ?",
            since,
        ):
            self.stored.setdefault(row["job_id"], {})[row["position"] + 1] = row["content_hash"]

    def run(self) -> list[str]:
        """What must not be."""
        for job_id in sorted(self.ledger.day | self.rows.keys()):
            seen = self.ledger.jobs.get(job_id, Seen())
            row = self.rows.get(job_id)
            if row is None and self._is_older(job_id):
                found = list(self._once(job_id, seen))
            else:
                found = list(self._gone(job_id, seen) if row is None else self._job(row, seen))
            self.complaints += [f"{job_id}: {each}" for each in found]
        self.complaints += self._quotas()
        self.complaints += self._sent()
        self.complaints += gallery_complaints(self.stage)
        self.complaints += self.crowd.complaints
        self.crowd.complaints.clear()
        self.ledger.day.clear()
        self.crowd.cancelled.clear()
        return self.complaints

    def _gone(self, job_id: str, seen: Seen) -> Iterator[str]:
        """Not stored (any more): its owner wanted it so, or a moderator."""
        self.totals.jobs["deleted on request"] += 1
        wanted = (
            job_id in self.activity.erased
            or seen.user_id in {LEAVER, TROUBLEMAKER}
            or seen.user_id in self.totals.departed
            or any(self._mentions_leaver(each) for each in seen.posted)
        )
        if not wanted:
            yield "acknowledged or posted, and not stored"
        yield from self._once(job_id, seen)

    def _once(self, job_id: str, seen: Seen) -> Iterator[str]:
        if len(seen.posted) > 1 and not (
            self._is_twice_private(seen) or self._is_shown_again(job_id, seen)
        ):
            yield f"was posted {len(seen.posted)} times"

    def _is_older(self, job_id: str) -> bool:
        """Whether it was accepted before this day, and only changed on it."""
        return bool(self.stage.query("SELECT 1 FROM jobs WHERE id = ?", job_id))

    def _mentions_leaver(self, message_id: int) -> bool:
        message = self.stage.world.messages.get(message_id)
        return message is not None and LEAVER in message.mention_ids

    def _job(self, row: Any, seen: Seen) -> Iterator[str]:
        """One job: its messages against its end."""
        state = row["state"]
        self.totals.jobs[state] += 1
        if row["delivery"] == "pending" or row["interaction_token"] is not None:
            yield f"its delivery is {row['delivery']}, its token kept"
        if state == "finished":
            yield from self._delivered(row, seen)
        elif state == "failed":
            key = json.loads(row["error"])["key"]
            self.totals.jobs[f"failed: {key}"] += 1
            if (key == "job_ended_process") != (row["attempts"] >= 2):
                yield f"{key} after {row['attempts']} attempts"
        elif state == "cancelled":
            asked = (
                row["id"] in self.activity.cancelled | self.crowd.cancelled
                or row["user_id"] in {LEAVER, TROUBLEMAKER}
                or row["user_id"] in self.crowd.blocks
                or row["user_id"] in self.totals.departed
            )
            if not asked and seen.interaction_id:
                yield "cancelled, and nobody asked for it"
        else:
            yield f"still {state}"
        if state != "finished" and seen.posted:
            yield f"{state}, and its pictures were posted"

    def _delivered(self, row: Any, seen: Seen) -> Iterator[str]:
        """Exactly one message, with exactly these pictures, where its user sees it."""
        stored = self.stored.get(row["id"], {})
        self.totals.pictures += len(stored)
        if len(stored) + row["held"] != row["pictures"]:
            yield f"{len(stored)} of {row['pictures']} pictures are stored, {row['held']} withheld"
        if not stored and not seen.posted:
            return
        if len(seen.posted) != 1:
            if row["private"] and self._is_twice_private(seen):
                self.totals.jobs["private, sent again as a direct message"] += 1
                return
            if self._is_shown_again(row["id"], seen):
                return
            yield f"{len(seen.posted)} messages with its pictures, not 1"
            return
        ((message_id, shown),) = seen.posted.items()
        if shown.keys() != stored.keys():
            yield f"pictures {sorted(shown)} were posted, {sorted(stored)} are stored"
        for number, digest in shown.items():
            self.totals.checked_files += 1
            if number in stored and bytes.fromhex(stored[number])[:8] != digest:
                yield "a file that was posted is not the one that is stored"
        message = self.stage.world.messages.get(message_id)
        if message is not None and not self._reaches(row, message):
            yield "its message is not where its user sees it"

    def _reaches(self, row: Any, message: Message) -> bool:
        channel = self.stage.world.channel(message.channel_id)
        direct = channel.type == ChannelType.DM and channel.recipient_ids == [row["user_id"]]
        if row["private"]:
            return direct or message.ephemeral_for == row["user_id"]
        return channel.id == row["channel_id"] and message.ephemeral_for is None

    def _is_twice_private(self, seen: Seen) -> bool:
        """Killed between the edit of a private message and its entry, and back only after its token
        was over: nobody can look whether it arrived, so it is sent as a direct message as well."""
        messages = [self.stage.world.messages.get(each) for each in seen.posted]
        there = [each for each in messages if each is not None]
        private = [each for each in there if each.ephemeral_for is not None]
        return len(there) == 2 and len(private) == 1

    def _is_shown_again(self, job_id: str, seen: Seen) -> bool:
        """A moderator released one of its pictures when this simulation had forgotten the message
        (`keeping.forget_old`), as if somebody had deleted it: another one shows all of them."""
        earlier = sorted(seen.posted)[:-1]
        return (
            job_id in self.released
            and bool(earlier)
            and not any(each in self.stage.world.messages for each in earlier)
        )

    def _quotas(self) -> Iterator[str]:
        """Nobody had more than the limits; what counts is what was posted; refunds are whole."""
        earliest = self.since - 2 * 86400.0
        uses: dict[int, list[tuple[float, int]]] = {}
        for row in self.stage.query(
            "SELECT user_id, used_at,"
            " pictures * (cost + faces_cost) - granted_overall AS hundredths"
            " FROM quota_uses WHERE refunded = 0 AND used_at >= ? ORDER BY used_at, id",
            earliest,
        ):
            uses.setdefault(row["user_id"], []).append((row["used_at"], row["hundredths"]))
        for user_id, used in uses.items():
            for name, (limit, length_s) in WINDOWS.items():
                most = most_within(used, length_s)
                if most > limit * 100:
                    yield f"{user_id} had {most / 100} pictures in one {name}, of {limit}"
        for row in self.stage.query(
            "SELECT q.job_id, q.pictures, q.refunded, j.state, (SELECT count(*) FROM pictures p"
            " WHERE p.job_id = j.id) AS made, (SELECT count(*) FROM withheld w WHERE"
            " w.job_id = j.id AND w.state = 'released') AS released"
            " FROM quota_uses q JOIN jobs j ON j.id = q.job_id WHERE j.accepted_at >= ?",
            self.since,
        ):
            drawn = row["made"] - row["released"]
            counted = 0 if row["refunded"] else row["pictures"]
            # A picture that a moderator released before the job's end was not given back.
            if not drawn <= counted <= row["made"]:
                yield f"{row['job_id']}: {row['state']}, {row['made']} made, {counted} counted"

    def _sent(self) -> Iterator[str]:
        """What is told in the background: all of it, once."""
        for row in self.stage.query("SELECT * FROM outbox WHERE kind <> 'gallery_check'"):
            yield f"outbox: {outbox_line(row)}"
        for nonce in sorted(self.ledger.repeated):
            yield f"two messages with the nonce {nonce}"
        self.ledger.repeated.clear()
        for guild_id in LOGS:
            shown = self.ledger.logged[guild_id]
            for row in self.stage.query(
                "SELECT id FROM audit_log WHERE guild_id = ? AND posted IS NOT NULL AND at >= ?"
                " AND id >= ?",
                guild_id,
                self.since,
                self.first_line,
            ):
                if shown[row["id"]] != 1:
                    yield f"log of {guild_id}: entry {row['id']}, {shown[row['id']]} times"
            shown.clear()

    def departed(self, user_id: int, at: float) -> Iterator[str]:
        """Nothing about somebody is left from before they had it deleted."""
        for table, column, when in (
            ("jobs", "user_id", "accepted_at"),
            ("gallery_entries", "maker_id", "shared_at"),
        ):
            rows = self.stage.query(
                f"SELECT count(*) FROM {table} WHERE {column} = ? AND {when} < ?", user_id, at
            )
            if rows[0][0]:
                yield f"{user_id}: {rows[0][0]} rows of {table} are left"


def most_within(uses: list[tuple[float, int]], length_s: float) -> int:
    """The most within any window; `uses`: times and what they count, in order."""
    first = total = most = 0
    for at, pictures in uses:
        total += pictures
        while uses[first][0] <= at - length_s:
            total -= uses[first][1]
            first += 1
        most = max(most, total)
    return most


def unfinished(stage: Stage, now: float) -> int:
    """What the bot still has to do soon."""
    (row,) = stage.query(
        "SELECT (SELECT count(*) FROM jobs WHERE ended_at IS NULL OR delivery = 'pending')"
        " + (SELECT count(*) FROM outbox WHERE state = 'waiting' AND due_at < ?"
        " AND (guild_id IS NULL OR guild_id IN (?, ?)))",
        now + 120.0,
        *LOGS,
    )
    return int(row[0])
