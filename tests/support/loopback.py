"""The loopback Discord as pytest fixtures. Named in `pytest_plugins` of the root conftest."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest_asyncio

from bot.playground.simulator.default_world import IDS, DefaultIds
from tests.support.member import Member
from tests.support.simulator import Loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A running loopback and the people in it."""

    server: Loopback
    ids: DefaultIds
    alice: Member
    bob: Member
    moderator: Member
    owner: Member

    @property
    def url(self) -> str:
        return self.server.url


@pytest_asyncio.fixture
async def loopback() -> AsyncGenerator[Place]:
    async with Loopback() as server:
        yield Place(
            server=server,
            ids=IDS,
            alice=Member(server, IDS.alice),
            bob=Member(server, IDS.bob),
            moderator=Member(server, IDS.moderator),
            owner=Member(server, IDS.owner),
        )
