"""What was sent before is recognised, whatever our clock shows."""

import pytest

from bot.outbox.kinds import Kind
from bot.playground.simulator.default_world import IDS
from cogs.common.sent_before import sent_before
from data.guilds import outbox
from data.guilds.outbox import OutboxItem
from tests.cogs.gallery.helpers import (
    dispatcher,
)
from tests.cogs.running import Discord
from tests.cogs.visitors import open_bot


async def test_what_was_sent_is_found_though_our_clock_was_ahead(place: Discord) -> None:
    async with open_bot(place) as running:
        channel = running.bot.get_partial_messageable(IDS.art)
        await channel.send("what became of it")
        item = OutboxItem(
            id=1, kind="report_answer", key="", lane="", guild_id=None, payload={}, changes=1,
            state="waiting", attempts=0, due_at=0, put_at=place.clock.time() + 3600,
            last_error=None,
        )  # fmt: skip
        assert await sent_before(running.bot, channel, item, content="what became of it")
        assert not await sent_before(running.bot, channel, item, content="another")


@pytest.mark.parametrize("shift_s", [-86400, 0, 86400])
async def test_what_may_be_said_again_is_told_from_what_was_said_without_our_clock(
    place: Discord, shift_s: int
) -> None:
    async with open_bot(place) as running:
        services, channel = running.services, running.bot.get_partial_messageable(IDS.art)
        place.clock.shift_s += shift_s  # this machine's clock alone
        await dispatcher(running).stop()
        for _ in range(2):
            await services.database.write(
                outbox.put, kind=Kind.ANNOUNCEMENT, key="restart", lane="art"
            )
            for was_sent in (False, True):  # killed between the send and its entry
                (item,) = await services.outbox.due_in("art")
                found = await sent_before(running.bot, channel, item, content="soon", repeats=True)
                assert found == was_sent
                if not found:
                    await channel.send("soon")
            await services.outbox.done(item)
