"""A server that invites the bot is greeted: once, where it can be read, in its language."""

import asyncio
from dataclasses import dataclass, field

import pytest

from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.gateway import GUILDS
from bot.playground.simulator.payloads import guild_create_json
from bot.playground.simulator.world import Channel, ChannelType, Guild, Member, Message, Role
from cogs.moderation.welcome import START_PROMPT, nonce_of
from data.guilds import outbox
from data.guilds.outbox import OutboxItem
from data.shipped.text import unfilled
from data.store import notes
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot
from tests.support.patience import PATIENCE_S, until

SERVER, RULES, LOBBY = 9001, 9002, 9003


@dataclass
class Newcomer:
    """A server of two channels that the bot is not in yet. Nobody but moderators may write in
    `rules`."""

    place: Discord
    guild: Guild = field(default_factory=lambda: Guild(id=SERVER, name="New", owner_id=IDS.owner))

    def __post_init__(self) -> None:
        world = self.place.world
        self.guild.roles[SERVER] = Role(id=SERVER, name="@everyone", permissions=p.EVERYONE)
        for user_id in (IDS.owner, IDS.bot):
            self.guild.members[user_id] = Member(user_id=user_id, joined_at=world.time())
        for position, (channel_id, name) in enumerate(((RULES, "rules"), (LOBBY, "lobby"))):
            world.channels[channel_id] = Channel(
                id=channel_id,
                type=ChannelType.TEXT,
                name=name,
                guild_id=SERVER,
                position=position,
            )
        self.close(RULES)

    def close(self, channel_id: int) -> None:
        silent = {"id": str(SERVER), "type": 0, "allow": "0", "deny": str(p.SEND_MESSAGES)}
        self.place.world.channel(channel_id).overwrites = [silent]

    def invite(self) -> None:
        world = self.place.world
        world.guilds[SERVER] = self.guild
        created = guild_create_json(world, self.guild, all_members=False)
        del created["unavailable"]  # Discord says it only of servers that the bot was in already
        self.place.loopback.gateway.dispatch("GUILD_CREATE", created, intent=GUILDS)

    async def greeting(self, channel_id: int = LOBBY) -> Message:
        found = await until(lambda: self.said(channel_id))
        assert len(found) == 1
        return found[0]

    def said(self, channel_id: int) -> list[Message]:
        return list(self.place.world.messages_in(channel_id))


@pytest.fixture
def newcomer(place: Discord) -> Newcomer:
    return Newcomer(place)


async def time_to_speak(running: Running) -> None:
    """Until the bot knows the server, and has said what it has to say."""
    await running.heard()
    assert running.bot.get_guild(SERVER) is not None


async def noted(running: Running) -> None:
    """Until the bot has taken the event."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with running.services.database.reader() as reader:
                if await notes.get(reader, key=f"welcomed:{SERVER}") is not None:
                    return
            await asyncio.sleep(0.01)


async def test_the_first_channel_that_it_may_write_in_is_told_what_to_do(
    place: Discord, newcomer: Newcomer
) -> None:
    async with open_bot(place):
        newcomer.invite()
        said = (await newcomer.greeting()).embeds[0]
        assert said["title"] == unfilled("welcome.title", language="en")
        assert "`/imagine`" in said["description"]
        assert "`/settings`" in said["fields"][0]["value"]
        assert not newcomer.said(RULES)


async def test_its_button_draws_a_picture_for_whoever_presses(
    place: Discord, newcomer: Newcomer, alice: Visitor
) -> None:
    newcomer.guild.members[IDS.alice] = Member(user_id=IDS.alice, joined_at=place.world.time())
    async with open_bot(place):
        newcomer.invite()
        message = await newcomer.greeting()
    async with open_bot(place) as running:
        await alice.member.press(alice.member.view(message), "ekaki:start")
        job = await running.delivery("delivered")
    assert job.user_id == IDS.alice
    assert job.request.original.prompt == START_PROMPT


async def test_where_discord_greets_newcomers_goes_first(
    place: Discord, newcomer: Newcomer
) -> None:
    place.world.channel(RULES).overwrites = []
    newcomer.guild.system_channel_id = LOBBY
    async with open_bot(place):
        newcomer.invite()
        await newcomer.greeting(LOBBY)
        assert not newcomer.said(RULES)


async def test_it_is_in_the_language_of_the_server(place: Discord, newcomer: Newcomer) -> None:
    newcomer.guild.features, newcomer.guild.preferred_locale = ["COMMUNITY"], "ja"
    async with open_bot(place):
        newcomer.invite()
        said = (await newcomer.greeting()).embeds[0]
        assert said["title"] == unfilled("welcome.title", language="ja")


async def test_a_server_that_invites_again_knows_it_already(
    place: Discord, newcomer: Newcomer
) -> None:
    async with open_bot(place):
        newcomer.invite()
        await newcomer.greeting()
    del place.world.guilds[SERVER]
    async with open_bot(place) as running:
        newcomer.invite()
        await time_to_speak(running)
        assert len(newcomer.said(LOBBY)) == 1, "the greeting of the first time"


async def test_servers_that_it_was_in_at_the_start_are_not_greeted(
    place: Discord, newcomer: Newcomer
) -> None:
    place.world.guilds[SERVER] = newcomer.guild
    async with open_bot(place) as running:
        await time_to_speak(running)
    assert not newcomer.said(LOBBY)


async def test_a_server_where_it_may_write_nowhere_is_left_alone(
    place: Discord, newcomer: Newcomer
) -> None:
    newcomer.close(LOBBY)
    async with open_bot(place) as running:
        newcomer.invite()
        await time_to_speak(running)
        assert not newcomer.said(LOBBY)
        newcomer.guild.system_channel_id = None
        async with running.services.database.reader() as reader:
            assert await notes.get(reader, key=f"welcomed:{SERVER}") is None, "another time"


async def test_what_discord_refuses_costs_nothing(place: Discord, newcomer: Newcomer) -> None:
    async with open_bot(place) as running:
        newcomer.invite()
        newcomer.close(LOBBY)  # between the look and the word
        await noted(running)
        async with asyncio.timeout(PATIENCE_S):
            while not (item := await waiting(running)).attempts:
                await asyncio.sleep(0.01)
        assert "50013" in (item.last_error or "")
        assert not newcomer.said(LOBBY)
        place.world.channel(LOBBY).overwrites = []
        await running.services.outbox.wake(SERVER)
        await newcomer.greeting(LOBBY)


async def waiting(running: Running) -> OutboxItem:
    """The greeting that was not said yet."""
    async with running.services.database.reader() as reader:
        (item,) = await outbox.due_in(reader, lane=f"welcome:{SERVER}", now=9e9, limit=2)
    return item


def test_servers_made_in_the_same_moment_are_told_apart() -> None:
    largest = 2**64 - 1
    assert nonce_of(largest) != nonce_of(largest - 1)
    assert len(nonce_of(largest)) <= 25
