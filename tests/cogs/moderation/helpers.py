"""What moderation left in the log and in the outbox."""

import asyncio

from bot.playground.simulator.default_world import IDS
from data.guilds import audit, outbox
from data.guilds.audit import AuditEntry
from tests.cogs.running import Discord, Running
from tests.support.member import InteractionView
from tests.support.patience import PATIENCE_S
from tests.support.views import MessageView


async def log(running: Running) -> list[AuditEntry]:
    """Everything, the oldest first."""
    async with running.services.database.reader() as reader:
        return (await audit.page(reader, guild_id=None, offset=0, limit=100))[::-1]


async def nothing_to_tell(running: Running) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with running.services.database.reader() as reader:
                if not sum((await outbox.counts(reader)).values()):
                    return
            await asyncio.sleep(0.02)


def lose_role(place: Discord) -> None:
    place.loopback.changes.set_roles(IDS.guild, IDS.moderator, [])


def shown(sent: InteractionView) -> MessageView:
    assert sent.message is not None
    return sent.message
