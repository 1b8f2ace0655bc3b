"""METRICS_ADDRESS, from the setting to a process that serves it."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.common.addresses import is_public
from bot.config.reading import read
from bot.config.variables import VARIABLES
from bot.doctor.configuration import check_metrics
from tests.support.patience import PATIENCE_S
from tests.support.simulator import Loopback

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("", ""),
        ("9464", "127.0.0.1:9464"),
        ("10.0.0.5:9464", "10.0.0.5:9464"),
        ("localhost:9464", "localhost:9464"),
        ("[::1]:9464", "[::1]:9464"),
    ],
)
def test_a_port_alone_is_on_this_machine(typed: str, address: str) -> None:
    settings, errors = read({"METRICS_ADDRESS": typed})
    assert (settings.metrics_address, errors) == (address, [])


@pytest.mark.parametrize("typed", ["65536", "yes", "127.0.0.1", ":9464", "http://127.0.0.1:9464"])
def test_anything_else_is_refused(typed: str) -> None:
    _, (error,) = read({"METRICS_ADDRESS": typed})
    assert "as 9464" in str(error.data["allowed"])


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("127.0.0.1", False), ("::1", False), ("10.0.0.5", False), ("192.168.1.2", False),
        ("fe80::1%eth0", False), ("0.0.0.0", True), ("::", True), ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
    ],
)  # fmt: skip
def test_addresses_that_others_reach_are_known(host: str, public: bool) -> None:
    assert is_public(host) == public


def test_the_doctor_warns_of_a_public_address() -> None:
    def result(typed: str) -> str:
        (check,) = check_metrics(read({"METRICS_ADDRESS": typed})[0])
        return check.result

    assert list(check_metrics(read({})[0])) == []
    assert [result(typed) for typed in ("9464", "10.0.0.5:9464", "localhost:1")] == ["ok"] * 3
    assert [result(typed) for typed in ("0.0.0.0:9464", "[::]:9464", "8.8.8.8:1")] == ["warn"] * 3


@asynccontextmanager
async def bot(state: Path, **settings: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`python -m bot run` on a simulated Discord."""
    names = {each.name for each in VARIABLES}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    async with Loopback() as loopback:
        values = {
            "DISCORD_TOKEN": loopback.token,
            "DISCORD_API_URL": loopback.url,
            "DATA_DIR": str(state),
            "MODEL": "demo",
            "PROVIDER": "cpu",
            "PYTHONPATH": str(ROOT),
        }
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", cwd=ROOT, env=kept | values | settings,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield started
        finally:
            if started.returncode is None:
                started.kill()
            await started.communicate()


async def test_a_bot_serves_it_from_its_start_to_its_end(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        bot(tmp_path, METRICS_ADDRESS="0") as process,
        aiohttp.ClientSession() as http,
    ):
        assert process.stdout is not None
        while (found := re.search(rb"http://\S+/metrics", await process.stdout.readline())) is None:
            pass
        base = found[0].decode().removesuffix("/metrics")
        while True:
            async with http.get(f"{base}/healthz/ready") as response:
                if response.status == 200:
                    break
                assert (await response.json())["missing"]
            await asyncio.sleep(0.05)
        async with http.get(f"{base}/metrics") as response:
            assert 'ekaki_ready{part="engine"} 1.0' in await response.text()
        process.terminate()
        await process.communicate()
        assert process.returncode == 0
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"{base}/healthz")


async def test_a_port_in_use_stops_the_start_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with asyncio.timeout(PATIENCE_S), bot(tmp_path, METRICS_ADDRESS=port) as process:
            said, _ = await process.communicate()
    last = said.decode().splitlines()[-1]
    assert process.returncode == 1
    assert last.startswith(f"ekaki: Metrics can't be served at 127.0.0.1:{port}: ")
    assert "Traceback" not in said.decode()
