"""DATA_DIR is moved under the real bot: it refuses kindly, ends with status 75, loses nothing."""

import asyncio
from pathlib import Path

import pytest

from bot.cli.failing import EXIT_AGAIN
from bot.playground.simulator.default_world import IDS
from data.jobs.left import Left, read_left
from tests.bot.cli.test_drain import process, rest_of
from tests.support.member import Member
from tests.support.patience import PATIENCE_S
from tests.support.simulator import Loopback


@pytest.mark.timeout(300)  # a guard only: two starts and two pictures on a busy machine
async def test_it_ends_to_be_started_again_and_goes_on_where_the_folder_is_back(
    tmp_path: Path,
) -> None:
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    async with Loopback() as loopback:
        settings = {
            "DISCORD_TOKEN": loopback.token, "DISCORD_API_URL": loopback.url,
            "DATA_DIR": str(state), "MODEL": "demo", "TAGGER": "off",
        }  # fmt: skip
        alice = Member(loopback, IDS.alice)
        async with process("-m", "bot", "run", **settings) as bot:
            await alice.wait_for(lambda: loopback.gateway.connected)
            await alice.wait_for(lambda: loopback.world.commands)
            request = {"prompt": "1girl, umbrella", "steps": 2, "count": 2}
            sent = await alice.slash("imagine", request, channel=IDS.general)
            assert sent.state == "acknowledged"
            state.rename(elsewhere)
            state.mkdir()
            late = await alice.slash("imagine", {"prompt": "1girl, late"}, channel=IDS.general)
            assert "folder was moved" in late.text
            said = await rest_of(bot)
            assert bot.returncode == EXIT_AGAIN, said
            last = said.splitlines()[-1]
            assert last.startswith(f"ekaki: {state}")
            assert "start Ekaki again" in last
        assert list(state.rglob("*.png")) == []
        left = read_left(elsewhere / "ekaki.db")
        assert left.to_draw + left.to_deliver == 1
        state.rmdir()
        elsewhere.rename(state)
        async with process("-m", "bot", "run", **settings) as again:
            shown = lambda: [m for m in alice.visible_messages(IDS.general) if m.attachments]  # noqa: E731
            await alice.wait_for(lambda: shown() and len(shown()[0].attachments) == 2)
            again.terminate()
            async with asyncio.timeout(PATIENCE_S):
                assert await again.wait() == 0
    assert read_left(state / "ekaki.db") == Left(to_draw=0, to_deliver=0)
