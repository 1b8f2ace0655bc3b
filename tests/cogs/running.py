"""The real bot over the loopback Discord: real client, real services, an engine held in hand."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import discord

from bot.app import Ekaki
from bot.common.discord_address import connect_to
from bot.common.secret import Secret
from bot.compose import open_services
from bot.config.settings import Settings
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Interaction, InteractionType, Message, World
from bot.services import Services
from cogs.drawing.presenters import Presenters
from data.jobs.jobs import JobRecord
from pipeline.engine.protocol import Engine
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import last_event, last_events, sequence
from tests.support.patience import PATIENCE_S, until
from tests.support.simulator import Loopback


@dataclass
class ShiftedClock:
    """The machine's clock, which tests move on together with the loopback's."""

    shift_s: float = 0.0

    def time(self) -> float:
        return time.time() + self.shift_s

    def monotonic(self) -> float:
        return time.monotonic() + self.shift_s


@dataclass
class Person:
    """Somebody at a client."""

    discord: "Discord"
    user_id: int

    def imagine(
        self, *, channel_id: int = IDS.general, user_install_only: bool = False, **options: Any
    ) -> Interaction:
        """Send `/imagine` with `options`."""
        return self.command(
            "imagine", channel_id=channel_id, user_install_only=user_install_only, **options
        )

    def command(
        self,
        name: str,
        *,
        channel_id: int = IDS.general,
        user_install_only: bool = False,
        focused: str | None = None,
        **options: Any,
    ) -> Interaction:
        kinds = {str: 3, int: 4, bool: 5, float: 10}
        listed: list[dict[str, Any]] = [
            {"name": option, "type": kinds[type(value)], "value": value}
            for option, value in options.items()
        ]
        for option in listed:
            if option["name"] == focused:
                option["focused"] = True
        kind = InteractionType.COMMAND if focused is None else InteractionType.AUTOCOMPLETE
        data = {"id": "1", "name": name, "type": 1, "options": listed}
        return self._send(kind, data, channel_id=channel_id, user_install_only=user_install_only)

    async def complete(
        self, option: str, typed: str, *, channel_id: int = IDS.general
    ) -> list[Any]:
        """The choices shown while `typed` is in `option`."""
        sent = self.command(
            "imagine", channel_id=channel_id, focused=option, **dict[str, Any]({option: typed})
        )
        await until(lambda: sent.choices is not None)
        return sent.choices or []

    def press(self, message: Message) -> Interaction:
        """Press the first button under `message`."""
        button = message.components[0]["components"][0]
        data = {"custom_id": button["custom_id"], "component_type": 2}
        return self._send(
            InteractionType.COMPONENT,
            data,
            channel_id=message.channel_id,
            source_message_id=message.id,
        )

    def submit(self, opened: Interaction, **values: str) -> Interaction:
        """Fill the modal that `opened` brought: values by `custom_id`."""
        modal = opened.modal or {}
        filled = [
            {
                "type": 18,
                "id": number,
                "component": {"type": 4, "id": 10 + number, "custom_id": name, "value": value},
            }
            for number, (name, value) in enumerate(values.items(), 1)
        ]
        data = {"custom_id": modal["custom_id"], "components": filled}
        return self._send(InteractionType.MODAL_SUBMIT, data, channel_id=opened.channel_id)

    def _send(
        self,
        kind: InteractionType,
        data: dict[str, Any],
        *,
        channel_id: int,
        source_message_id: int | None = None,
        user_install_only: bool = False,
    ) -> Interaction:
        loopback = self.discord.loopback
        return loopback.interactions.send(
            kind,
            data,
            user_id=self.user_id,
            channel=loopback.world.channel(channel_id),
            source_message_id=source_message_id,
            user_install_only=user_install_only,
        )


@dataclass
class Discord:
    """The loopback and what tests ask of it. It outlives restarts of the bot."""

    loopback: Loopback
    folder: Path
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    def __post_init__(self) -> None:
        self.alice = Person(self, IDS.alice)
        self.bob = Person(self, IDS.bob)

    @property
    def world(self) -> World:
        return self.loopback.world

    def advance(self, seconds: float) -> None:
        """Let time pass everywhere."""
        self.world.advance(seconds)
        self.clock.shift_s += seconds

    async def answer(self, sent: Interaction) -> Message:
        """The message that answers `sent` (or, after a defer, its follow-up)."""
        await until(lambda: sent.response_message_id)
        return self.world.messages[sent.response_message_id or 0]

    def seen(self, channel_id: int, viewer: int | None = None) -> list[Message]:
        """What `viewer` (None: everybody) sees in a channel."""
        return [
            message
            for message in self.world.messages_in(channel_id)
            if message.ephemeral_for in {None, viewer}
        ]

    def states(self, message: Message) -> list[dict[str, Any]]:
        """Every state that `message` has shown, in order."""
        return [
            event.data
            for event in self.loopback.feed.events
            if event.kind in {"message_create", "message_update"}
            and event.data["id"] == str(message.id)
        ]


def words(message: Message) -> str:
    """Everything there is to read in a message."""
    parts = [message.content]
    for embed in message.embeds:
        fields: list[dict[str, str]] = embed.get("fields") or []
        footer: dict[str, str] = embed.get("footer") or {}
        parts += [str(embed.get("title") or ""), str(embed.get("description") or "")]
        parts += [f"{each['name']}: {each['value']}" for each in fields]
        parts.append(footer.get("text", ""))
    return "\n".join(part for part in parts if part)


@dataclass
class Running:
    """A bot that is ready."""

    place: Discord
    bot: Ekaki
    services: Services
    engine: FakeEngine

    async def heard(self) -> None:
        """Until the bot has taken every event that Discord sent so far, and has done all that it
        does at once about them."""
        sent = last_events(self.place.loopback.gateway)
        await until(lambda: all(sequence(self.bot, each) >= last for each, last in sent.items()))
        await asyncio.sleep(0)  # listeners that begin with this turn of the loop
        await asyncio.gather(*(each for each in asyncio.all_tasks() if _is_listener(each)))

    async def jobs(self) -> list[JobRecord]:
        """All jobs, the oldest first."""
        ids = await self._read_column("SELECT id FROM jobs ORDER BY rowid")
        found = [await self.services.jobs.job(job_id) for job_id in ids]
        return [job for job in found if job is not None]

    async def job(self) -> JobRecord:
        """The only job."""
        (job,) = await self.jobs()
        return job

    async def used(self, user_id: int = IDS.alice) -> float:
        """Pictures that count towards the limit of a person."""
        return (await self.services.jobs.limits_of(user_id=user_id)).day.used

    async def all_delivered(self, count: int) -> None:
        """Wait for the pictures of `count` jobs."""
        await self._deliveries(["delivered"] * count)

    async def delivery(self, wanted: str) -> JobRecord:
        """The only job, once its delivery is `wanted`."""
        await self._deliveries([wanted])
        return await self.job()

    async def _deliveries(self, wanted: list[str]) -> None:
        """Until the jobs have these, the oldest first: looked at after each transaction."""
        database, changed = self.services.database, asyncio.Event()
        database.on_commit.append(changed.set)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while await self._read_column("SELECT delivery FROM jobs ORDER BY rowid") != wanted:
                    await changed.wait()
                    changed.clear()
        finally:
            database.on_commit.remove(changed.set)

    async def _read_column(self, query: str) -> list[str]:
        async with (
            self.services.database.reader() as connection,
            connection.execute(query) as cursor,
        ):
            return [str(row[0]) for row in await cursor.fetchall()]


class QuickEkaki(Ekaki):
    """Takes its extensions as they are imported. discord.py reads and runs each anew for every bot,
    which is a tenth of a second, and half of what most tests would take."""

    async def load_extension(self, name: str, *, package: str | None = None) -> None:
        await import_module(name, package).setup(self)


_COMMANDS: dict[int, Any] = {}  # as the first bot synced them


async def know_commands(world: World, bot: Ekaki) -> None:
    """As after a sync. What is sent then is a test of its own (`test_languages`)."""
    if not _COMMANDS:
        await bot.tree.sync()
        _COMMANDS.update(deepcopy(world.commands))
    world.commands = deepcopy(_COMMANDS)


def _is_listener(task: "asyncio.Task[Any]") -> bool:
    """Whether discord.py runs it for an event; commands and views wait for people."""
    name = task.get_name()
    return name.startswith("discord.py: on_") and name != "discord.py: on_interaction"


@asynccontextmanager
async def running_bot(
    place: Discord,
    *,
    engine: FakeEngine | None = None,
    loads: Sequence[Callable[[], Engine]] = (),
    backoff_s: tuple[float, ...] = (0.05,),
    commands_known: bool = False,
    enough: Callable[[Ekaki], bool] = Ekaki.is_ready,
    **settings: Any,
) -> AsyncGenerator[Running]:
    """The bot as `bot.app` composes it, with an engine in the test's hand, until the block ends.
    `loads`: several devices' instead; `commands_known`: members' clients know its commands;
    `enough`: when it is ready."""
    engine = engine or FakeEngine()
    values: dict[str, Any] = {
        "discord_token": Secret(place.loopback.token),
        "discord_api_url": place.loopback.url,
        "data_dir": place.folder,
        "progress_interval_s": 0.05,
        "sync_commands": "never",
        "tagger": "off",  # even where somebody has fetched one
        "faces": "off",
    }
    async with AsyncExitStack() as stack:
        stack.enter_context(connect_to(place.loopback.url))
        services = await stack.enter_async_context(
            open_services(
                Settings(**values | settings), load=loads or (lambda: engine), clock=place.clock
            )
        )
        bot = await stack.enter_async_context(QuickEkaki(services))
        _get_ready_at_once(bot, place.loopback)
        connected = asyncio.create_task(bot.start(place.loopback.token))
        try:
            await _ready(bot, connected, enough)
            if commands_known:
                await know_commands(place.world, bot)
            assert isinstance(bot.presenters, Presenters)
            bot.presenters.backoff_s = backoff_s
            yield Running(place=place, bot=bot, services=services, engine=engine)
        finally:
            engine.release()
            await bot.close()
            with suppress(asyncio.CancelledError, discord.ConnectionClosed):
                await connected


def _get_ready_at_once(bot: Ekaki, loopback: Loopback) -> None:
    """Once all that Discord sent has come. discord.py waits two seconds for one more server."""
    state = bot._connection  # pyright: ignore[reportPrivateUsage]
    delayed = state._delay_shard_ready  # pyright: ignore[reportPrivateUsage]

    async def when_all_came(shard_id: int) -> None:
        await until(lambda: sequence(bot, shard_id) >= last_event(loopback.gateway, shard_id))
        await delayed(shard_id)

    state.guild_ready_timeout = 0.001
    state._delay_shard_ready = when_all_came  # pyright: ignore[reportPrivateUsage]


async def _ready(
    bot: Ekaki, connected: "asyncio.Task[None]", enough: Callable[[Ekaki], bool]
) -> None:
    # `wait_until_ready` works only after login.
    ready = asyncio.create_task(until(lambda: enough(bot)))
    done, _ = await asyncio.wait(
        {ready, connected}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
    )
    ready.cancel()
    if connected in done:
        await connected
    assert ready in done, "the bot did not get ready"
    ready.result()
