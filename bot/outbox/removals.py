"""Messages that the bot is to delete in the background, because what they show was deleted."""

from bot.outbox.kinds import Kind, removal_lane
from data.guilds import outbox
from data.jobs.jobs import JobRecord
from data.store.connection import Connection


async def remove_message(
    connection: Connection, *, channel_id: int, message_id: int, guild_id: int | None
) -> None:
    """Have one message deleted once the open transaction is committed."""
    await outbox.put(
        connection,
        kind=Kind.MESSAGE_REMOVAL,
        key=f"{channel_id}:{message_id}",
        lane=removal_lane(channel_id),
        guild_id=guild_id,
        payload={"channel_id": channel_id, "message_id": message_id},
    )


async def remove_messages_of(connection: Connection, job: JobRecord) -> None:
    """Have the messages of a deleted job deleted. Where its end was not entered as told, a message
    with its pictures may be there whose id is not known, or be on its way: it is searched for. A
    private one is out of the bot's reach."""
    if job.private:
        return
    if job.message_id is not None:
        await remove_message(
            connection,
            channel_id=job.channel_id,
            message_id=job.message_id,
            guild_id=job.guild_id,
        )
    if job.delivery != "delivered":
        await outbox.put(
            connection,
            kind=Kind.MESSAGE_REMOVAL,
            key=f"{job.channel_id}:{job.id}",
            lane=removal_lane(job.channel_id),
            guild_id=job.guild_id,
            payload={"channel_id": job.channel_id, "job_id": job.id},
        )
