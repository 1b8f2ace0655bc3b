"""Afterwards: was every accepted job delivered exactly once, or cancelled, or refunded?

Counted in the loopback's own log and world: what it acknowledged, which messages exist, which files
lie in them, who sees them. Our database is only held against that.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bot.playground.simulator.world import ChannelType, Message
from tests.chaos.activity import LEAVER, RELEASED_LATE, Activity
from tests.chaos.gallery_sight import gallery_complaints
from tests.chaos.notifications import notification_complaints
from tests.chaos.painted import painted_complaints
from tests.chaos.places import LORA, TROUBLEMAKER
from tests.chaos.sight import accepted_jobs, files, job_of, posted_pictures
from tests.chaos.stage import Stage
from tests.chaos.stored import database_complaints, face_complaints, file_complaints
from tests.chaos.written import Seen, request_complaints, sheet_complaints
from tests.support.parameters import read_parameters


@dataclass
class Report:
    """`complaints`: what must not be. The rest counts what was seen; `reasons`: why jobs
    failed."""

    complaints: list[str] = field(default_factory=list[str])
    accepted: int = 0
    unacknowledged: int = 0
    delivered: int = 0
    cancelled: int = 0
    failed: int = 0
    withdrawn: int = 0
    erased: int = 0
    twice_private: int = 0
    pictures: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])


def audit(stage: Stage, activity: Activity) -> Report:
    """Look at everything once nothing happens any more."""
    return _Audit(stage, activity).run()


class _Audit:
    def __init__(self, stage: Stage, activity: Activity) -> None:
        self.stage = stage
        self.activity = activity
        self.report = Report()
        self.rows = {row["id"]: row for row in stage.query("SELECT * FROM jobs")}
        self.accepted = accepted_jobs(stage)
        self.posted = posted_pictures(stage)
        self.report.complaints += painted_complaints(stage, activity.painted)
        # Those that Discord or the page acknowledged.
        self.acknowledged = self.accepted.keys() | {
            each.job_id for each in activity.painted if each.done and each.job_id
        }
        messages = stage.world.messages.values()
        self.waiting = {job_of(each) for each in messages if each.deleted_at is None}
        self.refunds = {
            row["job_id"]: row["refunded"]
            for row in stage.query("SELECT job_id, refunded FROM quota_uses")
        }
        # What a moderator released after the job's end was refunded by then, and stays so.
        self.released = Counter(row["job_id"] for row in stage.query(RELEASED_LATE))
        self.held = Counter(
            row["job_id"]
            for row in stage.query("SELECT job_id FROM withheld WHERE state <> 'released'")
        )
        self.let_out = {
            (row["job_id"], row["position"])
            for row in stage.query("SELECT * FROM withheld WHERE state = 'released'")
        }
        self.hashes = {
            (row["job_id"], row["position"]): row["content_hash"]
            for row in stage.query("SELECT job_id, position, content_hash FROM pictures")
        }

    def complain(self, text: str) -> None:
        self.report.complaints.append(text)

    def run(self) -> Report:
        self.report.accepted = len(self.acknowledged | self.rows.keys() | self.posted.keys())
        self.report.unacknowledged = len(self.rows.keys() - self.acknowledged)
        unknown = (self.acknowledged | self.posted.keys()) - self.rows.keys()
        for job_id in unknown - self.activity.erased.keys():
            if not self.is_leavers(job_id):
                self.complain(f"{job_id}: acknowledged or posted, yet not stored")
        for job_id in unknown:
            messages = self.posted.get(job_id, [])
            if len(messages) > 1 and not self.is_private_twice(messages):
                where = [(each.id, each.channel_id, each.deleted_at) for each in messages]
                self.complain(f"{job_id}: deleted, and was posted more than once: {where}")
        self.report.erased = len(unknown)
        for job_id, row in self.rows.items():
            self.job(job_id, row)
        seen = Seen(self.rows, self.accepted, self.posted, self.let_out)
        self.report.complaints += request_complaints(self.activity, seen)
        self.quota()
        self.report.complaints += face_complaints(self.stage)
        self.report.complaints += file_complaints(self.stage)
        self.report.complaints += gallery_complaints(self.stage)
        self.report.complaints += notification_complaints(self.stage, self.activity)
        self.report.complaints += database_complaints(self.stage)
        return self.report

    def is_leavers(self, job_id: str) -> bool:
        """Whether it is a job of the person who has everything about themselves removed."""
        interaction = self.accepted.get(job_id)
        posted = self.posted.get(job_id, [])
        return (interaction is not None and interaction.user_id == LEAVER) or any(
            LEAVER in message.mention_ids for message in posted
        )

    def job(self, job_id: str, row: Any) -> None:
        """One job: its messages against its end."""
        messages = self.posted.get(job_id, [])
        match row["state"]:
            case "finished":
                self.report.delivered += 1
                self.report.pictures += row["pictures"]
                self.delivered(job_id, row, messages)
            case "cancelled":
                self.report.cancelled += 1
                asked = job_id in self.activity.cancelled or row["user_id"] in {
                    LEAVER,
                    TROUBLEMAKER,
                }
                self.report.withdrawn += not asked
                if not asked and job_id in self.acknowledged:
                    self.complain(f"{job_id}: cancelled, and nobody asked for it")
                self.ended_without(job_id, row, messages)
            case "failed":
                self.report.failed += 1
                self.report.reasons[json.loads(row["error"])["key"]] += 1
                self.given_up(job_id, row)
                self.ended_without(job_id, row, messages)
            case state:
                self.complain(f"{job_id}: still {state}")
        if row["delivery"] == "pending" or row["interaction_token"] is not None:
            self.complain(f"{job_id}: its delivery is {row['delivery']}, its token kept")

    def given_up(self, job_id: str, row: Any) -> None:
        """Only over the second process that ended while it was drawn."""
        if (json.loads(row["error"])["key"] == "job_ended_process") != (row["attempts"] >= 2):
            self.complain(f"{job_id}: {row['error']} after {row['attempts']} attempts")

    def delivered(self, job_id: str, row: Any, messages: list[Message]) -> None:
        """Exactly one message, with exactly these pictures, where its user sees it."""
        if row["attempts"] > 1:
            self.complain(f"{job_id}: it was drawn after {row['attempts']} attempts")
        if self.is_beyond_knowing(row, messages):
            self.report.twice_private += 1
            return
        if len(messages) != 1:
            self.complain(f"{job_id}: {len(messages)} messages with its pictures, not 1")
            return
        (message,) = messages
        numbers = sorted(int(match["number"]) for _, match in files(message))
        stored = sorted(position + 1 for job, position in self.hashes if job == job_id)
        if numbers != stored or len(stored) + self.held[job_id] != row["pictures"]:
            self.complain(f"{job_id}: pictures {numbers} of {row['pictures']} were posted")
        self.report.complaints += sheet_complaints(row, message, shown=len(numbers))
        if message.deleted_at is not None and message.id not in self.activity.deleted:
            self.complain(f"{job_id}: its message is gone")
        if not self.reaches(row, message):
            self.complain(f"{job_id}: its message is not where its user sees it")
        if job_of(message) is not None:
            self.complain(f"{job_id}: delivered, and still with a Cancel button")
        for data, match in files(message):
            if f", {LORA}zq" in (said := read_parameters(data) or "") and "Lora hashes" not in said:
                self.complain(f"{job_id}: drawn without its LoRA")
            stored = self.hashes.get((job_id, int(match["number"]) - 1))
            if stored != sha256(data).hexdigest():
                self.complain(f"{job_id}: a file that was posted is not the one that is stored")

    def is_over(self, row: Any) -> bool:
        """Whether the job's interaction token is."""
        return row["token_expires_at"] < self.stage.world.time()

    def is_beyond_knowing(self, row: Any, messages: list[Message]) -> bool:
        """Killed between the edit of a private message and its entry, and back only after its token
        was over: nobody can look whether it arrived, so a direct message is sent as well. The same
        where a moderator released one of its pictures later: its token is forgotten by then."""
        return bool(row["private"]) and self.is_private_twice(messages)

    def is_private_twice(self, messages: list[Message]) -> bool:
        """Once where only its user sees it, and once as a direct message to the same person."""
        seen_by = [each.ephemeral_for for each in messages if each.ephemeral_for is not None]
        channels = [
            self.stage.world.channel(each.channel_id)
            for each in messages
            if each.ephemeral_for is None
        ]
        return (
            len(seen_by) == len(channels) == 1
            and channels[0].type == ChannelType.DM
            and channels[0].recipient_ids == seen_by
        )

    def reaches(self, row: Any, message: Message) -> bool:
        """Whether the job's user sees the message, and a private one nobody else."""
        channel = self.stage.world.channel(message.channel_id)
        direct = channel.type == ChannelType.DM and channel.recipient_ids == [row["user_id"]]
        if row["private"]:
            return direct or message.ephemeral_for == row["user_id"]
        return channel.id == row["channel_id"] and message.ephemeral_for is None

    def ended_without(self, job_id: str, row: Any, messages: list[Message]) -> None:
        """No pictures, the quota refunded, and no message that still promises any."""
        if messages:
            self.complain(f"{job_id}: {row['state']}, yet its pictures were posted")
        if self.refunds.get(job_id) != 1:
            self.complain(f"{job_id}: {row['state']}, and its quota was not given back")
        # A private message can't be changed any more once its token is over: it is kept then.
        out_of_reach = row["delivery"] == "kept" and row["private"] and self.is_over(row)
        if job_id in self.waiting and not out_of_reach and not self.was_told_anew(job_id, row):
            self.complain(f"{job_id}: {row['state']}, and its message still waits")

    def was_told_anew(self, job_id: str, row: Any) -> bool:
        """Back only after the token was over, and the message that waits can't be changed without
        it: a private one, or one of which a killed bot did not enter that it shows the job. So the
        failure was reported in a new one."""
        told = self.stage.world.messages.get(row["message_id"] or 0)
        return (
            row["state"] == "failed"
            and row["delivery"] == "delivered"
            and told is not None
            and job_of(told) != job_id
            and told.created_at >= row["token_expires_at"]
        )

    def quota(self) -> None:
        """What counts for each person is what was posted for them."""
        posted: Counter[int] = Counter()
        for job_id, messages in self.posted.items():
            if job_id in self.rows:
                user_id = self.rows[job_id]["user_id"]
                shown = max(sum(1 for _ in files(message)) for message in messages)
                posted[user_id] += shown - self.released[job_id]
        for job_id, erased in self.activity.erased.items():
            if job_id not in self.rows:  # what is deleted stays used
                posted[erased.user_id] += erased.pictures
        ledger = self.stage.query(
            "SELECT user_id, SUM(pictures) AS used FROM quota_uses WHERE refunded = 0"
            " GROUP BY user_id"
        )
        counted = Counter({row["user_id"]: row["used"] for row in ledger})
        del posted[LEAVER], counted[LEAVER]  # some of their jobs went before they were posted
        if posted != counted:
            self.complain(f"quota: posted {dict(posted)}, counted {dict(counted)}")

    def database(self) -> None:
        """No row names another that is not there."""
        for row in self.stage.query("SELECT job_id FROM drawing"):
            self.complain(f"{row['job_id']}: still in an engine's hand")
        for row in self.stage.query("PRAGMA foreign_key_check"):
            self.complain(f"dangling row in {row[0]}, which names {row[2]}")
        for row in self.stage.query("PRAGMA integrity_check"):
            if row[0] != "ok":
                self.complain(f"damaged database: {row[0]}")
        wrong = self.stage.query(
            "SELECT jobs.id, jobs.state, jobs.pictures, COUNT(pictures.id) AS made,"
            " (SELECT COUNT(*) FROM withheld WHERE job_id = jobs.id AND state <> 'released')"
            " AS held FROM jobs LEFT JOIN pictures ON pictures.job_id = jobs.id GROUP BY jobs.id"
            " HAVING made != CASE jobs.state WHEN 'finished' THEN jobs.pictures - held ELSE 0 END"
        )
        for row in wrong:
            self.complain(f"{row['id']}: {row['state']} with {row['made']} of {row['pictures']}")
