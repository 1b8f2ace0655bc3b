"""What members do while the bot may be killed at any moment."""

import asyncio
import io
import random
import re
import string
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.world import ChannelType, Interaction, Message
from tests.chaos.painted import Painted
from tests.chaos.places import LORA, PEOPLE
from tests.chaos.sight import JOB_ID, custom_ids, files
from tests.chaos.stage import Stage

LEAVER = IDS.moderator  # repeatedly deletes everything about themselves
GREEN, RED = "green-picture", "red-picture"
CHOICES = (GREEN, RED)
CHOSEN = f"{{{GREEN}|{RED}}}"
PUBLIC = (IDS.general, IDS.art, IDS.thread)
RELEASED_LATE = (
    "SELECT job_id, position FROM withheld JOIN jobs ON jobs.id = job_id"
    " WHERE withheld.state = 'released' AND decided_at > ended_at"
)
"""Pictures that a moderator released once their job had ended."""


@dataclass(kw_only=True)
class ImagineRequest:
    """One `/imagine` or `/compare`. `mark` is in its prompt, and so in the text of each of its
    pictures. `says`: what else is in the text of each, in order. `choices`: of these each picture
    has one."""

    mark: str
    user_id: int
    channel_id: int
    private: bool
    count: int
    interaction: Interaction
    says: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What the owner announced to those who wait; contains `mark`."""

    mark: str
    interaction: Interaction


@dataclass(frozen=True, kw_only=True)
class Erased:
    """A job that its owner had deleted, and how many of its pictures were there then."""

    user_id: int
    pictures: int


@dataclass
class Activity:
    """Does and records everything, for the count at the end. `cancelled`: jobs whose owner pressed
    Cancel; `deleted`: messages that a person deleted in Discord; `erased`: jobs that their owner
    had deleted, by id; `refused`: what was given up because Discord said that its place is gone;
    `weeks`: when weekly reports were due; `painted`: links to paint on."""

    stage: Stage
    random: random.Random
    requests: list[ImagineRequest] = field(default_factory=list[ImagineRequest])
    cancelled: set[str] = field(default_factory=set[str])
    deleted: set[int] = field(default_factory=set[int])
    erased: dict[str, Erased] = field(default_factory=dict[str, Erased])
    announcements: list[Announcement] = field(default_factory=list[Announcement])
    refused: set[str] = field(default_factory=set[str])
    weeks: set[int] = field(default_factory=set[int])
    painted: list[Painted] = field(default_factory=list[Painted])

    def mark(self) -> str:
        """A new one."""
        return "zq" + "".join(self.random.choices(string.ascii_lowercase, k=10))

    async def imagine(
        self,
        *,
        user_id: int | None = None,
        private: bool | None = None,
        count: int | None = None,
        channel_id: int | None = None,
        upload: bool = False,
        colours: str | None = None,
    ) -> ImagineRequest:
        """Ask for pictures, and wait for the answer if one comes. `upload`: start from a picture.
        `colours`: what is painted; red is withheld."""
        user_id = user_id or self.random.choice(PEOPLE)
        private = self.random.random() < 0.3 if private is None else private
        count = count or self.random.choice((1, 1, 2, 3))
        dm = self.stage.world.dm_with(user_id).id
        channel_id = channel_id or self.random.choice((*PUBLIC, dm))
        with_lora = self.random.random() < 0.2
        mark = (LORA if with_lora else "") + self.mark()
        colours = colours or self.random.choice(
            ("apple",) * 6 + (f"{GREEN}, {RED}", RED, CHOSEN, CHOSEN)
        )
        options: dict[str, Any] = {
            "prompt": f"{colours}, {mark}", "count": count, "private": private
        }  # fmt: skip
        if with_lora:
            options["lora"] = LORA
        if self.random.random() < 0.2:
            options["faces"] = True
        if upload:
            options |= {"image": ("begin.png", self._photograph())}
        return await self.ask("imagine", options, mark=mark, user_id=user_id, channel_id=channel_id)

    async def ask(
        self,
        command: str,
        options: dict[str, Any],
        *,
        mark: str,
        user_id: int,
        channel_id: int,
        says: tuple[str, ...] = (),
    ) -> ImagineRequest:
        """Send a command that draws, and wait for the answer if one comes."""
        view = await self.stage.member(user_id).slash(
            command, options, channel=channel_id, wait=False
        )
        request = ImagineRequest(
            mark=mark,
            user_id=user_id,
            channel_id=channel_id,
            private=options["private"],
            count=len(says) or options["count"],
            interaction=view.interaction,
            says=says,
            choices=CHOICES if CHOSEN in options["prompt"] else (),
        )
        self.requests.append(request)
        await self.answered(view.interaction)
        return request

    def _photograph(self) -> bytes:
        colour = tuple(self.random.randbytes(3))
        out = io.BytesIO()
        Image.new("RGB", (64, 96), colour).save(out, "PNG")
        return out.getvalue()

    def counting(self, job_id: str, message: Message) -> int:
        """How many pictures in a message count for its owner: what a moderator released after the
        job's end was refunded by then, and stays so."""
        released = {
            row["position"] + 1
            for row in self.stage.query(f"{RELEASED_LATE} AND job_id = ?", job_id)
        }
        return sum(int(match["number"]) not in released for _, match in files(message))

    async def command(
        self, user_id: int, name: str, options: dict[str, Any], *, channel: int = IDS.art
    ) -> Interaction:
        member = self.stage.member(user_id)
        view = await member.slash(name, options, channel=channel, wait=False)
        await self.answered(view.interaction)
        return view.interaction

    def under_pictures(self, actions: str) -> list[tuple[Message, str]]:
        """Buttons under the latest finished pictures, by action."""
        wanted = re.compile(rf"ekaki:({actions}):{JOB_ID}")
        latest = list(self.stage.world.messages.values())[-60:]
        return [
            (message, custom_id)
            for message in latest
            if message.deleted_at is None and any(message.attachments)
            for custom_id in custom_ids(message.components)
            if wanted.fullmatch(custom_id)
        ]

    def somebody(self, message: Message, wanted: int = 0) -> int:
        """Who sees the message: `wanted` if they do, otherwise anybody."""
        if message.ephemeral_for is not None:
            return message.ephemeral_for
        channel = self.stage.world.channel(message.channel_id)
        if channel.type == ChannelType.DM:
            return channel.recipient_ids[0]
        return wanted or self.random.choice(PEOPLE)

    async def press(self, user_id: int, message: Message, custom_id: str) -> Interaction | None:
        try:
            made = self.stage.loopback.actions.press(user_id, message.id, custom_id)
        except (ApiError, RefusedByClient):  # gone or changed in this moment
            return None
        await self.answered(made)
        return made

    async def press_behind_more(
        self, user_id: int, message: Message, action: str
    ) -> Interaction | None:
        """Open "More" and press there, if the bot gets that far and there is such a button."""
        opener = buttons_of(message, "more", "mores")
        opened = await self.press(user_id, message, opener[0]) if opener else None
        panel = None if opened is None else self.shown(opened)
        found = [] if panel is None else buttons_of(panel, action)
        if panel is None or not found:
            return None
        return await self.press(user_id, panel, found[0])

    def shown(self, interaction: Interaction) -> Message | None:
        """The message that answers an interaction, while it is there."""
        message = self.stage.world.messages.get(interaction.response_message_id or 0)
        return None if message is None or message.deleted_at is not None else message

    async def answered(self, interaction: Interaction) -> None:
        """Wait until the bot answered or died, or the deadline is over."""
        waited_s, stage = 0.0, self.stage
        while interaction.callback_type is None and stage.alive and waited_s < stage.answer_s:
            await asyncio.sleep(0.01)
            waited_s += 0.01


def buttons_of(message: Message, *actions: str) -> list[str]:
    """Its buttons that do one of `actions`."""
    return [each for each in custom_ids(message.components) if each.split(":")[1] in actions]
