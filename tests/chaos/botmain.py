"""The real bot as a process: `bot.app.run`, with an engine that only takes time."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from bot import app, compose
from bot.common import logs
from bot.common.secret import Secret
from bot.config.settings import Settings
from bot.hosts.service import Hosts
from bot.library import weekly
from cogs.drawing import presenters, submission
from pipeline.engine.protocol import Engine, SlotLoader
from tests.chaos.spec import BotSpec
from tests.chaos.unsteady import UnsteadyActor, unsteady
from tests.support.host_process import TOKEN
from tests.support.jumping import JumpingLoop, SharedClock
from tests.support.patience import PATIENCE_S


def settings_of(spec: BotSpec) -> Settings:
    """Generous limits, so that only faults get into the way; edits as fast as tests need them."""
    settings = Settings(
        discord_token=Secret(spec.token),
        discord_api_url=spec.url,
        data_dir=Path(spec.state),
        lora_dir=str(Path(spec.log).with_name("loras")),
        default_steps=spec.steps,
        progress_interval_s=0.2,
        pictures_per_hour=0,
        pictures_per_day=0,
        waiting_jobs_per_user=0,
        waiting_jobs_total=0,
        job_max_age_minutes=spec.max_age_minutes,
        tagger=spec.tagger,
        weekly_report=True,
        web_address=spec.web_address,
        hosts="ray" if spec.hosts_address else "local",
        hosts_address=spec.hosts_address or Settings.hosts_address,
        hosts_token=Secret(TOKEN if spec.hosts_address else ""),
    )
    return replace(settings, **spec.settings)


def run_bot(spec: BotSpec) -> int:
    """Run until a signal comes. Returns the exit status."""
    os.environ.update(spec.environment)
    settings = settings_of(spec)
    logs.set_up(settings.log_level, [settings.discord_token])
    weekly.LOOK_EVERY_S = 0.2  # a round lasts some seconds
    if spec.patient:
        submission.UNDECIDED_S = presenters._PARTING_S = PATIENCE_S  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]

    def load(_slot: int = 0) -> Engine:
        time.sleep(spec.load_s)
        return unsteady(step_s=spec.step_s, deadly=spec.deadly, slots=spec.slots)

    compose.Hosts = partial(Hosts, kind=UnsteadyActor)  # type: ignore[misc, assignment]
    one = SlotLoader(load) if spec.slots > 1 else load
    loads: list[Callable[[], Engine]] = [] if spec.hosts_address else [one]
    running = app.run(settings, load=loads, ready=_ready_at_once)
    if not spec.clock:
        return asyncio.run(running)
    clock = SharedClock(Path(spec.clock))
    compose.SystemClock = lambda: clock  # type: ignore[misc, assignment]
    with asyncio.Runner(loop_factory=partial(JumpingLoop, clock)) as runner:
        return runner.run(running)


def _ready_at_once(bot: app.Ekaki) -> None:
    # discord.py waits 2 s for further guilds before it is ready: a round would be nothing else.
    bot._connection.guild_ready_timeout = 0.05  # pyright: ignore[reportPrivateUsage]
