"""`python -m bot demo`: the real bot on a simulated Discord, and what a member saw."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import app
from bot.common.secret import Secret
from bot.common.terminal import note, say
from bot.config.kinds import SHIPPED_MODEL
from bot.config.settings import Settings
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.server import TOKEN, Loopback
from bot.playground.simulator.views import buttons_of, transcript, visible_text
from data.shipped.paths import DEMO_MODEL
from pipeline.card import EXAMPLE_PROMPTS
from pipeline.disk import at
from pipeline.engine.protocol import Engine
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder

_READY_S = 60.0
_PICTURE_S = 600.0  # a slow machine; a common one takes seconds


def main(out: Path) -> int:
    """Run the demo, with `picture.png` and `transcript.txt` in `out`. Returns the exit status."""
    note(ModelFolder.open(DEMO_MODEL).notice)
    with at(out):
        out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="ekaki-demo-") as state:
        settings = Settings(
            discord_token=Secret(TOKEN),
            data_dir=Path(state),
            model=SHIPPED_MODEL,
            progress_interval_s=1.0,
        )
        load = app.engine_loader(settings)
        asyncio.run(_demo(settings, out, load))
    return 0


async def _demo(settings: Settings, out: Path, load: Callable[[], Engine]) -> None:
    async with Loopback() as discord:
        note("Starting the bot on a loopback Discord")
        stop = asyncio.Event()
        running = replace(settings, discord_api_url=discord.url)
        bot = asyncio.create_task(app.run(running, load=load, stop=stop))
        asking = asyncio.create_task(_imagine(discord))
        await asyncio.wait({bot, asking}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await bot  # where it failed, this says why
        seen = [event for event in discord.feed.events if discord.actions.sees(IDS.alice, event)]
        _keep(out, await asking, transcript(seen) + "\n")


async def _imagine(discord: Loopback) -> bytes:
    """Send the model card's example and print the answer. Returns the picture's file."""
    await discord.wait_connected(_READY_S)
    async with asyncio.timeout(_READY_S):
        while not discord.world.commands:  # noqa: ASYNC110 - the demo alone waits so
            await asyncio.sleep(0.02)
    prompt, shown = EXAMPLE_PROMPTS[0], ""
    say(f"Alice: /imagine prompt: {prompt} seed: 42")
    options = {"prompt": prompt, "seed": 42}
    sent = discord.actions.slash(IDS.alice, "imagine", options, channel_id=IDS.art)
    began = time.monotonic()
    while time.monotonic() - began < _PICTURE_S:
        answer = discord.world.messages.get(sent.response_message_id or 0)
        if answer is not None and answer.deleted_at is None:
            message = discord.posting.json(answer, viewer=IDS.alice)
            if visible_text(message) != shown:
                shown = visible_text(message)
                say("Ekaki: " + " | ".join(line for line in shown.splitlines() if line.strip()))
            if any(_is_picture(file.filename) for file in answer.attachments):
                return answer.attachments[0].data
            if not buttons_of(message):
                break  # it can't be cancelled any more, and has no picture: it failed
        await asyncio.sleep(0.05)
    raise EngineError("engine_failed")


def _is_picture(filename: str) -> bool:
    return filename.endswith((".png", ".webp")) and "preview" not in filename


def _keep(out: Path, data: bytes, everything: str) -> None:
    picture, text = out / "picture.png", out / "transcript.txt"
    with at(out):
        picture.write_bytes(data)
        text.write_text(everything, encoding="utf-8")
    say(f"{picture}: what Alice got. {text}: everything she saw.")
