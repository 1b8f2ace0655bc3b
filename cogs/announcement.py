"""A word to everybody whose picture waits or is being drawn, such as before a restart."""

import logging
from collections import defaultdict
from collections.abc import Iterable

import discord

from bot.client import EkakiBot
from cogs.errors import UNREACHABLE
from cogs.languages import guild_locale
from cogs.words import quoted
from data.jobs import JobRecord
from data.text import speaking, text

_log = logging.getLogger(__name__)


async def announce(bot: EkakiBot, words: str) -> int:
    """Tell them, each once: in the channel where they wait, or to themselves where that is private.
    Gives how many people were reached."""
    waiting = [job for job in await bot.services.jobs.to_present() if job.ended_at is None]
    public: defaultdict[int, set[int]] = defaultdict(set)
    reached: set[int] = set()
    for job in waiting:
        if not job.private:
            public[job.channel_id].add(job.user_id)
    for channel_id, users in public.items():
        if await _tell_channel(bot, channel_id, sorted(users), words):
            reached |= users
    for job in _one_each(waiting, without=reached):
        if await _tell_privately(bot, job, words):
            reached.add(job.user_id)
    return len(reached)


def _one_each(jobs: Iterable[JobRecord], *, without: set[int]) -> list[JobRecord]:
    """The newest job of each person who is not in `without`."""
    newest = {job.user_id: job for job in jobs}
    return [job for user_id, job in newest.items() if user_id not in without]


async def _tell_channel(bot: EkakiBot, channel_id: int, users: list[int], words: str) -> bool:
    """In the language of the server, as all of them read it."""
    channel = bot.get_partial_messageable(channel_id)
    known = bot.get_channel(channel_id)
    guild = getattr(known, "guild", None)
    with speaking(guild_locale(bot, guild)):
        names = " ".join(f"<@{user}>" for user in users)
        content = text("owner.announcement", users=names, words=quoted(words, 500))
    mentions = discord.AllowedMentions(
        everyone=False, roles=False, users=[discord.Object(user) for user in users]
    )
    try:
        await channel.send(content[:2000], allowed_mentions=mentions)
    except UNREACHABLE as error:
        _log.warning("The announcement did not reach channel %s: %s", channel_id, error)
        return False
    return True


async def _tell_privately(bot: EkakiBot, job: JobRecord, words: str) -> bool:
    """To one person: where they asked while that is possible, else as a direct message."""
    with speaking(job.locale):
        content = text("owner.announcement", users=f"<@{job.user_id}>", words=quoted(words, 500))
    content = content[:2000]
    try:
        if not await _answered(bot, job, content):
            user = bot.get_user(job.user_id) or await bot.fetch_user(job.user_id)
            await user.send(content)
    except UNREACHABLE as error:
        _log.warning("The announcement did not reach %s: %s", job.user_id, error)
        return False
    return True


async def _answered(bot: EkakiBot, job: JobRecord, content: str) -> bool:
    """Whether they could be told where they asked: Discord knows best if that is still possible."""
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
    """What answers an earlier interaction; `Webhook.partial` makes one that is never ephemeral."""
    return discord.Webhook.from_state(
        {"id": job.application_id, "type": 3, "token": token},
        bot._connection,  # pyright: ignore[reportPrivateUsage] - as discord.py's own followups
    )
