"""What importing brings, by names and not by time, each in a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"discord", "numpy", "onnxruntime", "torch", "PIL", "transformers", "diffusers", "optimum"}

COMMANDS = (
    "", "run", "imagine", "doctor", "sync", "model fetch", "model prepare", "lora add",
    "tags import",
)  # fmt: skip
PURE = (
    "pipeline.request", "pipeline.resolve", "pipeline.card",
    "bot.config.settings", "bot.config.reading", "bot.common.logs", "bot.jobs.draw.fair_queue",
)  # fmt: skip

_LIST = "import sys, json; print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"


def brought(code: str) -> set[str]:
    done = subprocess.run(  # the code is ours
        [sys.executable, "-c", f"{code}\n{_LIST}"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_brings_nothing_heavy(command: str) -> None:
    code = (
        "import contextlib, io\nfrom bot.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    try: main({[*command.split(), '--help']!r})\n"
        "    except SystemExit as end: assert end.code == 0\n"
    )
    assert not brought(code) & (HEAVY | {"aiohttp", "aiosqlite", "tqdm", "psutil"})


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_stay_pure(module: str) -> None:
    assert not brought(f"import {module}") & (HEAVY | {"aiohttp"})


def test_the_running_bot_with_the_own_engine_brings_no_torch() -> None:
    code = (
        "from bot import app\nfrom bot.config.settings import Settings\nimport importlib\n"
        "for name in app.COGS: importlib.import_module(name)\n"
        "app.engine_loader(Settings())\n"
    )
    assert not brought(code) & {"torch", "transformers", "diffusers", "optimum"}


def test_without_an_address_for_metrics_their_library_is_not_imported() -> None:
    code = (
        "from bot import app, compose\nfrom bot.config.settings import Settings\n"
        "app.engine_loader(Settings())\n"
        "compose.observer_of(Settings(metrics_address={address!r}))\n"
    )
    assert "prometheus_client" not in brought(code.format(address=""))
    assert "prometheus_client" in brought(code.format(address="127.0.0.1:9464"))


def test_drawing_in_the_shell_brings_no_discord_and_no_torch() -> None:
    assert not brought("import bot.cli.drawing") & {"discord", "torch", "transformers", "diffusers"}
