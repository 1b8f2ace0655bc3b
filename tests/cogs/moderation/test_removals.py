"""Messages in closed threads are removed once the thread allows it, and others go on."""

import pytest

from bot.playground.simulator.default_world import IDS
from data.guilds import outbox
from tests.cogs.refusals import THREAD, attempts, in_a_thread
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import open_bot
from tests.support.patience import until


async def ask_removal(running: Running, channel_id: int, message_id: int) -> None:
    async with running.services.database.transaction() as connection:
        await outbox.put(
            connection, kind="message_removal", key=f"{channel_id}:{message_id}",
            lane=f"removal:{channel_id}", guild_id=IDS.guild,
            payload={"channel_id": channel_id, "message_id": message_id},
        )  # fmt: skip


@pytest.mark.parametrize("locked", [False, True])
async def test_a_message_in_a_closed_thread_is_removed_or_parked_and_others_go(
    place: Discord, *, locked: bool
) -> None:
    async with open_bot(place) as running:
        message_id = await in_a_thread(place, running)
        place.loopback.changes.archive(THREAD, locked=locked)
        other = await running.bot.get_partial_messageable(IDS.general).send("another")
        await ask_removal(running, THREAD, message_id)
        await ask_removal(running, IDS.general, other.id)
        await until(lambda: place.world.messages[other.id].deleted_at is not None)
        if locked:
            await until(lambda: attempts(running, f"removal:{THREAD}"))
            assert place.world.messages[message_id].deleted_at is None
            place.loopback.changes.unlock(THREAD)
        await until(lambda: place.world.messages[message_id].deleted_at is not None)
