"""Idle connections to the playground's page: with `--host` anybody can open them."""

import asyncio
import socket
from contextlib import ExitStack

import pytest
from aiohttp import ClientSession

from bot.playground.page import page as playground
from bot.playground.simulator import server
from bot.playground.simulator.default_world import default_world
from tests.support.patience import PATIENCE_S


async def test_idle_connections_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_S", 0.5)
    monkeypatch.setattr(playground, "MAX_CONNECTIONS", 20)
    page = playground.Page(world=default_world())
    with ExitStack() as stack:
        async with page, asyncio.timeout(PATIENCE_S):
            for _ in range(35):
                idle = socket.create_connection(("127.0.0.1", page.port), timeout=PATIENCE_S)
                stack.enter_context(idle)
            async with ClientSession() as http, http.get(page.address) as answer:
                assert answer.status == 200


async def test_an_address_that_is_taken_is_an_error_and_the_next_port_is_used() -> None:
    async with (
        playground.Page(world=default_world()) as first,
        playground.Page(world=default_world(), port=first.port) as second,
        ClientSession() as http,
    ):
        assert second.port not in {0, first.port}
        async with http.get(second.address) as answer:
            assert answer.status == 200
