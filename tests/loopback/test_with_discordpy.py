"""The unmodified discord.py client against the loopback."""

import asyncio
import io
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import discord
from discord import app_commands

from bot.loopback.client import connect_to


class Tiny(discord.Client):
    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(intents=intents or discord.Intents(guilds=True), guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.was_ready = asyncio.Event()

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_ready(self) -> None:
        self.was_ready.set()


@asynccontextmanager
async def running(bot, place) -> AsyncGenerator[None]:
    with connect_to(place.url):
        async with bot:
            task = asyncio.create_task(bot.start(place.server.token))
            ready = asyncio.create_task(bot.was_ready.wait())
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
            assert bot.was_ready.is_set(), task
            yield
            await bot.close()
            await task


async def test_is_ready_within_a_second(loopback):
    bot = Tiny()
    began = time.monotonic()
    async with running(bot, loopback):
        elapsed = time.monotonic() - began
        assert bot.user.id == loopback.ids.bot
        assert bot.get_channel(loopback.ids.age_restricted).is_nsfw()
        assert bot.get_channel(loopback.ids.age_restricted_thread).is_nsfw()
    assert elapsed < 1, elapsed


async def test_a_command_is_answered_edited_and_gets_a_file(loopback):
    bot = Tiny()

    @bot.tree.command(description="Say it")
    async def say(interaction: discord.Interaction, words: str) -> None:
        await interaction.response.send_message(f"first {words}")
        file = discord.File(io.BytesIO(b"\x89PNG..."), "a.png", description="alt")
        await interaction.edit_original_response(content="second", attachments=[file])

    async with running(bot, loopback):
        view = await loopback.alice.slash("say", {"words": "hi"}, channel=loopback.ids.general)
        message = await view.wait_for(lambda m: m.attachments)
        assert (message.content, message.attachments[0].data) == ("second", b"\x89PNG...")
        assert message.attachments[0].description == "alt"
        assert [v.content for v in loopback.alice.versions(message.id)] == ["first hi", "second"]
        assert view.ack_ms < 1000
