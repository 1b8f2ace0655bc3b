"""The unmodified discord.py client against the loopback."""

# ruff: noqa: E501
# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportOptionalSubscript=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import discord
import pytest
from discord import app_commands

from bot.common.discord_address import connect_to
from bot.playground.simulator import limits
from bot.playground.simulator.errors import RefusedByClient
from bot.playground.simulator.views import transcript
from tests.support.faults import Fault
from tests.support.gateway import forget, resumes
from tests.support.patience import PATIENCE_S


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
            await asyncio.wait(
                {task, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S
            )
            assert bot.was_ready.is_set(), task
            yield
            await bot.close()
            await task
            await asyncio.sleep(0.01)  # events that discord.py started while closing


async def test_is_ready_and_knows_its_server(loopback):
    bot = Tiny()
    async with running(bot, loopback):
        assert bot.user.id == loopback.ids.bot
        assert bot.get_channel(loopback.ids.age_restricted).is_nsfw()
        assert bot.get_channel(loopback.ids.age_restricted_thread).is_nsfw()


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


class Again(discord.ui.DynamicItem[discord.ui.Button], template=r"again:(?P<n>\d+)"):
    def __init__(self, n: int) -> None:
        super().__init__(discord.ui.Button(label="Again", custom_id=f"again:{n}"))
        self.n = n

    @classmethod
    async def from_custom_id(cls, interaction, item, match):
        return cls(int(match["n"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        view = discord.ui.View(timeout=None)
        view.add_item(Again(self.n + 1))
        await interaction.response.edit_message(content=f"pressed {self.n}", view=view)


class Words(discord.ui.Modal, title="Words"):
    words = discord.ui.TextInput(label="Words", style=discord.TextStyle.long, max_length=4000)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"{len(self.words.value)}", ephemeral=True)


def full_bot() -> Tiny:
    bot = Tiny()
    bot.add_dynamic_items(Again)
    bot.failures = []

    @bot.tree.error
    async def failed(interaction: discord.Interaction, error: Exception) -> None:
        bot.failures.append(error.original)

    @bot.tree.command(description="Slow")
    async def slow(interaction: discord.Interaction, private: bool = False) -> None:
        await interaction.response.defer(ephemeral=private)
        await interaction.followup.send("drawn")

    @bot.tree.command(description="Buttons")
    async def start(interaction: discord.Interaction) -> None:
        view = discord.ui.View(timeout=None)
        view.add_item(Again(1))
        await interaction.response.send_message("start", view=view)

    @bot.tree.command(description="Modal")
    async def ask(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Words())

    @bot.tree.command(description="Complete")
    @app_commands.describe(steps="How many")
    async def tag(
        interaction: discord.Interaction, name: str, steps: app_commands.Range[int, 1, 50] = 1
    ) -> None:
        await interaction.response.send_message(name)

    @tag.autocomplete("name")
    async def names(interaction: discord.Interaction, current: str):
        return [app_commands.Choice(name=current + x, value=current + x) for x in "ab"]

    @bot.tree.command(description="Upload")
    async def upload(interaction: discord.Interaction, file: discord.Attachment) -> None:
        data = await file.read()
        await interaction.response.send_message(file=discord.File(io.BytesIO(data), "copy.png"))

    @bot.tree.command(description="Late")
    async def late(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        bot.failures.append(None)
        await bot.gate.wait()
        await interaction.edit_original_response(content="too late")

    @bot.tree.context_menu(name="Measure")
    async def measure(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"{len(message.content)}", ephemeral=True)

    bot.gate = asyncio.Event()
    return bot


async def test_two_members_at_once_and_private_answers_are_private(loopback):
    channel = loopback.ids.art
    async with running(full_bot(), loopback):
        hers, his = await asyncio.gather(
            loopback.alice.slash("slow", {"private": True}, channel=channel),
            loopback.bob.slash("slow", channel=channel),
        )
        await hers.wait_for(lambda m: m.content == "drawn" and m.ephemeral)
        await his.wait_for(lambda m: m.content == "drawn" and not m.ephemeral)
    assert len(loopback.alice.visible_messages(channel)) == 2
    assert len(loopback.bob.visible_messages(channel)) == 1
    assert "only you see this" in transcript(loopback.alice.transcript)
    assert "only you see this" not in transcript(loopback.bob.transcript)


async def test_a_button_works_after_a_restart(loopback):
    async with running(full_bot(), loopback):
        view = await loopback.alice.slash("start", channel=loopback.ids.general)
    async with running(full_bot(), loopback):
        for n in (1, 2):
            pressed = await loopback.bob.press(view.message, "Again")
            assert pressed.message.content == f"pressed {n}"


async def test_modal_autocomplete_menu_and_upload(loopback, openapi):
    ids, alice = loopback.ids, loopback.alice
    async with running(full_bot(), loopback):
        opener = await alice.slash("ask", channel=ids.dm_alice)
        sent = await alice.submit_modal(
            opener, {opener.modal["components"][0]["components"][0]["custom_id"]: "x" * 4000}
        )
        assert sent.text == "4000"
        choices = await alice.autocomplete("tag", {"name": "so"}, "name", channel=ids.thread)
        assert [c["value"] for c in choices] == ["soa", "sob"]
        said = loopback.bob.say("four", channel=ids.general)
        assert (await alice.message_command("Measure", said)).text == "4"
        big = b"\x89PNG" + bytes(10 * 1024 * 1024 - 4)
        copied = await alice.slash("upload", {"file": ("a.png", big)}, channel=ids.general)
        assert copied.message.attachments[0].data == big
        await loopback.alice.slash("slow", channel=ids.general)
        sent = await alice.slash("start", channel=ids.general)
        await alice.press(sent.message, "Again")
    assert openapi.check(loopback.server.log) > 10


async def test_the_client_refuses_what_discords_client_would(loopback):
    async with running(full_bot(), loopback):
        for options in ({}, {"name": "x", "steps": 51}, {"name": 5}, {"name": "x", "other": 1}):
            with pytest.raises(RefusedByClient):
                await loopback.alice.slash("tag", options, channel=loopback.ids.general)


async def test_a_rate_limit_is_waited_for_and_retried(loopback):
    bot = full_bot()
    async with running(bot, loopback):
        fault = Fault(path="/messages$", method="POST", status=429, retry_after_s=0.05, times=2)
        loopback.server.faults.add(fault)
        await bot.get_channel(loopback.ids.general).send("there")
    statuses = [e.status for e in loopback.server.log.find("POST", "/messages$")]
    assert statuses == [429, 429, 200]


async def test_a_dropped_connection_resumes_and_replays(loopback):
    bot = full_bot()
    async with running(bot, loopback):
        await loopback.server.gateway.drop()
        view = await loopback.alice.slash("slow", channel=loopback.ids.general, wait=False)
        assert await view.answered() == "acknowledged"
    gateway = loopback.server.gateway
    assert (len(gateway.sessions), resumes(gateway)) == (1, 1)


async def test_a_forgotten_session_identifies_again(loopback):
    async with running(full_bot(), loopback):
        gateway = loopback.server.gateway
        await forget(gateway)
        await loopback.alice.wait_for(lambda: gateway.connected)  # a session that is not one of old


async def test_after_three_seconds_nobody_answers_any_more(loopback, monkeypatch):
    bot = full_bot()
    async with running(bot, loopback):
        view = await loopback.alice.slash("slow", channel=loopback.ids.general, wait=False)
        monkeypatch.setattr(limits, "ACKNOWLEDGE_WITHIN_S", 3.0)  # as it is, see conftest
        loopback.server.world.advance(3.5)
        assert await view.answered() == "failed"
        await loopback.alice.wait_for(lambda: bot.failures)
    assert isinstance(bot.failures[0], discord.NotFound)
    assert bot.failures[0].code == 10062


async def test_after_fifteen_minutes_the_token_is_refused(loopback):
    bot = full_bot()
    async with running(bot, loopback):
        await loopback.alice.slash("late", channel=loopback.ids.general)
        loopback.server.world.advance(901)
        bot.gate.set()
        await loopback.alice.wait_for(lambda: len(bot.failures) == 2)
    error = bot.failures[1]
    assert (type(error), error.status, error.code) == (discord.HTTPException, 401, 50027)


async def test_a_wrong_token_is_a_login_failure(loopback):
    with connect_to(loopback.url):
        async with Tiny() as bot:
            with pytest.raises(discord.LoginFailure):
                await bot.start("wrong")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:1",
        "http://example.org",
        "http://10.0.0.1:80",
        "http://127.0.0.1.evil.org",
    ],
)
def test_only_this_machine_is_accepted(url):
    before = discord.http.Route.BASE
    with pytest.raises(ValueError, match="loopback"), connect_to(url):
        pass
    assert before == discord.http.Route.BASE
