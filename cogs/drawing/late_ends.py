"""Ends of jobs whose place was closed when they ended: delivered by the outbox once it opens.

The pictures are in /history meanwhile.
"""

from bot.client.client import EkakiBot
from bot.outbox.kinds import Kind
from cogs.common.known import channel_of
from cogs.drawing.presenters import Presenters
from data.guilds.outbox import OutboxItem
from data.jobs.jobs import JobRecord


def enter(bot: EkakiBot, presenters: Presenters) -> None:
    """Register the outbox's sender."""

    async def send(item: OutboxItem) -> None:
        job = await bot.services.jobs.job(item.key)
        # A missing job was deleted; one in another state was delivered or is being delivered.
        if job is None or job.delivery != "kept" or await _place_is_gone(bot, job):
            return
        refusal = await presenters.tell_late(job)
        if refusal is not None:
            raise refusal

    bot.services.outbox.senders[Kind.JOB_END] = send


async def _place_is_gone(bot: EkakiBot, job: JobRecord) -> bool:
    """Raises PlaceUnknownError if the server is not known now."""
    if job.private or job.guild_id is None:
        return False
    return await channel_of(bot, job.guild_id, job.channel_id) is None
