"""What the simulated Discord saw of every job, noted as it happens and kept for the whole run."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from bot.playground.simulator.errors import Json
from bot.playground.simulator.feed import FeedEvent
from bot.playground.simulator.limits import LOADING
from bot.playground.simulator.world import Message, World
from tests.chaos.places import LOGS
from tests.chaos.sight import CANCEL, custom_ids, files

_LOG_LINE: Final = re.compile(r"(?:#(?P<first>\d+)[-–])?#(?P<last>\d+)")
_CHANGES: Final = frozenset({"message_create", "message_update"})


@dataclass(slots=True)
class Seen:
    """A job. `posted`: the message that showed its pictures, with the number and a hash of each;
    more than one message: it was posted twice. `count`: how many were asked for, 0: not by the
    crowd."""

    user_id: int = 0
    interaction_id: int = 0
    count: int = 0
    posted: dict[int, dict[int, bytes]] = field(default_factory=dict[int, dict[int, bytes]])


@dataclass
class Ledger:
    """`day`: jobs of which something was seen since the last check. `repeated`: nonces of which
    there were two messages. `logged`: how often each line of a server's log was posted."""

    world: World
    jobs: dict[str, Seen] = field(default_factory=dict[str, Seen])
    day: set[str] = field(default_factory=set[str])
    nonces: set[str] = field(default_factory=set[str])
    repeated: set[str] = field(default_factory=set[str])
    logged: dict[int, Counter[int]] = field(
        default_factory=lambda: {guild_id: Counter[int]() for guild_id in LOGS}
    )
    _job_of_message: dict[int, str] = field(default_factory=dict[int, str])
    _over: dict[int, asyncio.Event] = field(default_factory=dict[int, asyncio.Event])

    def over(self, interaction_id: int) -> asyncio.Event:
        """Set once an interaction has its last answer: pictures, a refusal, another end."""
        return self._over.setdefault(interaction_id, asyncio.Event())

    def forget(self, interaction_id: int) -> None:
        """Nobody waits for it any more."""
        self._over.pop(interaction_id, None)

    def forget_messages(self) -> None:
        """No message waits any more."""
        self._job_of_message.clear()

    def on_event(self, event: FeedEvent) -> None:
        """Note what a message shows now."""
        if event.kind == "message_delete":
            self._ended(self.world.messages[int(event.data["id"])], None)
        if event.kind not in _CHANGES:
            return
        message = self.world.messages[int(event.data["id"])]
        if message.author_id != self.world.bot_user_id:
            return
        if event.kind == "message_create":
            self._created(message)
        job_id = self._waiting(message)
        if job_id is not None:
            self.day.add(job_id)
            seen = self.jobs.setdefault(job_id, Seen())
            if message.interaction_id is not None and not seen.interaction_id:
                seen.interaction_id = message.interaction_id
                seen.user_id = self.world.interactions[message.interaction_id].user_id
            self._job_of_message[message.id] = job_id
            return
        shown = self._pictures(message)
        if not message.flags & LOADING:
            self._ended(message, shown or self._job_of_message.pop(message.id, None))

    def _waiting(self, message: Message) -> str | None:
        if not message.components:
            return None
        matches = (CANCEL.fullmatch(each) for each in custom_ids(message.components))
        return next((match["job_id"] for match in matches if match), None)

    def _pictures(self, message: Message) -> str | None:
        """Note the pictures in a message; the job that they are of."""
        job_id: str | None = None
        shown: dict[int, bytes] = {}
        for data, match in files(message):
            job_id = match["job_id"]
            shown[int(match["number"])] = sha256(data).digest()[:8]
        if job_id is not None:
            self.day.add(job_id)
            self.jobs.setdefault(job_id, Seen()).posted[message.id] = shown
        return job_id

    def _ended(self, message: Message, job_id: str | None) -> None:
        """Wake whoever waits for it."""
        interactions = {message.interaction_id}
        if job_id is not None:
            interactions.add(self.jobs[job_id].interaction_id)
        for each in interactions:
            if each is not None and each in self._over:
                self._over[each].set()

    def _created(self, message: Message) -> None:
        if message.nonce is not None:
            nonce = f"{message.channel_id}:{message.nonce}"
            (self.repeated if nonce in self.nonces else self.nonces).add(nonce)
        for guild_id, channel_id in LOGS.items():
            if message.channel_id == channel_id:
                self.logged[guild_id].update(_lines(message.embeds))


def _lines(embeds: list[Json]) -> list[int]:
    """The numbers of the log's entries that a message shows."""
    found: list[int] = []
    for embed in embeds:
        match = _LOG_LINE.fullmatch(embed.get("footer", {}).get("text", ""))
        if match:
            last = int(match["last"])
            found += range(int(match["first"] or last), last + 1)
    return found
