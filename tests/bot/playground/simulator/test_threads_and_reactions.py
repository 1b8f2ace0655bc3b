"""Forums, threads, reactions and deletions, as the unmodified discord.py client meets them."""

# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)
# ruff: noqa: E501

import io

import discord
import pytest

from bot.playground.simulator import permissions as p
from bot.playground.simulator.world import Channel, ChannelType
from tests.bot.playground.simulator.test_with_discordpy import Tiny, running
from tests.support.patience import until

FORUM = 300000000000000099
INTENTS = discord.Intents(guilds=True, guild_messages=True, guild_reactions=True)


class Watcher(Tiny):
    """Keeps every raw event, by name."""

    def __init__(self) -> None:
        super().__init__(INTENTS)
        self.seen: list[tuple[str, object]] = []

    def dispatch(self, event: str, /, *args: object, **kwargs: object) -> None:
        self.seen.append((event, args[0] if args else None))
        super().dispatch(event, *args, **kwargs)

    async def until(self, event: str) -> object:
        found = await until(lambda: [what for name, what in self.seen if name == event])
        return found[-1]


@pytest.fixture
def forum(loopback) -> Channel:
    world = loopback.server.world
    channel = Channel(
        id=FORUM, type=ChannelType.FORUM, name="showcase", guild_id=loopback.ids.guild
    )
    world.channels[FORUM] = channel
    return channel


async def test_a_forum_post_has_its_first_message_with_files(loopback, forum):
    bot = Watcher()
    async with running(bot, loopback):
        channel = bot.get_channel(FORUM)
        assert isinstance(channel, discord.ForumChannel)
        made = await channel.create_thread(
            name="A cat",
            embed=discord.Embed(description="cat"),
            file=discord.File(io.BytesIO(b"x"), filename="cat.png"),
        )
        assert made.thread.id == made.message.id
        assert made.message.attachments[0].filename == "cat.png"
        again = await made.thread.fetch_message(made.thread.id)
        assert again.embeds[0].description == "cat"
        active = await channel.guild.active_threads()
        assert made.thread.id in {thread.id for thread in active}
        await made.thread.edit(archived=True)
        with pytest.raises(discord.HTTPException) as caught:
            await made.message.edit(content="new")
        assert caught.value.code == 50083
        archived = [thread.id async for thread in channel.archived_threads()]
        assert archived == [made.thread.id]
        with pytest.raises(discord.Forbidden):
            await made.thread.delete()
        loopback.server.world.guilds[loopback.ids.guild].roles[
            loopback.ids.bot_role
        ].permissions |= p.MANAGE_THREADS
        await made.thread.delete()
        assert FORUM in loopback.server.world.channels
        assert made.thread.id not in loopback.server.world.channels
        with pytest.raises(discord.NotFound):
            await made.thread.fetch_message(made.thread.id)


async def test_nothing_is_posted_into_a_forum_itself(loopback, forum):
    bot = Watcher()
    async with running(bot, loopback):
        with pytest.raises(discord.HTTPException) as caught:
            await bot.get_partial_messageable(FORUM).send("hello")
        assert caught.value.code == 50024


async def test_who_reacted_is_told_in_pages(loopback):
    bot = Watcher()
    async with running(bot, loopback):
        message = await bot.get_channel(loopback.ids.art).send("picture")
        shown = loopback.alice.message(message.id)
        for member in (loopback.alice, loopback.bob, loopback.owner):
            await member.react(shown, "⭐")
        event = await bot.until("raw_reaction_add")
        assert (event.message_id, str(event.emoji)) == (message.id, "⭐")
        fresh = await message.channel.fetch_message(message.id)
        (reaction,) = fresh.reactions
        assert reaction.count == 3
        first = [user.id async for user in reaction.users(limit=2)]
        rest = [user.id async for user in reaction.users(limit=5, after=discord.Object(max(first)))]
        people = sorted([loopback.ids.alice, loopback.ids.bob, loopback.ids.owner])
        assert sorted(first + rest) == people  # discord.py turns each page round


async def test_reactions_that_a_moderator_clears_are_told(loopback):
    bot = Watcher()
    async with running(bot, loopback):
        message = await bot.get_channel(loopback.ids.art).send("picture")
        await loopback.alice.react(loopback.alice.message(message.id), "⭐")
        stored = loopback.server.world.messages[message.id]
        loopback.server.changes.clear_reactions(stored, "⭐")
        event = await bot.until("raw_reaction_clear_emoji")
        assert (event.message_id, str(event.emoji)) == (message.id, "⭐")
        loopback.server.changes.clear_reactions(stored)
        assert (await bot.until("raw_reaction_clear")).message_id == message.id


async def test_deletions_are_told(loopback):
    bot = Watcher()
    async with running(bot, loopback):
        channel = bot.get_channel(loopback.ids.art)
        messages = [await channel.send(str(number)) for number in range(3)]
        world = loopback.server.world
        loopback.server.actions.delete(loopback.ids.moderator, messages[0].id)
        assert (await bot.until("raw_message_delete")).message_id == messages[0].id
        rest = [world.messages[message.id] for message in messages[1:]]
        loopback.server.changes.purge(rest)
        told = await bot.until("raw_bulk_message_delete")
        assert told.message_ids == {message.id for message in rest}
        loopback.server.changes.delete_channel(loopback.ids.art)
        assert (await bot.until("guild_channel_delete")).id == loopback.ids.art


async def test_a_changed_age_restriction_is_told(loopback):
    bot = Watcher()
    async with running(bot, loopback):
        loopback.server.changes.set_age_restricted(loopback.ids.age_restricted, on=False)
        await bot.until("guild_channel_update")
        assert not bot.get_channel(loopback.ids.age_restricted).is_nsfw()
