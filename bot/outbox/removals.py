"""Messages to delete in the background because what they show was deleted."""

from bot.outbox.kinds import Kind, removal_lane
from data.guilds import outbox
from data.jobs.jobs import JobRecord
from data.store.connection import Connection


async def remove_message(
    connection: Connection, *, channel_id: int, message_id: int, guild_id: int | None
) -> None:
    """Queue one message for deletion once the open transaction is committed."""
    await outbox.put(
        connection,
        kind=Kind.MESSAGE_REMOVAL,
        key=f"{channel_id}:{message_id}",
        lane=removal_lane(channel_id),
        guild_id=guild_id,
        payload={"channel_id": channel_id, "message_id": message_id},
    )


async def remove_messages_of(connection: Connection, job: JobRecord) -> None:
    """Queue the messages of a deleted job for deletion. If its delivery was not recorded, a message
    with its pictures may exist or be on its way without a known id: it is searched for. The bot
    can't reach private ones."""
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
