"""Which LoRAs a server's members may use, set by those who manage it."""

from collections.abc import AsyncGenerator

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Role
from cogs.common.audit_lines import line
from data.guilds import audit
from tests.bot.loras.making import put
from tests.cogs.pictures.files import filled
from tests.cogs.running import Discord, Running
from tests.cogs.settings.test_panel import changes, choose, opened
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.patience import until
from tests.support.views import MessageView

ARTISTS = 700000000000000001


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    for name in ("Ink", "水彩", "lamp"):
        put(place.folder / "loras", name, name.encode())
    guild = place.world.guilds[IDS.guild]
    guild.roles[ARTISTS] = Role(id=ARTISTS, name="artists", permissions=0)
    guild.members[IDS.alice].role_ids.append(ARTISTS)
    async with open_bot(place) as running:
        yield running


async def pressed(visitor: Visitor, panel: MessageView, label: str, said: str) -> MessageView:
    """The panel once it says so after a press."""
    await visitor.member.press(panel, label)
    await until(lambda: said in visitor.member.message(panel.id).text)
    return visitor.member.message(panel.id)


async def may(visitor: Visitor, running: Running, name: str) -> bool:
    answer = await visitor.imagine("1girl", lora=name)
    if "do not allow you the LoRA" in answer.text:
        return False
    await running.all_delivered(len(await running.jobs()))
    return True


async def test_all_none_or_a_list_for_everyone(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    panel = await opened(moderator, "loras")
    assert "@everyone\nall" in panel.text
    assert "As everyone" not in labels(panel)
    panel = await pressed(moderator, panel, "Allow none", "@everyone\nnone")
    assert not await may(alice, running, "ink")
    panel = await choose(moderator, panel, "loras:", "ink", "水彩")
    assert "@everyone\nInk and 水彩" in panel.text
    assert await may(alice, running, "ink")
    assert not await may(alice, running, "lamp")
    panel = await pressed(moderator, panel, "Allow all", "@everyone\nall")
    assert await may(alice, running, "lamp")
    names = ["ink", "水彩"]
    assert (await changes(running))[1:] == [  # after the first steps
        ("loras", None, "none"),
        ("loras", "none", names),
        ("loras", names, "all"),
    ]


async def test_a_role_has_its_own(
    running: Running, moderator: Visitor, alice: Visitor, bob: Visitor
) -> None:
    panel = await opened(moderator, "loras")
    panel = await choose(moderator, panel, "loras:", "lamp")
    panel = await choose(moderator, panel, "lorarole", ARTISTS)
    panel = await choose(moderator, panel, "loras:", "ink")
    assert "@everyone\nlamp" in panel.text
    assert "@artists\nInk" in panel.text
    assert await may(alice, running, "ink")
    assert not await may(alice, running, "lamp")
    assert await may(bob, running, "lamp")
    assert not await may(bob, running, "ink")
    assert f"<@&{ARTISTS}> only" in (await bob.answer("lora", name="ink")).text
    panel = await pressed(moderator, panel, "As everyone", "The LoRAs of")
    await until(lambda: "@artists\nInk" not in moderator.member.message(panel.id).text)
    assert await may(alice, running, "lamp")


async def test_a_list_is_written_by_name(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await opened(moderator, "loras")
    form = await moderator.member.press(panel, "Write a list")
    assert filled(form) == {"loras": "Ink\nlamp\n水彩"}
    refused = await moderator.member.submit_modal(form, {"loras": "inc"})
    assert "Similar names: `Ink`" in (await whole(refused)).text
    form = await moderator.member.press(panel, "Write a list")
    await moderator.member.submit_modal(form, {"loras": " INK \n\n水彩"})
    await until(lambda: "@everyone\nInk and 水彩" in moderator.member.message(panel.id).text)
    (place.folder / "loras" / "Ink.json").unlink()
    await running.services.loras.refresh()
    panel = await opened(moderator, "loras")
    assert "@everyone\nink (not in the library) and 水彩" in panel.text
    panel = await choose(moderator, panel, "loras:", "lamp")  # what is gone stays in the list
    assert "@everyone\nink (not in the library) and lamp" in panel.text


async def test_a_list_of_a_large_library_begins_empty(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    for number in range(120):
        name = f"a style of a very long name, the {number}th of all".replace(",", "")
        put(place.folder / "loras", name, name.encode())
    await running.services.loras.refresh()
    panel = await opened(moderator, "loras")
    form = await moderator.member.press(panel, "Write a list")
    assert filled(form) == {"loras": ""}
    await moderator.member.submit_modal(form, {"loras": "Ink\nlamp"})
    await until(lambda: "@everyone\nInk and lamp" in moderator.member.message(panel.id).text)
    form = await moderator.member.press(panel, "Write a list")
    assert filled(form) == {"loras": "Ink\nlamp"}


async def test_a_file_with_an_impossible_name_leaves_the_page_usable(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    (place.folder / "loras" / ("x" * 200 + ".json")).write_text("{}")
    await running.services.loras.refresh()
    panel = await opened(moderator, "loras")
    assert "@everyone\nall" in panel.text
    await pressed(moderator, panel, "Allow none", "@everyone\nnone")


async def test_the_log_says_it_in_words(running: Running, moderator: Visitor) -> None:
    panel = await opened(moderator, "loras")
    panel = await pressed(moderator, panel, "Allow none", "@everyone\nnone")
    await choose(moderator, panel, "loras:", "ink")
    async with running.services.database.reader() as reader:
        newest, before = await audit.page(
            reader, guild_id=IDS.guild, kinds=["setting_changed"], offset=0, limit=2
        )
    assert "**LoRAs by role**" in line(newest)
    assert "none → ink" in line(newest)
    assert "not set → none" in line(before)


async def test_only_those_who_manage_the_server_change_it(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await opened(moderator, "loras")
    place.loopback.changes.set_roles(IDS.guild, IDS.moderator, [])
    answer = await moderator.member.press(panel, "Allow none")
    assert "may manage this server" in (await whole(answer)).text
    assert await running.services.servers.loras(IDS.guild) == {}


async def test_without_a_library_it_says_so(place: Discord, moderator: Visitor) -> None:
    async with open_bot(place):
        panel = await opened(moderator, "loras")
        assert "no LoRAs yet" in panel.text
        assert [each["custom_id"][:18] for each in panel.selects] == [
            "ekaki:set:page", "ekaki:set:lorarole"
        ]  # fmt: skip
