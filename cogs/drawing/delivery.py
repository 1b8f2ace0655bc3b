"""The ways by which a job's message reaches its user, tried in order until one works.

Public: edit the original response, edit the message with the bot's token, send to the channel.
Private: edit the original response, edit the direct message that told of the job before, send one;
never the channel. An edit may be repeated; something new is sent only when no edit can have
arrived, and with the job as nonce.
Source: facts of Discord: a token lives 15 minutes, then 401 with code 50027.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any, TypeAlias, cast

import discord

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from bot.outbox.verdict import Verdict, verdict_of
from cogs.common.errors import UNREACHABLE
from cogs.common.messages import Outgoing
from cogs.common.threads import unarchived
from cogs.drawing import finding
from cogs.drawing.verdicts import (
    CLOSED,
    CLOSED_CODES,
    TOKEN_OVER,
    TOO_LARGE,
    UNWANTED_CODES,
    Refused,
    TooLarge,
    Unwanted,
    passes,
)
from data.jobs.jobs import JobRecord
from data.shipped.text import text

_log = logging.getLogger(__name__)

BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds between rounds of tries; the last one is repeated for as long as the bot lives."""
_UNFORESEEN = 3  # rounds that end in an error which nobody foresaw
_WHISPERS = 3  # tries to tell somebody something in private


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Where a message is. `new`: it was sent, so Discord notified its addressee."""

    message_id: int
    new: bool


Way: TypeAlias = Callable[[Outgoing], Awaitable[Sent]]


class Delivery:
    """The ways of one job. `resumed`: an earlier run of the bot may have sent the end already.

    `refusal`: what Discord answered in the place where the end belongs, if that may change: a
    permission can come back, a channel, message or person that is gone does not.
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
        self._message_id = message_id
        self._look_first = resumed
        self._token_over = job.interaction_token is None
        self._backoff_s = backoff_s
        self._looked = False
        self.refusal: discord.HTTPException | None = None
        self._unwanted: Unwanted | None = None
        self._unforeseen = 0

    async def update(self, message: Outgoing) -> None:
        """One try to show an intermediate state. Never raises for problems of Discord."""
        for way in self._edits():
            try:
                await self._attempt(way, message)
            except (Refused, Unwanted):
                continue
            except (TooLarge, *UNREACHABLE) as error:
                _log.debug("An update of job %s was lost: %s", self._job.id, error)
            return

    async def deliver(self, message: Outgoing, *, may_send: bool = True) -> Sent | None:
        """Show the end of the job; None where its user can't be reached.

        `may_send` False: only edit what is there. Temporary problems are waited out. TooLarge if
        Discord does not take the files, Unwanted if it takes something else of it by no way; other
        exceptions are faults that came again and again.
        """
        hit("delivery_begins")
        self._unwanted, self._unforeseen = None, 0
        edits = self._edits()
        ways = [*edits, *self._anew()] if may_send else [*edits, *self._edits_in_closed_threads()]
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
        """Tell the user alone, beside the job's message: whether that reached them."""
        for way in (self._follow_up, self._send_direct):
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
        """Try each way once and strike out those that are closed."""
        try:
            if self._look_first and message.attachments:
                found = await self._find_sent(message)
                if found is not None:
                    return found
            for way in tuple(ways):
                if way == self._send_new and self._unwanted is not None:
                    # The message that waits is there, and can be edited to say so.
                    ways.clear()
                    break
                self._look_first |= way == self._send_new  # from now on it may have arrived
                try:
                    return await self._attempt(way, message)
                except (Refused, Unwanted) as error:
                    ways.remove(way)
                    if isinstance(error, Unwanted):
                        self._unwanted = error
        except UNREACHABLE as error:
            # The rest of the ways has to wait: this one may have arrived in spite of the error,
            # and a second picture would be worse than a late one.
            _log.warning("Job %s is not delivered yet: %s", self._job.id, error)
        except TooLarge:
            raise
        except Exception:
            # A bug in our code, or an answer that does not come from Discord: perhaps not the next
            # time.
            self._unforeseen += 1
            if self._unforeseen >= _UNFORESEEN:
                raise
            _log.exception("Job %s is not delivered yet", self._job.id)
        return None

    async def mention(self, sent: Sent) -> None:
        """Call the user to a message that was edited, as an edit notifies nobody."""
        channel = self._bot.get_partial_messageable(
            self._job.channel_id, guild_id=self._job.guild_id
        )
        url = channel.get_partial_message(sent.message_id).jump_url
        try:
            await channel.send(
                text("result.mention", user=f"<@{self._job.user_id}>", url=url),
                allowed_mentions=self._addressee(),
                nonce=f"{self._job.id}-mention",
            )
        except UNREACHABLE as error:
            _log.info("The mention for job %s was not sent: %s", self._job.id, error)

    def _edits(self) -> list[Way]:
        """The ways that change the message which is there. Only its token edits a private one."""
        return [self._edit_by_token] if self._job.private else [
            self._edit_by_token, self._edit_by_bot,
        ]  # fmt: skip

    def _edits_in_closed_threads(self) -> list[Way]:
        """A new message would open the thread by itself; an edit does not."""
        return [] if self._job.private else [self._edit_opened]

    def _anew(self) -> list[Way]:
        """The ways that need no message by token or in the channel. A private job that ended may
        have been told by a direct message, and get a released picture now."""
        was_told = self._job.private and self._job.ended_at is not None
        return [self._edit_direct, self._send_new] if was_told else [self._send_new]

    async def _attempt(self, way: Way, message: Outgoing) -> Sent:
        """Go one way. Refused if it is closed, TooLarge or Unwanted if Discord does not take the
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
            by_token = way in {self._edit_by_token, self._follow_up}
            self._token_over |= by_token and error.code in TOKEN_OVER
            if not by_token and verdict_of(error.status, error.code) is not Verdict.GIVE_UP:
                self.refusal = error
            is_closed = error.status in CLOSED or error.code in CLOSED_CODES
            if is_closed and error.code not in UNWANTED_CODES:
                raise Refused from error
            raise Unwanted(error.code) from error

    async def _edit_by_token(self, message: Outgoing) -> Sent:
        token = self._job.interaction_token
        if token is None or self._token_over:  # as Discord says: this machine's clock may be wrong
            raise Refused
        webhook = discord.Webhook.partial(self._job.application_id, token, client=self._bot)
        # Discord takes "@original" for the first response; discord.py only types numbers.
        message_id = cast("int", self._message_id or "@original")
        edited = await webhook.edit_message(message_id, **self._content(message))
        self._message_id = edited.id
        return Sent(message_id=edited.id, new=False)

    async def _edit_by_bot(self, message: Outgoing) -> Sent:
        if self._message_id is None and not self._looked:
            self._message_id = await self._find_waiting()
            self._looked = True
        if self._message_id is None:
            raise Refused
        channel = self._bot.get_partial_messageable(self._job.channel_id)
        shown = channel.get_partial_message(self._message_id)
        await shown.edit(**self._content(message))
        return Sent(message_id=self._message_id, new=False)

    async def _edit_opened(self, message: Outgoing) -> Sent:
        """Where the thread is closed, it is opened for that."""
        await unarchived(self._bot, self._job.channel_id, partial(self._edit_by_bot, message))
        return Sent(message_id=self._message_id or 0, new=False)

    async def _edit_direct(self, message: Outgoing) -> Sent:
        """An ephemeral message has an id, too, but is no direct message: Discord says so."""
        if self._message_id is None:
            raise Refused
        channel = await self._bot.create_dm(discord.Object(self._job.user_id))
        await channel.get_partial_message(self._message_id).edit(**self._content(message))
        return Sent(message_id=self._message_id, new=False)

    async def _send_new(self, message: Outgoing) -> Sent:
        """To the channel with a mention; a private one as a direct message."""
        job = self._job
        if await self._bot.services.jobs.job(job.id) is None:
            raise Refused  # deleted by its owner meanwhile, and its message with it
        called = None if job.private else f"<@{job.user_id}>"
        hit("new_message_begins")
        sent = await (await self._target()).send(
            content="\n".join(part for part in (called, message.content) if part) or None,
            embeds=list(message.embeds),
            files=message.files(),
            allowed_mentions=self._addressee(),
            nonce=job.id,  # discord.py adds enforce_nonce: Discord drops a repeat
            **_buttons(message),
        )
        return Sent(message_id=sent.id, new=True)

    async def _follow_up(self, message: Outgoing) -> Sent:
        """An ephemeral message that follows the first response."""
        token = self._job.interaction_token
        if token is None or self._token_over:
            raise Refused
        payload: Any = {"id": self._job.application_id, "type": 3, "token": token}
        # As discord.py makes an interaction's `followup`; only an application's may be ephemeral.
        state = self._bot._connection  # pyright: ignore[reportPrivateUsage]
        webhook = discord.Webhook.from_state(payload, state)
        sent = await webhook.send(
            embeds=list(message.embeds),
            **_buttons(message),
            ephemeral=True,
            wait=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        return Sent(message_id=sent.id, new=True)

    async def _send_direct(self, message: Outgoing) -> Sent:
        channel = await self._bot.create_dm(discord.Object(self._job.user_id))
        sent = await channel.send(
            embeds=list(message.embeds),
            **_buttons(message),
            allowed_mentions=discord.AllowedMentions.none(),
            nonce=self._job.id,
        )
        return Sent(message_id=sent.id, new=True)

    async def _target(self) -> discord.abc.Messageable:
        if self._job.private:
            return await self._bot.create_dm(discord.Object(self._job.user_id))
        return self._bot.get_partial_messageable(self._job.channel_id, guild_id=self._job.guild_id)

    async def _find_waiting(self) -> int | None:
        """The public message that shows the job, where a run of the bot was killed before it could
        enter which one that is: it has the job's Cancel button."""
        try:
            target = await self._target()
            async for message in finding.our_messages(self._bot, target):
                if finding.has_cancel_button(message, self._job.id):
                    return message.id
        except discord.HTTPException as error:
            self._looked = not passes(error)
            raise
        return None

    async def _find_sent(self, wanted: Outgoing) -> Sent | None:
        """A message with all these pictures of the job that we sent before."""
        names = {finding.stem(file.name) for file in wanted.attachments}
        try:
            target = await self._target()
            async for message in finding.our_messages(self._bot, target):
                if names <= finding.stems(message):
                    return Sent(message_id=message.id, new=message.id != self._message_id)
        except discord.HTTPException as error:
            if passes(error):
                raise
            _log.info("Recent messages can't be read: %s", error.status)  # the nonce still guards
        return None

    def _addressee(self) -> discord.AllowedMentions:
        """Exactly the person the job belongs to."""
        return discord.AllowedMentions(
            everyone=False, roles=False, users=[discord.Object(self._job.user_id)]
        )

    @staticmethod
    def _content(message: Outgoing) -> dict[str, Any]:
        return {
            "content": message.content,
            "embeds": list(message.embeds),
            "attachments": message.files(),
            "view": message.view,
            "allowed_mentions": discord.AllowedMentions.none(),
        }


def _buttons(message: Outgoing) -> dict[str, Any]:
    """discord.py takes no None for what is sent anew."""
    return {} if message.view is None else {"view": message.view}
