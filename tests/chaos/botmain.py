"""The real bot as a process: `bot.app.run`, with an engine that only takes time."""

import asyncio
import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import Any

from bot import app
from bot.common import logs
from bot.common.secret import Secret
from bot.config.settings import Settings
from pipeline.engine.protocol import DrawnPicture, Engine
from pipeline.request import ResolvedRequest
from tests.chaos.spec import BotSpec
from tests.support.tagger import PaintEngine


class UnsteadyEngine(PaintEngine):
    """Gives other bytes each time, as a real device may: a repeated picture is another file. What
    names no colour is green, which the tagger has nothing against."""

    usual = "green"

    def __init__(self, *, step_s: float, deadly: str) -> None:
        super().__init__(step_s=step_s)
        self._deadly = deadly

    def draw(self, request: ResolvedRequest, *args: Any, **kwargs: Any) -> DrawnPicture:
        if self._deadly and self._deadly in request.prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        drawn = super().draw(request, *args, **kwargs)
        image = drawn.image.copy()
        red, green, blue = os.urandom(3)
        image.putpixel((0, 0), (red, green, blue))
        return dataclasses.replace(drawn, image=image)


def settings_of(spec: BotSpec) -> Settings:
    """Generous limits, so that only faults get into the way; edits as fast as tests need them."""
    return Settings(
        discord_token=Secret(spec.token),
        discord_api_url=spec.url,
        data_dir=Path(spec.state),
        default_steps=spec.steps,
        progress_interval_s=0.2,
        pictures_per_hour=0,
        pictures_per_day=0,
        waiting_jobs_per_user=0,
        waiting_jobs_total=0,
        job_max_age_minutes=spec.max_age_minutes,
        tagger=spec.tagger,
    )


def run_bot(spec: BotSpec) -> int:
    """Run until a signal comes. Returns the exit status."""
    os.environ.update(spec.environment)
    settings = settings_of(spec)
    logs.set_up(settings.log_level, [settings.discord_token])

    def load() -> Engine:
        time.sleep(spec.load_s)
        return UnsteadyEngine(step_s=spec.step_s, deadly=spec.deadly)

    return asyncio.run(app.run(settings, load=load, ready=_ready_at_once))


def _ready_at_once(bot: app.Ekaki) -> None:
    # discord.py waits 2 s for further guilds before it is ready: a round would be nothing else.
    bot._connection.guild_ready_timeout = 0.05  # pyright: ignore[reportPrivateUsage]
