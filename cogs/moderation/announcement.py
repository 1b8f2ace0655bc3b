"""A message to everybody whose picture is waiting or being drawn, such as before a restart."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import discord

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.kinds import Kind, channel_lane, person_lane
from cogs.common.languages import guild_locale
from cogs.common.sent_before import sent_before
from cogs.common.words import quoted
from data.guilds import outbox
from data.guilds.outbox import OutboxItem
from data.jobs.jobs import JobRecord
from data.shipped.text import speaking, text
from data.store.ids import new_id

STALE_S: Final = 900.0
"""An announcement that could not be sent for this long is dropped."""


def enter(bot: EkakiBot) -> None:
    """Register the outbox's sender."""

    async def send(item: OutboxItem) -> None:
        await _send(bot, item)

    bot.services.outbox.senders[Kind.ANNOUNCEMENT] = send


async def announce(bot: EkakiBot, words: str) -> int:
    """Notify each of them once: in the channel where they wait, or directly if that is private.
    Returns how many people that are."""
    waiting = [job for job in await bot.services.jobs.to_present() if job.ended_at is None]
    public: defaultdict[tuple[int | None, int], set[int]] = defaultdict(set)
    for job in waiting:
        if not job.private:
            public[job.guild_id, job.channel_id].add(job.user_id)
    reached = set[int]().union(*public.values())
    alone = _one_each(waiting, without=reached)
    name = new_id()
    async with bot.services.database.transaction() as connection:
        for (guild_id, channel_id), users in public.items():
            await outbox.put(
                connection,
                kind=Kind.ANNOUNCEMENT,
                key=f"{name}:{channel_id}",
                lane=channel_lane("announcement", channel_id),
                guild_id=guild_id,
                payload={"words": words, "channel_id": channel_id, "users": sorted(users)},
            )
        for job in alone:
            await outbox.put(
                connection,
                kind=Kind.ANNOUNCEMENT,
                key=f"{name}:{job.user_id}",
                lane=person_lane(job.user_id),
                payload={"words": words, "job_id": job.id},
            )
    return len(reached) + len(alone)


def _one_each(jobs: Iterable[JobRecord], *, without: set[int]) -> list[JobRecord]:
    """The newest job of each person who is not in `without`."""
    newest = {job.user_id: job for job in jobs}
    return [job for user_id, job in newest.items() if user_id not in without]


async def _send(bot: EkakiBot, item: OutboxItem) -> None:
    if bot.services.clock.time() - item.put_at > STALE_S:
        return
    nonce = sha256(item.key.encode()).hexdigest()[:25]  # 25 characters at most, Discord
    if "channel_id" in item.payload:
        await _tell_channel(bot, item, nonce)
    else:
        job = await bot.services.jobs.job(str(item.payload["job_id"]))
        if job is not None:
            await _tell_privately(bot, item, job, nonce)
    hit("announced_unmarked")


async def _tell_channel(bot: EkakiBot, item: OutboxItem, nonce: str) -> None:
    """In the language of the server, as all of them read it."""
    channel_id = int(item.payload["channel_id"])
    guild = None if item.guild_id is None else bot.get_guild(item.guild_id)
    users = [int(user) for user in item.payload["users"]]
    with speaking(guild_locale(bot, guild)):
        names = " ".join(f"<@{user}>" for user in users)
        words = quoted(str(item.payload["words"]), 500)
        content = text("owner.announcement", users=names, words=words)
    mentions = discord.AllowedMentions(
        everyone=False, roles=False, users=[discord.Object(user) for user in users]
    )
    channel = bot.get_partial_messageable(channel_id)
    content = content[:2000]
    if not await sent_before(bot, channel, item, content=content, repeats=True):
        await channel.send(content, allowed_mentions=mentions, nonce=nonce)


async def _tell_privately(bot: EkakiBot, item: OutboxItem, job: JobRecord, nonce: str) -> None:
    """Notify one person: where they asked if possible, otherwise by direct message."""
    with speaking(job.locale):
        words = quoted(str(item.payload["words"]), 500)
        content = text("owner.announcement", users=f"<@{job.user_id}>", words=words)
    content = content[:2000]
    if await _answered(bot, job, content):
        return
    direct = await bot.create_dm(discord.Object(job.user_id))
    if not await sent_before(bot, direct, item, content=content, repeats=True):
        await direct.send(content, nonce=nonce)


async def _answered(bot: EkakiBot, job: JobRecord, content: str) -> bool:
    """Notify them where they asked, if Discord still accepts that; returns whether it did."""
    if not job.interaction_token:
        return False
    try:
        await _answer_to(bot, job, job.interaction_token).send(content, ephemeral=True)
    except discord.HTTPException as error:
        if error.status not in {401, 404}:
            raise
        return False
    return True


def _answer_to(bot: EkakiBot, job: JobRecord, token: str) -> discord.Webhook:
    """The webhook of an earlier interaction; that of `Webhook.partial` is never ephemeral."""
    return discord.Webhook.from_state(
        {"id": job.application_id, "type": 3, "token": token},
        bot._connection,  # pyright: ignore[reportPrivateUsage] - as discord.py's own followups
    )
