"""What members do while the bot may be killed at any moment."""

import asyncio
import io
import random
import re
import string
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.forms import walk
from bot.playground.simulator.world import ChannelType, Interaction, Message
from tests.chaos.gallery_sight import STAR
from tests.chaos.places import PEOPLE
from tests.chaos.sight import (
    JOB_ID,
    accepted_jobs,
    custom_ids,
    files,
    job_of,
    posted_pictures,
)
from tests.chaos.stage import Stage

LEAVER = IDS.moderator  # repeatedly deletes everything about themselves
DRAWING = ("reroll", "subtle", "strong", "upscale")  # buttons that start a new job
GREEN, RED = "green-picture", "red-picture"
PUBLIC = (IDS.general, IDS.art, IDS.thread)
ANSWER_S = 3.0  # Discord's deadline
RELEASED_LATE = (
    "SELECT job_id, position FROM withheld JOIN jobs ON jobs.id = job_id"
    " WHERE withheld.state = 'released' AND decided_at > ended_at"
)
"""Pictures that a moderator released once their job had ended."""
_FRESH_S = 10.0  # for a picture of one's own


@dataclass(kw_only=True)
class ImagineRequest:
    """One `/imagine`. `mark` is in its prompt, and so in the text of each of its pictures."""

    mark: str
    user_id: int
    channel_id: int
    private: bool
    count: int
    interaction: Interaction


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
    `weeks`: when weekly reports were due."""

    stage: Stage
    random: random.Random
    requests: list[ImagineRequest] = field(default_factory=list[ImagineRequest])
    cancelled: set[str] = field(default_factory=set[str])
    deleted: set[int] = field(default_factory=set[int])
    erased: dict[str, Erased] = field(default_factory=dict[str, Erased])
    announcements: list[Announcement] = field(default_factory=list[Announcement])
    refused: set[str] = field(default_factory=set[str])
    weeks: set[int] = field(default_factory=set[int])

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
        mark = self.mark()
        colours = colours or self.random.choice(("apple",) * 6 + (f"{GREEN}, {RED}", RED))
        options: dict[str, Any] = {
            "prompt": f"{colours}, {mark}", "count": count, "private": private
        }  # fmt: skip
        if upload:
            options |= {"image": ("begin.png", self._photograph())}
        view = await self.stage.member(user_id).slash(
            "imagine", options, channel=channel_id, wait=False
        )
        request = ImagineRequest(
            mark=mark,
            user_id=user_id,
            channel_id=channel_id,
            private=private,
            count=count,
            interaction=view.interaction,
        )
        self.requests.append(request)
        await self.answered(view.interaction)
        return request

    def _photograph(self) -> bytes:
        colour = tuple(self.random.randbytes(3))
        out = io.BytesIO()
        Image.new("RGB", (64, 96), colour).save(out, "PNG")
        return out.getvalue()

    async def imagine_and_cancel(self, *, after_s: float | None = None) -> None:
        """Ask, and cancel it."""
        request = await self.imagine(count=3)
        await asyncio.sleep(self.random.uniform(0.0, 0.4) if after_s is None else after_s)
        await self.cancel(request)

    async def cancel(self, request: ImagineRequest) -> None:
        """Press Cancel under a message that waits or is being drawn."""
        message = self.shown(request.interaction)
        job_id = None if message is None else job_of(message)
        if message is None or job_id is None:
            return
        self.cancelled.add(job_id)
        await self.press(request.user_id, message, f"ekaki:cancel:{job_id}")

    async def meddle(self, request: ImagineRequest) -> None:
        """Another person presses Cancel, which must have no effect."""
        message = self.shown(request.interaction)
        job_id = None if message is None else job_of(message)
        if message is None or job_id is None or message.ephemeral_for is not None:
            return
        if self.stage.world.channel(message.channel_id).type == ChannelType.DM:
            return
        other = next(each for each in PEOPLE if each != request.user_id)
        await self.press(other, message, f"ekaki:cancel:{job_id}")

    async def delete_waiting(self, request: ImagineRequest) -> None:
        """A moderator deletes the message of a job, which then needs a new one."""
        message = self.shown(request.interaction)
        if message is not None and message.ephemeral_for is None and job_of(message) is not None:
            self.deleted.add(message.id)
            self.stage.loopback.posting.delete(message)

    async def draw_again(self, *actions: str) -> None:
        """Press a button under old pictures that draws again, as anybody who sees them may."""
        found = self._under_pictures("|".join(actions or DRAWING))
        if found:
            message, custom_id = self.random.choice(found)
            await self.press(self._somebody(message), message, custom_id)

    async def favour(self) -> None:
        """Press Favourite behind "More" of some picture."""
        found = self._under_pictures("more")
        if found:
            message, _ = self.random.choice(found)
            await self._press_behind_more(self._somebody(message), message, "favourite")

    async def report(self) -> None:
        """Report a picture; a moderator decides, and perhaps another at the same time."""
        found = [each for each, _ in self._under_pictures("reroll") if each.ephemeral_for is None]
        public = [
            each
            for each in found
            if self.stage.world.channel(each.channel_id).guild_id == IDS.guild
        ]
        if public:
            reporter = LEAVER if self.random.random() < 0.1 else self.random.choice(PEOPLE)
            actions, message = self.stage.loopback.actions, self.random.choice(public)
            try:
                opened = actions.message_command(reporter, "Report picture", message.id)
                await self.answered(opened)
                if opened.modal is not None:
                    sent = actions.submit_modal(reporter, opened.id, {"reason": "looks odd"})
                    await self.answered(sent)
            except (ApiError, RefusedByClient):  # gone or changed in this moment
                return
        queue = await self.report_queue()
        if queue is not None:
            wanted = re.compile("ekaki:report:(dismiss|delete):.*")
            buttons = [each for each in custom_ids(queue.components) if wanted.fullmatch(each)]
            if buttons:
                custom_id = self.random.choice(buttons)
                if ":delete:" in custom_id:
                    self.note_erased(queue)
                await self.press(IDS.moderator, queue, custom_id)

    async def report_queue(self) -> Message | None:
        """What a moderator sees of it; the answer is a placeholder first."""
        asked = await self.command(IDS.moderator, "moderate reports", {})
        for _ in range(int(ANSWER_S / 0.01)):
            shown = self.shown(asked)
            if shown is None or shown.embeds or shown.content or not self.stage.alive:
                return shown
            await asyncio.sleep(0.01)
        return None

    def note_erased(self, queue: Message) -> None:
        """The job of the report that is shown may be deleted now, and what counts is what was
        posted of it. If the bot dies before, its row is there, and counts as any other."""
        named = re.search(rf"request `({JOB_ID})`", str(queue.embeds))
        if named is None:
            return
        # Killed before the answer, it was posted without ever having been acknowledged.
        owners = self.stage.query("SELECT user_id FROM jobs WHERE id = ?", named[1])
        if not owners:  # its owner was faster
            return
        posted = posted_pictures(self.stage).get(named[1], [])
        pictures = max((self._counting(named[1], each) for each in posted), default=0)
        erased = Erased(user_id=owners[0]["user_id"], pictures=pictures)
        self.erased.setdefault(named[1], erased)

    def _counting(self, job_id: str, message: Message) -> int:
        """How many pictures in a message count for its owner: what a moderator released after the
        job's end was refunded by then, and stays so."""
        released = {
            row["position"] + 1
            for row in self.stage.query(f"{RELEASED_LATE} AND job_id = ?", job_id)
        }
        return sum(int(match["number"]) not in released for _, match in files(message))

    async def review(self) -> None:
        """A moderator releases a withheld picture, or deletes it."""
        asked = await self.command(IDS.moderator, "moderate review", {}, channel=IDS.age_restricted)
        shown: Message | None = None
        for _ in range(100):  # the answer is a placeholder first
            shown = self.shown(asked)
            if shown is None or shown.attachments or not self.stage.alive:
                break
            await asyncio.sleep(0.01)
        buttons = [] if shown is None else custom_ids(shown.components)
        chosen = [each for each in buttons if ":next:" not in each]
        if shown is None or not chosen:
            return
        pressed = await self.press(IDS.moderator, shown, self.random.choice(chosen))
        if pressed is not None and pressed.modal is not None:
            actions = self.stage.loopback.actions
            with suppress(ApiError, RefusedByClient):
                sent = actions.submit_modal(IDS.moderator, pressed.id, {"reason": "it is fine"})
                await self.answered(sent)

    async def share(self) -> None:
        """Draw a public picture and press Share behind its "More"."""
        message = await self.fresh()
        if message is not None:
            await self._press_behind_more(self.requests_of(message), message, "share")

    async def star(self, *, again: bool = False) -> None:
        """Draw a public picture; all star it. `again`: and remove the star."""
        message = await self.fresh()
        if message is None:
            return
        for user_id in PEOPLE:
            self._react(user_id, message, add=True)
        if again:
            await self._until_posted(after=message.id)
            for user_id in PEOPLE:
                self._react(user_id, message, add=False)

    async def want_news(self) -> None:
        """All choose immediate messages about stars; then give some."""
        for user_id in PEOPLE:
            panel = self.shown(await self.command(user_id, "me", {}))
            if panel is not None:
                actions = self.stage.loopback.actions
                await self.answered(actions.select(user_id, panel.id, "ekaki:me:news", ["at_once"]))
        await self.star()

    async def star_and_think_again(self) -> None:
        await self.star(again=True)

    async def _until_posted(self, *, after: int) -> None:
        """Wait for something in the gallery channel that is newer than a message."""
        for _ in range(int(_FRESH_S / 0.02)):
            posted = [each.id for each in self.stage.world.messages_in(IDS.gallery)]
            if not self.stage.alive or max(posted, default=0) > after:
                return
            await asyncio.sleep(0.02)

    async def fresh(self, *, user_id: int | None = None) -> Message | None:
        """A new public picture, once it is there; None if the bot does not get that far."""
        request = await self.imagine(
            user_id=user_id, private=False, count=1, channel_id=IDS.general, colours="apple"
        )  # what is withheld has no buttons
        for _ in range(int(_FRESH_S / 0.02)):
            message = self.shown(request.interaction)
            if message is not None and _of(message, "more"):
                return message
            if not self.stage.alive:
                break
            await asyncio.sleep(0.02)
        return None

    def requests_of(self, message: Message) -> int:
        """Who asked for what a message shows."""
        return next(
            request.user_id
            for request in self.requests
            if request.interaction.response_message_id == message.id
        )

    def _react(self, user_id: int, message: Message, *, add: bool) -> None:
        with suppress(ApiError, RefusedByClient):  # just deleted
            self.stage.loopback.actions.react(user_id, message.id, STAR, add=add)

    async def erase(self) -> None:
        """Delete a member's own pictures, and confirm."""
        accepted = accepted_jobs(self.stage)
        for message, custom_id in reversed(self._under_pictures("reroll")):
            job_id = custom_id.rpartition(":")[2]
            owner = accepted[job_id].user_id if job_id in accepted else 0
            if owner == self._somebody(message, owner) and job_id not in self.erased:
                break
        else:
            return
        asked = await self._press_behind_more(owner, message, "delete")
        answer = None if asked is None else self.shown(asked)
        if answer is None:
            return
        sure = [each for each in custom_ids(answer.components) if ":erase:" in each]
        if sure:
            pictures = self._counting(job_id, message)
            self.erased[job_id] = Erased(user_id=owner, pictures=pictures)
            await self.press(owner, answer, sure[0])

    async def leave(self) -> None:
        """Draw something, then delete everything about the member."""
        await self.imagine(user_id=LEAVER, private=False, channel_id=IDS.art)
        await asyncio.sleep(self.random.uniform(0.0, 0.5))
        asked = await self.command(LEAVER, "privacy delete", {})
        answer = self.shown(asked)
        if answer is not None:
            await self.press(LEAVER, answer, f"ekaki:privacy:delete:{LEAVER}")

    async def settle_in(self) -> None:
        """Choose defaults and save a preset."""
        user_id = self.random.choice(PEOPLE)
        name = self.mark()[:3]
        await self.command(user_id, "preset save", {"name": name, "prompt": "apple"})
        panel = self.shown(await self.command(user_id, "me", {}))
        if panel is not None:
            menu = next(
                c for c in walk(panel.components) if c.get("custom_id") == "ekaki:me:preset"
            )
            value = str(self.random.choice(menu["options"])["value"])
            actions = self.stage.loopback.actions
            await self.answered(actions.select(user_id, panel.id, "ekaki:me:preset", [value]))

    async def command(
        self, user_id: int, name: str, options: dict[str, Any], *, channel: int = IDS.art
    ) -> Interaction:
        member = self.stage.member(user_id)
        view = await member.slash(name, options, channel=channel, wait=False)
        await self.answered(view.interaction)
        return view.interaction

    def _under_pictures(self, actions: str) -> list[tuple[Message, str]]:
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

    def _somebody(self, message: Message, wanted: int = 0) -> int:
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

    async def _press_behind_more(
        self, user_id: int, message: Message, action: str
    ) -> Interaction | None:
        """Open "More" and press there, if the bot gets that far and there is such a button."""
        opener = _of(message, "more", "mores")
        opened = await self.press(user_id, message, opener[0]) if opener else None
        panel = None if opened is None else self.shown(opened)
        found = [] if panel is None else _of(panel, action)
        if panel is None or not found:
            return None
        return await self.press(user_id, panel, found[0])

    def shown(self, interaction: Interaction) -> Message | None:
        """The message that answers an interaction, while it is there."""
        message = self.stage.world.messages.get(interaction.response_message_id or 0)
        return None if message is None or message.deleted_at is not None else message

    async def answered(self, interaction: Interaction) -> None:
        """Wait until the bot answered or died, or the deadline is over."""
        waited_s = 0.0
        while interaction.callback_type is None and self.stage.alive and waited_s < ANSWER_S:
            await asyncio.sleep(0.01)
            waited_s += 0.01


def _of(message: Message, *actions: str) -> list[str]:
    """Its buttons that do one of `actions`."""
    return [each for each in custom_ids(message.components) if each.split(":")[1] in actions]
