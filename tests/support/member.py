"""A person in the loopback, driven by a program: does what a member does, sees what one sees."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bot.playground.simulator import limits
from bot.playground.simulator.errors import Json, RefusedByClient
from bot.playground.simulator.feed import FeedEvent
from bot.playground.simulator.interactions import DEFER_UPDATE
from bot.playground.simulator.server import Loopback
from bot.playground.simulator.world import Interaction, Message
from tests.support.patience import PATIENCE_S
from tests.support.views import MessageView, message_view

_CHANGE_WITHIN_S = 2.0  # of what was acknowledged as a change to come, once nobody works at it
# What discord.py calls the tasks in which a bot of this process answers.
_ANSWERING = ("discord-ui-view-dispatch", "discord-ui-modal", "discord-ui-dynamic", "CommandTree")


class Member:
    """One member. Actions wait for the bot's answer and return an InteractionView. If the bot
    defers a change of the message that was used, they also wait for that, or for another answer.

    Wrong use (no such option, a disabled button) raises RefusedByClient, as nothing is sent then.
    """

    def __init__(self, loopback: Loopback, user_id: int) -> None:
        self.loopback = loopback
        self.user_id = user_id
        self.changed = asyncio.Event()
        self.transcript: list[FeedEvent] = []
        self._stop = loopback.feed.listen(self._on_event)

    def leave(self) -> None:
        """Stop watching."""
        self._stop()

    def _on_event(self, event: FeedEvent) -> None:
        if self.loopback.actions.sees(self.user_id, event):
            self.transcript.append(event)
            self.changed.set()

    # -- seeing

    def view(self, message: Message) -> MessageView:
        data = {attachment.id: attachment.data for attachment in message.attachments}
        return message_view(self.loopback.posting.json(message, viewer=self.user_id), data)

    def visible_messages(self, channel: int) -> list[MessageView]:
        """Messages of a channel that this member sees, oldest first."""
        return [self.view(m) for m in self.loopback.actions.visible(self.user_id, channel)]

    def message(self, message_id: int) -> MessageView:
        """One message as it is now; ApiError if this member can't see it."""
        return self.view(self.loopback.actions.message_for(self.user_id, message_id))

    def versions(self, message_id: int) -> list[MessageView]:
        """Every version of a message that this member was shown, without bytes of files."""
        return [
            message_view(seen.data, {})
            for seen in self.transcript
            if seen.kind in {"message_create", "message_update"}
            and seen.data["id"] == str(message_id)
        ]

    async def wait_for(self, state: Callable[[], Any], timeout: float = PATIENCE_S) -> Any:
        """Wait until `state()` is true, and give it. TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            while not (found := state()):
                self.changed.clear()
                try:
                    async with asyncio.timeout(0.02):  # what changes without an event
                        await self.changed.wait()
                except TimeoutError:
                    continue
        return found

    # -- doing

    async def slash(
        self,
        name: str,
        options: dict[str, Any] | None = None,
        *,
        channel: int,
        wait: bool = True,
    ) -> "InteractionView":
        """A slash command. Files are given as (filename, bytes). `wait`: for the first answer."""
        actions = self.loopback.actions
        made = actions.slash(self.user_id, name, options or {}, channel_id=channel)
        return await self._sent(made, wait=wait)

    async def autocomplete(
        self, name: str, options: dict[str, Any], focused: str, *, channel: int
    ) -> list[Json]:
        """The choices shown while typing in `focused`. TimeoutError if none came."""
        made = self.loopback.actions.slash(
            self.user_id, name, options, channel_id=channel, focused=focused
        )
        view = await self._sent(made, wait=True)
        if view.choices is None:
            raise TimeoutError(f"no choices for {focused!r}")
        return view.choices

    async def press(
        self, message: MessageView, button: str, *, wait: bool = True
    ) -> "InteractionView":
        """A button, by label, custom_id or its start."""
        custom_id = self.message(message.id).button(button).get("custom_id")
        if custom_id is None:
            raise RefusedByClient(f"{button!r} is a link")
        made = self.loopback.actions.press(self.user_id, message.id, custom_id)
        return await self._sent(made, wait=wait)

    async def select(
        self, message: MessageView, custom_id: str, values: list[str], *, wait: bool = True
    ) -> "InteractionView":
        made = self.loopback.actions.select(self.user_id, message.id, custom_id, values)
        return await self._sent(made, wait=wait)

    async def submit_modal(
        self, opener: "InteractionView", values: dict[str, Any], *, wait: bool = True
    ) -> "InteractionView":
        """Fill in and send the modal that `opener` was answered with. Keys are custom_ids."""
        made = self.loopback.actions.submit_modal(self.user_id, opener.id, values)
        return await self._sent(made, wait=wait)

    async def message_command(
        self, name: str, message: MessageView, *, wait: bool = True
    ) -> "InteractionView":
        made = self.loopback.actions.message_command(self.user_id, name, message.id)
        return await self._sent(made, wait=wait)

    async def react(
        self, message: MessageView, emoji: str, *, add: bool = True, burst: bool = False
    ) -> None:
        self.loopback.actions.react(self.user_id, message.id, emoji, add=add, burst=burst)

    def say(self, content: str, *, channel: int) -> MessageView:
        return self.view(self.loopback.actions.say(self.user_id, channel, content))

    async def _sent(self, interaction: Interaction, *, wait: bool) -> "InteractionView":
        view = InteractionView(self, interaction)
        if wait:
            seen = len(self.transcript)
            await view.answered()
            if interaction.callback_type == DEFER_UPDATE:
                await self._change(view, seen)
        return view

    async def _change(self, view: "InteractionView", since: int) -> None:
        """Until the message has changed, or the bot is done: that nothing changed may be an
        answer."""
        at_least_until = time.monotonic() + _CHANGE_WITHIN_S
        await self.wait_for(
            lambda: (
                self._has_changed(view, since)
                or (time.monotonic() > at_least_until and not _is_answering())
            )
        )

    def _has_changed(self, view: "InteractionView", since: int) -> bool:
        """Whether the message that was used was edited or deleted since, or something was said."""
        used = str(view.interaction.response_message_id)
        return bool(view.followups) or any(
            seen.kind in {"message_update", "message_delete"} and seen.data["id"] == used
            for seen in self.transcript[since:]
        )


def _is_answering() -> bool:
    return any(task.get_name().startswith(_ANSWERING) for task in asyncio.all_tasks())


class InteractionView:
    """An interaction as its member sees it; always the present state."""

    def __init__(self, member: Member, interaction: Interaction) -> None:
        self.member = member
        self.interaction = interaction

    @property
    def id(self) -> int:
        return self.interaction.id

    @property
    def state(self) -> str:
        """sent, acknowledged, or failed ("The application did not respond")."""
        if self.interaction.callback_type is not None:
            return "acknowledged"
        waited = time.monotonic() - self.interaction.sent_monotonic
        overdue = self.member.loopback.interactions.overdue(self.interaction)
        return "failed" if overdue or waited > limits.ACKNOWLEDGE_WITHIN_S else "sent"

    @property
    def ack_ms(self) -> float | None:
        """From sending to the first answer, in ms."""
        seconds = self.interaction.acknowledged_after_s
        return None if seconds is None else seconds * 1000

    @property
    def ephemeral(self) -> bool:
        return self.interaction.ephemeral

    @property
    def modal(self) -> Json | None:
        return self.interaction.modal

    @property
    def choices(self) -> list[Json] | None:
        return self.interaction.choices

    @property
    def message(self) -> MessageView | None:
        """The first answer as it is now, or None if there is none (any more)."""
        message_id = self.interaction.response_message_id
        message = self.member.loopback.world.messages.get(message_id or 0)
        if message is None or message.deleted_at is not None:
            return None
        return self.member.view(message)

    @property
    def followups(self) -> list[MessageView]:
        messages = self.member.loopback.world.messages
        found = [messages[message_id] for message_id in self.interaction.followup_ids]
        return [self.member.view(m) for m in found if m.deleted_at is None]

    @property
    def text(self) -> str:
        """The text of the first answer; of the last follow-up where that was taken away, or stands
        beside a message that only was to change."""
        beside = self.interaction.callback_type == DEFER_UPDATE
        shown = (None if beside and self.followups else self.message) or next(
            iter(reversed(self.followups)), None
        )
        return "" if shown is None else shown.text

    async def answered(self) -> str:
        """Wait until the bot answered or the deadline is over; returns the state."""
        await self.member.wait_for(lambda: self.state != "sent")
        if self.state == "failed":
            self.member.loopback.interactions.fail_overdue(self.interaction)
        return self.state

    async def wait_for(
        self,
        fits: Callable[[MessageView], Any],
        timeout: float = PATIENCE_S,
    ) -> MessageView:
        """Wait until the first answer or a follow-up fits; returns that message."""

        def found() -> MessageView | None:
            shown = [*([self.message] if self.message else []), *self.followups]
            return next((m for m in shown if fits(m)), None)

        try:
            return await self.member.wait_for(found, timeout)
        except TimeoutError:
            raise TimeoutError(f"the answer stayed: {self.text!r}") from None
