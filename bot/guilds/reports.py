"""Reports: members report pictures, the server's moderators decide, the members are notified.

Who reported is stored only to answer them; it is shown neither to the maker nor to anybody else.
"""

from dataclasses import dataclass, replace
from typing import Final

from bot.common.actor import Actor
from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.guilds.moderators import Moderators, checked_reason
from bot.jobs.accept.limits import HOUR_S
from bot.library.results import Results
from bot.moderation.audit import Audit
from data.gallery import entries
from data.guilds import reports
from data.guilds.audit import AuditEvent, AuditKind
from data.guilds.reports import Answer, Decision, Report
from data.jobs import jobs
from data.jobs.jobs import JobRecord
from data.store.connection import Connection
from data.store.database import Database
from data.store.ids import new_id
from pipeline.errors import RefusedError

CLAIM_HOLDS_S: Final = HOUR_S
"""How long a report stays reserved for the moderator who took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReport:
    """A report with its job (None: deleted), and how many are open."""

    report: Report
    job: JobRecord | None
    count: int


class Reports:
    """Files and decides reports. Reporters are answered through the outbox."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        results: Results,
        moderators: Moderators,
        clock: Clock,
    ) -> None:
        self._database = database
        self._audit = audit
        self._results = results
        self._moderators = moderators
        self._clock = clock
        self._deciding: dict[str, tuple[Actor, Report, Decision]] = {}  # by the job to be deleted
        results.on_delete.append(self._picture_deleted)

    async def report(
        self,
        actor: Actor,
        job_id: str,
        *,
        shown: tuple[int, int] | None,
        reason: str,
        locale: str,
    ) -> bool:
        """Report a request of this server that `actor` can see, also in its gallery; False if they
        already had. `shown`: channel and message for moderators to look at; None: the job's own.

        RefusedError `picture_unknown`, `report_own` (delete it instead), `report_here`: in direct
        messages there are no moderators.
        """
        reason = checked_reason(reason)
        async with self._database.transaction() as connection:
            job = await jobs.get(connection, job_id=job_id)
            if job is None or not await self._sees(connection, actor, job):
                raise RefusedError("picture_unknown")
            if job.user_id == actor.user_id:
                raise RefusedError("report_own")
            if job.guild_id is None:
                raise RefusedError("report_here")
            now = self._clock.time()
            report_id = await reports.open_report(
                connection,
                report_id=new_id(),
                guild_id=job.guild_id,
                job_id=job_id,
                maker_id=job.user_id,
                channel_id=job.channel_id if shown is None else shown[0],
                message_id=(job.message_id or 0) if shown is None else shown[1],
                now=now,
            )
            is_new = await reports.join(
                connection,
                report_id=report_id,
                user_id=actor.user_id,
                reason=reason,
                locale=locale,
                now=now,
            )
            if is_new:
                # Without an actor, because the maker may be able to read the log.
                details = {"report": report_id}
                await self._audit.record_of(connection, job, AuditKind.REPORTED, details)
        hit("picture_reported")
        return is_new

    async def _sees(self, connection: Connection, actor: Actor, job: JobRecord) -> bool:
        if self._results.may_see(actor, job):
            return True
        here = actor.guild_id
        return here is not None and await entries.shows(connection, guild_id=here, job_id=job.id)

    async def next(self, actor: Actor, *, after: str | None = None) -> OpenReport | None:
        """The server's oldest open report, except about this moderator's own pictures."""
        assert actor.guild_id is not None
        async with self._database.reader() as connection:
            found = await reports.next_open(
                connection, guild_id=actor.guild_id, not_of=actor.user_id, after=after
            )
            return None if found is None else await _opened(connection, actor, found)

    async def claim(self, actor: Actor, report_id: str) -> OpenReport:
        """Take a report. RefusedError `report_gone` (decided), `report_claimed` (by another)."""
        async with self._database.transaction() as connection:
            await self._claim_in(connection, actor, report_id)
            taken = await reports.get(connection, report_id=report_id)
            assert taken is not None, "it was there in this transaction"
            return await _opened(connection, actor, taken)

    async def dismiss(self, actor: Actor, report_id: str) -> None:
        """Close the report without action. Raises RefusedError as `claim`."""
        await self._decide(actor, report_id, "dismissed")

    async def delete(self, actor: Actor, report_id: str, *, reason: str = "") -> None:
        """Delete what was reported, everywhere. Raises RefusedError as `claim`."""
        await self._delete(actor, (await self.claim(actor, report_id)).report, reason)

    async def block(
        self, actor: Actor, report_id: str, *, duration_s: float | None, reason: str
    ) -> Report:
        """Block the maker and delete what was reported. Raises RefusedError as `claim`.

        The report is closed with the deletion, or last: after a crash in between it is still open,
        and deciding again finishes the rest.
        """
        report = (await self.claim(actor, report_id)).report
        await self._moderators.block(
            actor, subject_id=report.maker_id, duration_s=duration_s, reason=reason
        )
        hit("report_maker_blocked")
        try:
            await self._delete(actor, report, reason, decision="blocked")
        except RefusedError as error:
            if error.key != "job_open":
                raise
            await self._decide(actor, report_id, "blocked")
        return report

    async def answer(self, report_id: str, user_id: int) -> Answer | None:
        """The answer to a reporter; None if there is nothing to answer any more."""
        return await self._database.read(reports.answer_of, report_id=report_id, user_id=user_id)

    async def _delete(
        self, actor: Actor, report: Report, reason: str, *, decision: Decision = "deleted"
    ) -> None:
        """The deletion closes the report in its own transaction (`_picture_deleted`)."""
        moderator = replace(actor, is_moderator=True)  # which the caller checked
        self._deciding[report.job_id] = (actor, report, decision)
        try:
            await self._results.delete(report.job_id, actor=moderator, reason=reason)
        except RefusedError as error:
            if error.key != "job_unknown":
                raise
            raise RefusedError("report_gone") from error  # its maker was faster
        finally:
            self._deciding.pop(report.job_id, None)

    async def _decide(self, actor: Actor, report_id: str, decision: Decision) -> None:
        async with self._database.transaction() as connection:
            report = await self._claim_in(connection, actor, report_id)
            await self._decide_in(connection, actor, report, decision)
        hit("report_decided")

    async def _decide_in(
        self, connection: Connection, actor: Actor, report: Report, decision: Decision
    ) -> None:
        await reports.decide(
            connection,
            report_id=report.id,
            decision=decision,
            by=actor.user_id,
            now=self._clock.time(),
        )
        event = AuditEvent(
            kind=AuditKind.REPORT_DECIDED,
            guild_id=report.guild_id,
            channel_id=report.channel_id,
            actor_id=actor.user_id,
            user_id=report.maker_id,
            job_id=report.job_id,
            details={"report": report.id, "decision": decision},
        )
        await self._audit.record_in(connection, event)

    async def _claim_in(self, connection: Connection, actor: Actor, report_id: str) -> Report:
        found = await reports.get(connection, report_id=report_id)
        if found is None or found.guild_id != actor.guild_id or found.state != "open":
            raise RefusedError("report_gone")
        if found.maker_id == actor.user_id:
            raise RefusedError("report_about_you")
        now = self._clock.time()
        if not await reports.claim(
            connection,
            report_id=report_id,
            by=actor.user_id,
            now=now,
            stale_before=now - CLAIM_HOLDS_S,
        ):
            raise RefusedError("report_claimed")
        return found

    async def _picture_deleted(self, connection: Connection, job: JobRecord) -> None:
        if job.id in self._deciding:
            await self._decide_in(connection, *self._deciding[job.id])
        await reports.picture_gone(connection, job_id=job.id, now=self._clock.time())


async def _opened(connection: Connection, actor: Actor, report: Report) -> OpenReport:
    assert actor.guild_id is not None
    return OpenReport(
        report=report,
        job=await jobs.get(connection, job_id=report.job_id),
        count=await reports.count_open(connection, guild_id=actor.guild_id, not_of=actor.user_id),
    )
