"""`drain` as an operator uses it: real processes, a loopback Discord in this one."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.config.variables import VARIABLES
from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from data.jobs.left import Left, read_left
from data.store.lock import LOCK_NAME, holder, only_one
from tests.support.member import Member
from tests.support.patience import PATIENCE_S
from tests.support.simulator import Loopback

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGUSR1")

_BOT = """
import asyncio, sys, threading, time
from pathlib import Path
from bot import app
from bot.common import logs
from bot.common.secret import Secret
from bot.config.settings import Settings
from tests.support.fake_engine import FakeEngine

url, token, folder = sys.argv[1:]
logs.set_up("INFO", ())
settings = Settings(
    discord_token=Secret(token), discord_api_url=url, data_dir=Path(folder), default_steps=6
)
engine, held = FakeEngine(fail_at=lambda _, step: hold() if step == 1 else None), []
def hold():
    engine.hold()
    held.append(1)
def let_go():  # picture n goes on once there is a file n
    for n in (1, 2):
        while len(held) < n or not Path(folder, str(n)).exists():
            time.sleep(0.02)
        engine.release()
threading.Thread(target=let_go, daemon=True).start()
def ready(bot):
    bot._connection.guild_ready_timeout = 0.05
sys.exit(asyncio.run(app.run(settings, load=lambda: engine, ready=ready)))
"""


def environment(**settings: str) -> dict[str, str]:
    names = {each.name for each in VARIABLES}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return kept | {"PYTHONPATH": str(ROOT)} | settings


@asynccontextmanager
async def process(*command: str, **settings: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env=environment(**settings),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def rest_of(started: asyncio.subprocess.Process) -> str:
    """What it still says, until it ends."""
    async with asyncio.timeout(PATIENCE_S):
        text, _ = await started.communicate()
    return text.decode()


@asynccontextmanager
async def busy_bot(state: Path) -> AsyncGenerator[tuple[asyncio.subprocess.Process, Member]]:
    """A bot with two jobs, which wait for the files `1` and `2`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "ACKNOWLEDGE_WITHIN_S", PATIENCE_S)
        async with _busy_bot(state) as running:
            yield running


@asynccontextmanager
async def _busy_bot(state: Path) -> AsyncGenerator[tuple[asyncio.subprocess.Process, Member]]:
    async with (
        Loopback() as loopback,
        process("-c", _BOT, loopback.url, loopback.token, str(state)) as bot,
    ):
        alice = Member(loopback, IDS.alice)
        await alice.wait_for(lambda: loopback.gateway.connected)
        for prompt in ("1girl, umbrella", "1girl, hat"):
            sent = await alice.slash("imagine", {"prompt": prompt}, channel=IDS.general)
            assert sent.state == "acknowledged"
        yield bot, alice


async def test_everything_accepted_is_delivered_then_the_bot_ends(tmp_path: Path) -> None:
    async with (
        busy_bot(tmp_path) as (bot, alice),
        process("-m", "bot", "drain", DATA_DIR=str(tmp_path)) as drain,
    ):
        assert drain.stdout is not None
        assert "not taking new requests" in (await drain.stdout.readline()).decode()
        assert "Left to draw: 2" in (await drain.stdout.readline()).decode()
        late = await alice.slash("imagine", {"prompt": "1girl, late"}, channel=IDS.general)
        assert "not taking new requests" in late.text
        (tmp_path / "1").touch()
        assert "Left to draw: 1" in (await drain.stdout.readline()).decode()
        (tmp_path / "2").touch()
        told = await rest_of(drain)
        assert drain.returncode == 0, told
        assert told.rstrip().endswith("Everything is finished, and the bot has ended.")
        async with asyncio.timeout(PATIENCE_S):
            assert await bot.wait() == 0
        shown = alice.visible_messages(IDS.general)
        assert sorted(len(m.attachments) for m in shown if m.attachments) == [1, 1]
        assert "late" not in "".join(m.text for m in shown if m.attachments)
    assert read_left(tmp_path / "ekaki.db") == Left(to_draw=0, to_deliver=0)


async def test_a_bot_that_is_stopped_meanwhile_has_not_finished(tmp_path: Path) -> None:
    async with (
        busy_bot(tmp_path) as (bot, _alice),
        process("-m", "bot", "drain", DATA_DIR=str(tmp_path)) as drain,
    ):
        assert drain.stdout is not None
        await drain.stdout.readline()
        assert holder(tmp_path) == bot.pid
        bot.send_signal(signal.SIGTERM)
        told = await rest_of(drain)
        assert drain.returncode == 1, told
        assert "go on at the next start" in told
        assert await bot.wait() == 0


def test_without_a_running_bot_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "state"))
    assert main(["drain"]) == 1
    assert "No Ekaki runs" in capsys.readouterr().err
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / LOCK_NAME).write_text(str(os.getpid()), encoding="ascii")
    assert main(["drain"]) == 1  # a leftover file: no process holds it, so none is signalled


def test_the_holder_is_known_only_while_it_holds(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with only_one(tmp_path):
        assert holder(tmp_path) == os.getpid()
    assert holder(tmp_path) is None
    with only_one(tmp_path):  # looking has not kept the folder
        pass
