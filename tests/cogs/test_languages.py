"""Each reads their own language: a member by their client's, a place by its server's."""

from dataclasses import replace
from typing import Any

import pytest

from bot.common.actor import Actor
from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import as_list, as_object
from cogs.common.words import cut_to_columns
from data.shipped.text import keys, unfilled
from tests.cogs.drawing.test_delivery import EXPIRED_S, held, pictures
from tests.cogs.running import Discord, Running, running_bot, words
from tests.cogs.visitors import Visitor, labels, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until

PHONE_COLUMNS = 40  # of the face of a menu, on a screen of 390 pixels

DONE = {"もう一度", "バリエーション", "リミックス", "その他"}


@pytest.fixture
def japanese(place: Discord) -> None:
    """Alice's client is Japanese; the server and Bob are not."""
    place.world.users[IDS.alice].locale = "ja"


@pytest.fixture
def japanese_server(place: Discord) -> None:
    """A community server that chose Japanese. Its members' clients are English."""
    guild = place.world.guilds[IDS.guild]
    guild.features, guild.preferred_locale = ["COMMUNITY"], "ja"


@pytest.mark.usefixtures("japanese")
async def test_a_refusal_is_in_the_language_of_its_reader(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place):
        for visitor, said in ((alice, "画像サイズはありません"), (bob, "isn't a picture size")):
            refusal = await visitor.answer("imagine", prompt="1girl", aspect="round")
            assert refusal.ephemeral
            assert said in refusal.text


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize("command", ["help", "about", "limits", "me", "queue", "history"])
async def test_private_answers_are_japanese_and_fit(
    place: Discord, alice: Visitor, command: str
) -> None:
    """The loopback refuses what is too long for Discord."""
    async with open_bot(place):
        shown = await alice.answer(command)
        assert shown.ephemeral
        title = unfilled(f"{command}.title", language="ja")
        assert shown.text.startswith(title)
        assert not any(label.isascii() for label in labels(shown))


@pytest.mark.usefixtures("japanese")
async def test_forms_and_what_answers_them(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        opened = await alice.member.slash("imagine-form", {}, channel=IDS.general)
        assert opened.modal is not None
        assert opened.modal["title"] == "何を描きますか？"
        sent = await alice.member.submit_modal(opened, {"modal_prompt": "1girl --steps 9000"})
        answer = await sent.wait_for(lambda message: "ステップ数" in message.text)
        assert answer.ephemeral


@pytest.mark.usefixtures("japanese")
async def test_a_button_answers_its_presser(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with open_bot(place) as running:
        job = await bob.draw(running, "1girl")
        shown = alice.member.message(job.message_id or 0)
        for visitor, title in ((alice, "画像の設定"), (bob, "Settings")):
            panel = await visitor.more(shown)
            assert panel.ephemeral
            pressed = await visitor.member.press(panel, "ekaki:settings")
            assert pressed.text.startswith(title)


@pytest.mark.usefixtures("japanese_server")
async def test_what_everybody_reads_is_in_the_servers_language(
    place: Discord, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        job = await bob.draw(running, "1girl")
        assert job.locale == "ja"
        versions = bob.member.versions(job.message_id or 0)
        for message in versions:
            assert any(said in message.text for said in ("待機中", "生成中", "シード"))
        assert labels(versions[-1]).keys() >= DONE
        shown = await bob.answer("show", id=job.id)
        assert "シード" in shown.text
        assert (await bob.answer("limits")).text.startswith("Your limits")


@pytest.mark.usefixtures("japanese_server")
async def test_a_private_answer_stays_in_its_readers_language(
    place: Discord, running: Running
) -> None:
    shown = await place.answer(place.alice.imagine(prompt="1girl", private=True))
    await running.delivery("delivered")
    assert "seed " in words(shown)


@pytest.mark.usefixtures("japanese")
async def test_a_server_that_cannot_choose_leaves_the_language_to_who_asks(
    place: Discord, alice: Visitor
) -> None:
    """Only community servers choose one; all others say `en-US`."""
    async with open_bot(place) as running:
        job = await alice.draw(running, "1girl")
        assert job.locale == "ja"
        assert "シード" in alice.member.message(job.message_id or 0).text


@pytest.mark.usefixtures("japanese_server")
async def test_a_job_keeps_its_language_over_a_restart(place: Discord) -> None:
    async with running_bot(place) as running:
        message = await held(place, running)
    engine = FakeEngine()
    engine.hold()
    async with running_bot(place, engine=engine) as running:
        await until(lambda: engine.started.acquire(blocking=False))
        assert message.embeds[0]["title"] in {"待機中", "生成中"}
        engine.release()
        await running.delivery("delivered")
    assert "シード " in words(message)


@pytest.mark.usefixtures("japanese_server")
async def test_the_mention_after_a_long_wait_is_in_the_jobs_language(place: Discord) -> None:
    async with running_bot(place, mention_after_minutes=1) as running:
        await held(place, running)
        place.advance(EXPIRED_S)
        running.engine.release()
        await running.delivery("delivered")
        await until(lambda: len(place.seen(IDS.general)) == 2)
        (_, mention) = place.seen(IDS.general)
        assert "画像ができました" in mention.content
        assert len(pictures(place.seen(IDS.general))) == 1


@pytest.mark.usefixtures("japanese")
async def test_a_lacking_permission_is_called_as_the_readers_discord_calls_it(
    place: Discord, alice: Visitor
) -> None:
    role = place.world.guilds[IDS.guild].roles
    for each in role.values():
        each.permissions &= ~(1 << 15)  # attach files
    async with open_bot(place):
        refusal = await alice.answer("imagine", prompt="1girl")
        assert "ファイルを添付" in refusal.text


def localised(node: dict[str, Any]) -> dict[str, str]:
    """Every Japanese text of a command by its English one."""
    found: dict[str, str] = {}
    for field in ("name", "description"):
        japanese = as_object(node.get(f"{field}_localizations")).get("ja")
        if japanese is not None:
            found[node[field]] = japanese
    for inner in as_list(node.get("options")):
        found |= localised(inner)
    return found


def described(node: dict[str, Any]) -> set[str]:
    own = {node["description"]} if node.get("description") else set[str]()
    return own.union(*(described(each) for each in as_list(node.get("options"))))


async def test_discord_gets_every_description_in_japanese(place: Discord) -> None:
    async with running_bot(place, sync_commands="auto"):
        commands = list(place.world.commands.values())
    assert commands
    for command in commands:
        japanese = localised(command)
        assert described(command) <= japanese.keys(), command["name"]
        assert all(len(words) <= limits.COMMAND_DESCRIPTION for words in japanese.values())
        if command["type"] == 1:  # its name is typed, and the help names it
            assert not command["name_localizations"]
        else:
            assert command["name_localizations"]["ja"]
    assert len({text for command in commands for text in localised(command).values()}) > 30


async def test_new_words_are_sent_and_known_ones_are_not(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(place, sync_commands="auto") as running:
        assert not await running.bot.sync_if_changed()
        changed = {key: unfilled(key, language="ja") for key in keys("ja")}
        changed["help.description"] = "使い方"
        english = {key: unfilled(key) for key in keys()}
        monkeypatch.setattr(
            "data.shipped.text._catalogue", {"en": english, "ja": changed}.__getitem__
        )
        assert await running.bot.sync_if_changed()
        (command,) = [c for c in place.world.commands.values() if c["name"] == "help"]
        assert command["description_localizations"]["ja"] == "使い方"


async def test_a_server_chooses_its_language_here(place: Discord, bob: Visitor) -> None:
    """Also for a server that can't choose one in Discord. The choice survives a restart."""
    actor = Actor(user_id=IDS.moderator, guild_id=IDS.guild, channel_id=IDS.general)
    async with open_bot(place) as running:
        await running.services.servers.change(actor, lambda made: replace(made, language="ja"))
        shown = await bob.imagine("1girl")
        assert "待機中" in shown.text or "生成中" in shown.text
        assert (await bob.answer("limits")).text.startswith("Your limits")
    async with open_bot(place) as running:
        job = await bob.draw(running, "1boy")
        assert job.locale == "ja"
        await running.services.servers.change(actor, lambda made: replace(made, language=None))
        assert (await bob.draw(running, "1other")).locale == "en-US"


async def test_the_panel_sets_the_language(place: Discord, moderator: Visitor) -> None:
    async with open_bot(place) as running:
        panel = await moderator.answer("settings")
        if not any(select["custom_id"] == "ekaki:set:language" for select in panel.selects):
            pressed = await moderator.member.press(panel, "Done")
            assert pressed.message is not None
            panel = pressed.message
        assert "this server's setting in Discord" in panel.text
        chosen = await moderator.member.select(panel, "ekaki:set:language", ["ja"])
        assert chosen.message is not None
        assert "日本語" in chosen.message.text
        assert (await running.services.servers.settings(IDS.guild)).language == "ja"
        again = await moderator.member.select(panel, "ekaki:set:language", ["-"])
        assert again.message is not None
        assert "日本語" not in again.message.text


@pytest.mark.parametrize("locale", ["en-US", "ja"])
async def test_what_a_menu_shows_fits_on_a_phone(
    place: Discord, alice: Visitor, moderator: Visitor, locale: str
) -> None:
    for user_id in (IDS.alice, IDS.moderator):
        place.world.users[user_id].locale = locale
    async with open_bot(place):
        panels = [await alice.answer("me"), await moderator.answer("settings")]
        pressed = await moderator.member.press(panels[1], "ekaki:set:go:done:0")
        assert pressed.message is not None
        (menu,) = (m for m in pressed.message.selects if m["custom_id"] == "ekaki:set:page")
        for page in menu["options"]:
            await moderator.member.select(panels[1], "ekaki:set:page", [page["value"]])
            panels.append(moderator.member.message(panels[1].id))
    for menu in (each for panel in panels for each in panel.selects):
        chosen = [each["label"] for each in menu.get("options", ()) if each.get("default")]
        for face in chosen or [menu["placeholder"]]:
            assert cut_to_columns(face, PHONE_COLUMNS) == face
