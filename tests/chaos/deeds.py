"""What members do while the bot may die under their hands."""

import asyncio
import random
import re
import string
from dataclasses import dataclass, field

from bot.loopback.actions import walk
from bot.loopback.default_world import IDS
from bot.loopback.errors import ApiError, RefusedByClient
from bot.loopback.world import ChannelType, Interaction, Message
from tests.chaos.stage import PEOPLE, Stage

CANCEL = re.compile(r"ekaki:cancel:(?P<job_id>[a-z0-9]{12})")
PUBLIC = (IDS.general, IDS.art, IDS.thread)
ANSWER_S = 3.0  # Discord's deadline


@dataclass(kw_only=True)
class Wish:
    """One `/imagine`. `mark` stands in its prompt, and so in the text of each of its pictures."""

    mark: str
    user_id: int
    channel_id: int
    private: bool
    count: int
    interaction: Interaction


@dataclass
class Deeds:
    """Everything that was done, for the count at the end. `cancelled`: jobs whose owner pressed
    Cancel; `deleted`: messages that a person deleted; `pressed`: presses that draw again."""

    stage: Stage
    random: random.Random
    wishes: list[Wish] = field(default_factory=list[Wish])
    cancelled: set[str] = field(default_factory=set[str])
    deleted: set[int] = field(default_factory=set[int])
    pressed: list[Interaction] = field(default_factory=list[Interaction])

    def _mark(self) -> str:
        return "zq" + "".join(self.random.choices(string.ascii_lowercase, k=10))

    async def imagine(
        self,
        *,
        user_id: int | None = None,
        private: bool | None = None,
        count: int | None = None,
        channel_id: int | None = None,
    ) -> Wish:
        """Ask for pictures and wait for the answer, if one comes."""
        user_id = user_id or self.random.choice(PEOPLE)
        private = self.random.random() < 0.3 if private is None else private
        count = count or self.random.choice((1, 1, 2, 3))
        dm = self.stage.world.dm_with(user_id).id
        channel_id = channel_id or self.random.choice((*PUBLIC, dm))
        mark = self._mark()
        options = {"prompt": f"apple, {mark}", "count": count, "private": private}
        view = await self.stage.member(user_id).slash(
            "imagine", options, channel=channel_id, wait=False
        )
        wish = Wish(
            mark=mark,
            user_id=user_id,
            channel_id=channel_id,
            private=private,
            count=count,
            interaction=view.interaction,
        )
        self.wishes.append(wish)
        await self._answered(view.interaction)
        return wish

    async def imagine_and_cancel(self, *, after_s: float | None = None) -> None:
        """Ask, and think better of it."""
        wish = await self.imagine(count=3)
        await asyncio.sleep(self.random.uniform(0.0, 0.4) if after_s is None else after_s)
        await self.cancel(wish)

    async def cancel(self, wish: Wish) -> None:
        """Press Cancel under a message that waits or is being drawn."""
        message = self.shown(wish.interaction)
        job_id = None if message is None else job_of(message)
        if message is None or job_id is None:
            return
        self.cancelled.add(job_id)
        await self._press(wish.user_id, message, f"ekaki:cancel:{job_id}")

    async def meddle(self, wish: Wish) -> None:
        """Somebody else presses Cancel: nothing may come of it."""
        message = self.shown(wish.interaction)
        job_id = None if message is None else job_of(message)
        if message is None or job_id is None or message.ephemeral_for is not None:
            return
        if self.stage.world.channel(message.channel_id).type == ChannelType.DM:
            return
        other = next(each for each in PEOPLE if each != wish.user_id)
        await self._press(other, message, f"ekaki:cancel:{job_id}")

    async def delete_waiting(self, wish: Wish) -> None:
        """A moderator deletes the message of a job, which has no other way then but a new one."""
        message = self.shown(wish.interaction)
        if message is not None and message.ephemeral_for is None and job_of(message) is not None:
            self.deleted.add(message.id)
            self.stage.loopback.posting.delete(message)

    async def _press(self, user_id: int, message: Message, custom_id: str) -> Interaction | None:
        try:
            made = self.stage.loopback.actions.press(user_id, message.id, custom_id)
        except (ApiError, RefusedByClient):  # gone or changed in this moment
            return None
        await self._answered(made)
        return made

    def shown(self, interaction: Interaction) -> Message | None:
        """The message that answers an interaction, while it is there."""
        message = self.stage.world.messages.get(interaction.response_message_id or 0)
        return None if message is None or message.deleted_at is not None else message

    async def _answered(self, interaction: Interaction) -> None:
        """Until the bot answered, or died, or the deadline is over."""
        waited_s = 0.0
        while interaction.callback_type is None and self.stage.alive and waited_s < ANSWER_S:
            await asyncio.sleep(0.01)
            waited_s += 0.01


def job_of(message: Message) -> str | None:
    """The job whose Cancel button stands under a message."""
    for component in walk(message.components):
        match = CANCEL.fullmatch(str(component.get("custom_id")))
        if match:
            return match["job_id"]
    return None
