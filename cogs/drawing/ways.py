"""The ways by which a job's message reaches its user."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, cast

import discord

from bot.client.client import EkakiBot
from bot.common.failpoints import hit
from cogs.common.messages import Outgoing
from cogs.common.threads import unarchived
from cogs.drawing import finding
from cogs.drawing.verdicts import Refused, passes
from data.jobs.jobs import JobRecord

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Where a message is. `new`: it was sent, so Discord notified its recipient."""

    message_id: int
    new: bool


Way: TypeAlias = Callable[[Outgoing], Awaitable[Sent]]


class Ways:
    """The ways of one job. Each raises Refused if it is known to be closed, and what discord.py
    raises. `message_id`: the message that shows the job, if known. `token_over`: whether Discord no
    longer accepts the interaction's token.
    """

    def __init__(self, bot: EkakiBot, job: JobRecord, *, message_id: int | None) -> None:
        self._bot = bot
        self._job = job
        self.message_id = message_id
        self.token_over = job.interaction_token is None
        self._looked = False

    def edits(self) -> list[Way]:
        """The ways to edit the existing message, for a private one only with its token."""
        return [self.edit_by_token] if self._job.private else [
            self.edit_by_token, self.edit_by_bot,
        ]  # fmt: skip

    def edits_in_closed_threads(self) -> list[Way]:
        """A new message would open the thread; an edit does not."""
        return [] if self._job.private else [self.edit_opened]

    def anew(self) -> list[Way]:
        """The ways that need no message by token or in the channel. A private job that ended may
        have been delivered by direct message, and get a released picture now."""
        was_told = self._job.private and self._job.ended_at is not None
        return [self.edit_direct, self.send_new] if was_told else [self.send_new]

    async def edit_by_token(self, message: Outgoing) -> Sent:
        token = self._job.interaction_token
        if token is None or self.token_over:  # as Discord says: this machine's clock may be wrong
            raise Refused
        webhook = discord.Webhook.partial(self._job.application_id, token, client=self._bot)
        # Discord takes "@original" for the first response; discord.py only types numbers.
        message_id = cast("int", self.message_id or "@original")
        edited = await webhook.edit_message(message_id, **self._content(message))
        self.message_id = edited.id
        return Sent(message_id=edited.id, new=False)

    async def edit_by_bot(self, message: Outgoing) -> Sent:
        if self.message_id is None and not self._looked:
            self.message_id = await self._find_waiting()
            self._looked = True
        if self.message_id is None:
            raise Refused
        channel = self._bot.get_partial_messageable(self._job.channel_id)
        shown = channel.get_partial_message(self.message_id)
        await shown.edit(**self._content(message))
        return Sent(message_id=self.message_id, new=False)

    async def edit_opened(self, message: Outgoing) -> Sent:
        """A closed thread is opened for that."""
        await unarchived(self._bot, self._job.channel_id, partial(self.edit_by_bot, message))
        return Sent(message_id=self.message_id or 0, new=False)

    async def edit_direct(self, message: Outgoing) -> Sent:
        """An ephemeral message has an id, too, but is no direct message: Discord says so."""
        if self.message_id is None:
            raise Refused
        channel = await self._bot.create_dm(discord.Object(self._job.user_id))
        await channel.get_partial_message(self.message_id).edit(**self._content(message))
        return Sent(message_id=self.message_id, new=False)

    async def send_new(self, message: Outgoing) -> Sent:
        """Send to the channel with a mention; a private one as a direct message."""
        job = self._job
        if await self._bot.services.jobs.job(job.id) is None:
            raise Refused  # deleted by its owner meanwhile, with its message
        called = None if job.private else f"<@{job.user_id}>"
        hit("new_message_begins")
        sent = await (await self._target()).send(
            content="\n".join(part for part in (called, message.content) if part) or None,
            embeds=list(message.embeds),
            files=message.files(),
            allowed_mentions=self.addressee(),
            nonce=job.id,  # discord.py adds enforce_nonce: Discord drops a repeat
            **_buttons(message),
        )
        return Sent(message_id=sent.id, new=True)

    async def follow_up(self, message: Outgoing) -> Sent:
        """An ephemeral message that follows the first response."""
        token = self._job.interaction_token
        if token is None or self.token_over:
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

    async def send_direct(self, message: Outgoing) -> Sent:
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
        """The public message that shows the job, if the bot was killed before it could record which
        one: it has the job's Cancel button."""
        try:
            target = await self._target()
            async for message in finding.our_messages(self._bot, target):
                if finding.has_cancel_button(message, self._job.id):
                    return message.id
        except discord.HTTPException as error:
            self._looked = not passes(error)
            raise
        return None

    async def find_sent(self, wanted: Outgoing) -> Sent | None:
        """A message with all these pictures of the job that we sent before."""
        names = {finding.stem(file.name) for file in wanted.attachments}
        try:
            target = await self._target()
            async for message in finding.our_messages(self._bot, target):
                if names <= finding.stems(message):
                    return Sent(message_id=message.id, new=message.id != self.message_id)
        except discord.HTTPException as error:
            if passes(error):
                raise
            # the nonce prevents repeats
            _log.info("Recent messages can't be read: %s", error.status)
        return None

    def addressee(self) -> discord.AllowedMentions:
        """Only the job's owner."""
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
    """discord.py accepts no None for new messages."""
    return {} if message.view is None else {"view": message.view}
