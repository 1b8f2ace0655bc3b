"""Every command in a direct message: it works, or says that it works on a server."""

from typing import Any

import pytest
from discord import app_commands

from bot.playground.simulator.default_world import IDS
from data.shipped.text import text
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot, whole

SERVERS_ONLY = {
    "gallery top", "gallery new", "gallery random", "gallery search", "gallery by", "gallery mine",
    "gallery waiting", "wildcard set", "wildcard import", "wildcard delete",
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "again": {"prompt": "1girl"},
    "compare": {"prompt": "1girl", "option": "cfg", "values": "5 | 7"},
    "imagine": {"prompt": "1girl"},
    "tags": {"tags": "1girl, smile"},
    "show": {"id": "abcdefghjkmn"},
    "gallery by": {"maker": str(IDS.alice)},
    "gallery public": {"on": True},
    "preset save": {"name": "mine", "prompt": "1girl"},
    "preset delete": {"name": "mine"},
    "collection create": {"name": "mine"},
    "collection add": {"name": "mine", "id": "abcdefghjkmn"},
    "collection remove": {"name": "mine", "id": "abcdefghjkmn"},
    "wildcard import": {"file": ("hats.txt", b"bow")},
    **{f"wildcard {name}": {"name": "pose"} for name in ("show", "set", "delete")},
    **{f"collection {name}": {"name": "mine"} for name in ("show", "download", "delete")},
}


OPENS_A_FORM = {"imagine-form", "imagine-parts"}


async def test_every_command_answers_in_a_direct_message(
    place: Discord, alice: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_bot(place) as running:
        commands = [
            each.qualified_name
            for each in running.bot.tree.walk_commands()
            if isinstance(each, app_commands.Command)
            and (each.root_parent or each).allowed_contexts is None
            and not each.qualified_name.startswith("owner ")
            and each.qualified_name not in OPENS_A_FORM
        ]
        assert len(commands) > 20
        for name in commands:
            answer = await alice.answer(name, IDS.dm_alice, **OPTIONS.get(name, {}))
            assert "went wrong on my side" not in answer.text, name
            told = text("errors.servers_only") in answer.text
            assert told == (name in SERVERS_ONLY), f"{name}: {answer.text}"
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_the_form_opens_and_is_answered(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        opened = await alice.member.slash("imagine-form", {}, channel=IDS.dm_alice)
        answer = await whole(await alice.member.submit_modal(opened, {"modal_prompt": "1girl"}))
        assert "1girl" in answer.text


async def test_who_approves_is_told_apart_from_where(
    place: Discord, alice: Visitor, moderator: Visitor
) -> None:
    async with open_bot(place):
        assert text("errors.moderators_only") in (await alice.answer("gallery waiting")).text
        in_private = await moderator.answer("gallery waiting", IDS.dm_moderator)
        assert text("errors.servers_only") in in_private.text


async def test_a_shared_collection_needs_a_server(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        made = await alice.answer("collection create", IDS.dm_alice, name="ours", shared=True)
        assert text("errors.collection_server_only") in made.text
