"""Five hundred people who draw: what they ask for, and whether they are treated as they must be."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.world import Interaction, Member, User, World
from tests.chaos.places import OTHER, OTHER_ART
from tests.chaos.sight import CANCEL, custom_ids
from tests.chaos.stage import Stage
from tests.soak.ledger import Ledger

FIRST: Final = 700000000000000000
PLACES: Final = (IDS.general, IDS.art, IDS.thread, OTHER_ART)
SUBJECTS: Final = ("apple", "1girl", "1boy", "red hair", "smile", "night", "hat", "umbrella",
                   "blue sky", "sitting", "from side", "city", "flower", "cat ears")  # fmt: skip
AT_ONCE: Final = 12
"""People who draw at the same time."""
PATIENCE_S: Final = 90.0
_PAUSE_S: Final = 0.5  # before somebody tries again where the bot does not answer


@dataclass(frozen=True, slots=True)
class Block:
    """When it was asked for, when it held for certain, and until when."""

    asked: float
    since: float
    until: float


@dataclass
class Crowd:
    """`blocks`: of people on the first server, by their id. `cancelled`: jobs whose Cancel was
    pressed. `answers`: how requests ended. `busy`: people who wait for an answer."""

    stage: Stage
    ledger: Ledger
    people: list[int]
    random: random.Random
    blocks: dict[int, Block] = field(default_factory=dict[int, Block])
    cancelled: set[str] = field(default_factory=set[str])
    answers: Counter[str] = field(default_factory=Counter[str])
    complaints: list[str] = field(default_factory=list[str])
    busy: set[int] = field(default_factory=set[int])

    @property
    def now(self) -> float:
        return self.stage.world.time()

    async def draw(self, jobs: int) -> None:
        """Have `jobs` requests made, AT_ONCE at a time, and wait for their ends."""
        left = iter(range(jobs))

        async def one_by_one() -> None:
            for _ in left:
                await self.request(self._somebody())

        await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))

    def _somebody(self) -> int:
        while (user_id := self.random.choice(self.people)) in self.busy:
            pass
        return user_id

    async def request(self, user_id: int, *, count: int = 0, channel_id: int = 0) -> str:
        """One `/imagine`, until its end. Returns `drawn`, `refused` or `unanswered`."""
        self.busy.add(user_id)
        try:
            return await self._request(user_id, count, channel_id)
        finally:
            self.busy.discard(user_id)

    async def _request(self, user_id: int, count: int, channel_id: int) -> str:
        dice, world = self.random, self.stage.world
        count = count or dice.choice((1, 1, 1, 1, 2, 3, 4))
        direct = dice.random() < 0.1 and not channel_id
        channel_id = channel_id or (world.dm_with(user_id).id if direct else dice.choice(PLACES))
        options: dict[str, Any] = {
            "prompt": ", ".join(dice.sample(SUBJECTS, 3)),
            "count": count,
            "private": dice.random() < 0.3,
        }
        if dice.random() < 0.2:
            options["seed"] = dice.randrange(2**31)
        sent = self.stage.loopback.actions.slash(user_id, "imagine", options, channel_id=channel_id)
        over = self.ledger.over(sent.id)
        try:
            if dice.random() < 0.03:
                await self._cancel(sent)
            outcome = await self._outcome(sent, over, count)
        finally:
            self.ledger.forget(sent.id)
        self.answers[outcome] += 1
        self._judge(sent, outcome, count)
        return outcome

    async def _outcome(self, sent: Interaction, over: asyncio.Event, count: int) -> str:
        began = time.monotonic()
        while not over.is_set():
            try:
                await asyncio.wait_for(over.wait(), 0.5)
            except TimeoutError:
                waited_s = time.monotonic() - began
                if sent.callback_type is None and waited_s > self.stage.answer_s + 0.5:
                    await asyncio.sleep(_PAUSE_S)
                    return "unanswered"
                if waited_s > PATIENCE_S:
                    self.stage.evidence = ["an endless job"]
                    self.complaints.append(f"{sent.id}: no end within {PATIENCE_S:.0f} s")
                    return "endless"
        seen = next((s for s in self._jobs(sent)), None)
        if seen is not None:
            self.ledger.jobs[seen].count = count
            return "accepted"
        said = await self._said(sent)
        for name, words in _REFUSALS.items():
            if words in said:
                return name
        return f"refused: {said[:80]}"

    async def _said(self, sent: Interaction) -> str:
        """The refusal. One that took long comes after the placeholder was deleted."""
        for _ in range(300):
            messages = [
                self.stage.world.messages.get(each)
                for each in (sent.response_message_id or 0, *sent.followup_ids)
            ]
            there = [each for each in messages if each is not None and each.deleted_at is None]
            said = " ".join(f"{each.content} {each.embeds or ''}" for each in there).strip()
            if said or not self.stage.alive:
                return said
            await asyncio.sleep(0.01)
        return ""

    def _jobs(self, sent: Interaction) -> list[str]:
        """Of this interaction, among the latest."""
        found: list[str] = []
        for number, job_id in enumerate(reversed(self.ledger.jobs)):
            if number > 20 * AT_ONCE:
                break
            if self.ledger.jobs[job_id].interaction_id == sent.id:
                found.append(job_id)
        return found

    async def _cancel(self, sent: Interaction) -> None:
        """Press Cancel as soon as it is there."""
        for _ in range(50):
            await asyncio.sleep(0.01)
            message = self.stage.world.messages.get(sent.response_message_id or 0)
            if message is None or message.deleted_at is not None:
                continue
            for custom_id in custom_ids(message.components):
                match = CANCEL.fullmatch(custom_id)
                if match:
                    self.cancelled.add(match["job_id"])
                    with suppress(ApiError, RefusedByClient):  # drawn in this moment
                        self.stage.loopback.actions.press(sent.user_id, message.id, custom_id)
                    return

    def _judge(self, sent: Interaction, outcome: str, count: int) -> None:
        """A blocked person draws nothing there; nobody else is refused for a block, and nobody for
        a limit that leaves room."""
        block = self.blocks.get(sent.user_id) if sent.guild_id == IDS.guild else None
        is_blocked = block is not None and block.since < sent.created_at < block.until
        if is_blocked and outcome == "accepted":
            self.complaints.append(f"{sent.user_id} is blocked, and drew: {block}")
        maybe = block is not None and block.asked < self.now and sent.created_at < block.until + 60
        if outcome == "blocked" and not maybe:
            self.complaints.append(f"{sent.user_id} was refused as blocked: {block}")
        if outcome in WINDOWS:
            limit, length_s = WINDOWS[outcome]
            used = used_since(self.stage, sent.user_id, sent.created_at - length_s)
            if used + count <= limit:
                self.complaints.append(
                    f"{sent.user_id} was refused {count} pictures, having {used} of {limit}"
                )
        if outcome.startswith("refused"):
            self.complaints.append(f"{sent.user_id}: {outcome}")


WINDOWS: Final = {"hour": (20, 3600.0), "day": (100, 86400.0)}
"""Pictures per person and period, as Ekaki's settings are where nobody changes them."""
_REFUSALS: Final = {
    "hour": "in an hour, and",
    "day": "in 24 hours, and",
    "blocked": "have blocked you from making pictures here",
    "waiting": "waiting or being drawn",
    "queue": "The queue is full",
    "busy": "The bot's database is busy",
    "stopping": "I'm shutting down",
}


def used_since(stage: Stage, user_id: int, since: float) -> int:
    """Pictures that count for a person."""
    rows = stage.query(
        "SELECT coalesce(sum(pictures), 0) FROM quota_uses WHERE user_id = ? AND refunded = 0"
        " AND used_at > ?",
        user_id,
        since,
    )
    return int(rows[0][0])


def gather(world: World, count: int) -> list[int]:
    """`count` people, each on both servers."""
    people = [FIRST + number for number in range(count)]
    for number, user_id in enumerate(people):
        world.users[user_id] = User(id=user_id, username=f"person{number}")
        for guild_id in (IDS.guild, OTHER):
            world.guild(guild_id).members[user_id] = Member(user_id=user_id)
    return people
