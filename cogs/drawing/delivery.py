"""Delivers a job's message to its user: `cogs.drawing.ways` in order, until one works.

Public: edit the original response, edit the message with the bot's token, send to the channel.
Private: edit the original response, edit the earlier direct message about the job, send one; never
the channel. An edit may be repeated; a new message is sent only when no edit can have arrived, and
with the job as nonce. Source: Discord: a token is valid for 15 minutes, then 401 with code 50027.
"""

import asyncio
import logging
from collections.abc import Iterator
from itertools import chain, repeat

import discord

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.verdict import Verdict, verdict_of
from cogs.common.errors import TOKEN_OVER, UNREACHABLE
from cogs.common.messages import Outgoing
from cogs.drawing.verdicts import (
    CLOSED,
    CLOSED_CODES,
    TOO_LARGE,
    UNWANTED_CODES,
    Refused,
    TooLarge,
    Unwanted,
    passes,
)
from cogs.drawing.ways import Sent, Way, Ways
from data.jobs.jobs import JobRecord
from data.shipped.text import text

_log = logging.getLogger(__name__)

BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds between rounds of attempts; the last one is repeated as long as the bot runs."""
UPDATES_PAUSE_S = 30.0
"""After an update that was refused: each attempt counts for Discord's rate limits."""
_UNFORESEEN = 3  # rounds that end in an unexpected error
_WHISPERS = 3  # attempts to send a private message


class Delivery:
    """The ways of one job. `resumed`: an earlier run of the bot may have sent the end already.

    `refusal`: Discord's answer in the place where the end belongs, if that may change: a permission
    can be granted again, a deleted channel, message or person does not return.
    """

    def __init__(
        self,
        bot: EkakiBot,
        job: JobRecord,
        *,
        message_id: int | None,
        resumed: bool = False,
        backoff_s: tuple[float, ...] = BACKOFF_S,
    ) -> None:
        self._bot = bot
        self._job = job
        self._ways = Ways(bot, job, message_id=message_id)
        self._look_first = resumed
        self._backoff_s = backoff_s
        self.refusal: discord.HTTPException | None = None
        self._unwanted: Unwanted | None = None
        self._unforeseen = 0
        self._updates_from = 0.0

    async def update(self, message: Outgoing) -> None:
        """Try once to show an intermediate state. Never raises for problems of Discord. While no
        message can be edited (it was deleted, permissions are missing), only now and then."""
        now = asyncio.get_running_loop().time()
        if now < self._updates_from:
            return
        for way in self._ways.edits():
            try:
                await self._attempt(way, message)
            except (Refused, Unwanted):
                continue
            except (TooLarge, *UNREACHABLE) as error:
                _log.debug("An update of job %s was lost: %s", self._job.id, error)
            return
        self._updates_from = now + UPDATES_PAUSE_S

    async def deliver(self, message: Outgoing, *, may_send: bool = True) -> Sent | None:
        """Show the end of the job; None if its user can't be reached.

        `may_send` False: only edit existing messages. Temporary problems are waited out. TooLarge
        if Discord rejects the files, Unwanted if it rejects the message in every way; other
        exceptions are errors that kept recurring.
        """
        hit("delivery_begins")
        self._unwanted, self._unforeseen = None, 0
        edits = self._ways.edits()
        ways = (
            [*edits, *self._ways.anew()]
            if may_send
            else [*edits, *self._ways.edits_in_closed_threads()]
        )
        pauses: Iterator[float] = chain(self._backoff_s, repeat(self._backoff_s[-1]))
        while ways:
            sent = await self._round(ways, message)
            if sent is not None:
                hit("delivered_unmarked")
                return sent
            if ways:
                await asyncio.sleep(next(pauses))
        if self._unwanted is not None:
            raise self._unwanted
        return None

    async def whisper(self, message: Outgoing) -> bool:
        """Send another message to the user only. Returns whether it reached them."""
        for way in (self._ways.follow_up, self._ways.send_direct):
            for pause_s in self._backoff_s[:_WHISPERS]:
                try:
                    await self._attempt(way, message)
                except (Refused, TooLarge, Unwanted):
                    break
                except UNREACHABLE as error:
                    _log.warning("What ended job %s is not told yet: %s", self._job.id, error)
                    await asyncio.sleep(pause_s)
                else:
                    return True
        return False

    async def _round(self, ways: list[Way], message: Outgoing) -> Sent | None:
        """Try each way once and drop those that are closed."""
        try:
            if self._look_first and message.attachments:
                found = await self._ways.find_sent(message)
                if found is not None:
                    return found
            for way in tuple(ways):
                if way == self._ways.send_new and self._unwanted is not None:
                    # The waiting message exists and can be edited to say so.
                    ways.clear()
                    break
                self._look_first |= way == self._ways.send_new  # from now on it may have arrived
                try:
                    return await self._attempt(way, message)
                except (Refused, Unwanted) as error:
                    ways.remove(way)
                    if isinstance(error, Unwanted):
                        self._unwanted = error
        except UNREACHABLE as error:
            # The other ways must wait: this one may have arrived despite the error, and a duplicate
            # would be worse than a delay.
            _log.warning("Job %s is not delivered yet: %s", self._job.id, error)
        except TooLarge:
            raise
        except Exception:
            # A bug in our code, or an answer that is not from Discord: the next attempt may
            # succeed.
            self._unforeseen += 1
            if self._unforeseen >= _UNFORESEEN:
                raise
            _log.exception("Job %s is not delivered yet", self._job.id)
        return None

    async def mention(self, sent: Sent) -> None:
        """Mention the user in a new message, because an edit notifies nobody."""
        channel = self._bot.get_partial_messageable(
            self._job.channel_id, guild_id=self._job.guild_id
        )
        url = channel.get_partial_message(sent.message_id).jump_url
        try:
            await channel.send(
                text("result.mention", user=f"<@{self._job.user_id}>", url=url),
                allowed_mentions=self._ways.addressee(),
                nonce=f"{self._job.id}-mention",
            )
        except UNREACHABLE as error:
            _log.info("The mention for job %s was not sent: %s", self._job.id, error)

    async def _attempt(self, way: Way, message: Outgoing) -> Sent:
        """Try one way. Refused if it is closed, TooLarge or Unwanted if Discord rejects the
        message, other exceptions for temporary problems."""
        try:
            return await way(message)
        except discord.HTTPException as error:
            if error.status in TOO_LARGE or error.code in TOO_LARGE:
                raise TooLarge from error
            if passes(error):
                raise
            _log.info(
                "Job %s can't be shown by %s: %s %s",
                self._job.id, getattr(way, "__name__", "?"), error.status, error.code,
            )  # fmt: skip
            by_token = way in {self._ways.edit_by_token, self._ways.follow_up}
            self._ways.token_over |= by_token and error.code in TOKEN_OVER
            if not by_token and verdict_of(error.status, error.code) is not Verdict.GIVE_UP:
                self.refusal = error
            is_closed = error.status in CLOSED or error.code in CLOSED_CODES
            if is_closed and error.code not in UNWANTED_CODES:
                raise Refused from error
            raise Unwanted(error.code) from error
