"""Every limit of Discord is refused by the server itself: raw HTTP, no discord.py."""

# ruff: noqa: E501
# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportOptionalSubscript=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)

import io
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.playground.simulator import limits
from bot.playground.simulator.world import InteractionType

MIB = 1024 * 1024
BUTTON = {"type": 2, "style": 1, "label": "x"}


def buttons(number: int) -> list[dict]:
    return [BUTTON | {"custom_id": f"b{n}"} for n in range(number)]


def row(*children: dict) -> dict:
    return {"type": 1, "components": list(children)}


def select(number: int) -> dict:
    options = [{"label": f"l{n}", "value": f"v{n}"} for n in range(number)]
    return {"type": 3, "custom_id": "s", "options": options}


@dataclass
class Raw:
    session: aiohttp.ClientSession
    place: Any

    async def call(self, method: str, path: str, body: Any = None, files: list | None = None):
        url = f"{self.place.url}/api/v10{path}"
        if files is None:
            arguments = {} if body is None else {"json": body}
        else:
            form = aiohttp.FormData()
            form.add_field("payload_json", json.dumps(body or {}))
            for number, (name, data) in enumerate(files):
                form.add_field(f"files[{number}]", io.BytesIO(data), filename=name)
            arguments = {"data": form}
        async with self.session.request(method, url, **arguments) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def post(self, body: Any, files: list | None = None):
        path = f"/channels/{self.place.ids.general}/messages"
        return await self.call("POST", path, body, files)

    def interaction(self, kind=InteractionType.COMMAND, **data: Any):
        server = self.place.server
        return server.interactions.send(
            kind,
            {"id": "1", "name": "x", "type": 1, **data},
            user_id=self.place.ids.alice,
            channel=server.world.channel(self.place.ids.general),
        )

    async def answer(self, interaction, kind: int, data: Any = None, files: list | None = None):
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        body = {"type": kind} if data is None else {"type": kind, "data": data}
        return await self.call("POST", path, body, files)

    async def hook(self, interaction, method: str, which: str | None, body: Any = None):
        path = f"/webhooks/{self.place.ids.bot}/{interaction.token}"
        return await self.call(method, path + (f"/messages/{which}" if which else ""), body)


@pytest_asyncio.fixture
async def raw(loopback):
    headers = {"Authorization": f"Bot {loopback.server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield Raw(session, loopback)


def paths_of(tree: dict, before: str = "") -> set[str]:
    found = {before} if "_errors" in tree else set()
    for key, value in tree.items():
        if key != "_errors":
            found |= paths_of(value, f"{before}.{key}".strip("."))
    return found


EMBED = {"fields": [{"name": "n", "value": "v"}]}
CASES = [
    ({"content": "x" * 2001}, "content"),
    ({"embeds": [{"title": "x"}] * 11}, "embeds"),
    ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds"),
    ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
    ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
    ({"embeds": [{"fields": EMBED["fields"] * 26}]}, "embeds.0.fields"),
    ({"embeds": [{"fields": [{"name": "x" * 257, "value": "v"}]}]}, "embeds.0.fields.0.name"),
    ({"embeds": [{"fields": [{"name": "n", "value": "x" * 1025}]}]}, "embeds.0.fields.0.value"),
    ({"embeds": [{"fields": [{"name": "n", "value": ""}]}]}, "embeds.0.fields.0.value"),
    ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "embeds.0.footer.text"),
    ({"embeds": [{"author": {"name": "x" * 257}}]}, "embeds.0.author.name"),
    ({"components": [row(*buttons(6))]}, "components.0.components"),
    (
        {"content": "x", "components": [row(BUTTON | {"custom_id": f"{n}"}) for n in range(6)]},
        "components",
    ),
    ({"components": [row(BUTTON | {"custom_id": ""})]}, "components.0.components.0.custom_id"),
    (
        {"components": [row(BUTTON | {"custom_id": "x" * 101})]},
        "components.0.components.0.custom_id",
    ),
    ({"components": [row(BUTTON)]}, "components.0.components.0.custom_id"),
    (
        {"components": [row(BUTTON | {"custom_id": "a"}, BUTTON | {"custom_id": "a"})]},
        "components.0.components.1.custom_id",
    ),
    ({"components": [row(select(26))]}, "components.0.components.0.options"),
    ({"components": [row(select(0))]}, "components.0.components.0.options"),
    ({"components": [row(select(2), *buttons(1))]}, "components.0.components"),
    ({"flags": 1 << 15, "components": [{"type": 10, "content": "t"}]}, "flags"),
    ({"content": "x", "components": [{"type": 10, "content": "t"}]}, "components.0.type"),
    ({"content": "x", "nonce": "n" * 26}, "nonce"),
    ({"content": "x", "flags": 64}, "flags"),
    (
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        "allowed_mentions",
    ),
    ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0"),
    ({"content": "x", "attachments": [{"id": 3}]}, "attachments.0.id"),
]


@pytest.mark.parametrize(("body", "path"), CASES)
async def test_a_message_beyond_a_limit_is_refused_with_its_field(raw, body, path):
    status, answer = await raw.post(body)
    assert (status, answer["code"]) == (400, 50035)
    assert path in paths_of(answer["errors"])
    assert raw.place.alice.visible_messages(raw.place.ids.general) == []


FITTING = [
    {"content": "x" * 2000},
    {"embeds": [{"description": "x" * 600}] * 10},
    {"components": [row(*[BUTTON | {"custom_id": f"{r}{n}"} for n in range(5)]) for r in range(5)]},
    {"components": [row(select(25))]},
    {"components": [row(BUTTON | {"custom_id": "x" * 100})]},
]


@pytest.mark.parametrize("body", FITTING)
async def test_a_message_at_the_limit_passes(raw, body):
    status, answer = await raw.post(body)
    assert status == 200, answer


async def test_files_of_ten_mib_pass_and_larger_or_more_ones_do_not(raw):
    assert (await raw.post({}, [("a.png", b"x" * 10 * MIB)]))[0] == 200
    status, answer = await raw.post({}, [("a.png", b"x" * (10 * MIB + 1))])
    assert (status, answer["code"]) == (413, 40005)
    status, answer = await raw.post({}, [(f"{n}.txt", b"x") for n in range(11)])
    assert (status, answer["code"]) == (400, 50035)
    assert (await raw.post({}, [(f"{n}.txt", b"x") for n in range(10)]))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/channels/5", 404, 10003),
        ("GET", "/channels/{general}/messages/5", 404, 10008),
        ("PATCH", "/channels/{general}/messages/5", 404, 10008),
        ("GET", "/guilds/5", 404, 10004),
        ("GET", "/guilds/{guild}/members/5", 404, 10007),
        ("GET", "/users/5", 404, 10013),
        ("POST", "/channels/{general}/messages", 400, 50006),
        ("POST", "/interactions/5/t/callback", 404, 10062),
        ("POST", "/webhooks/{bot}/t", 404, 10015),
        ("GET", "/applications/{bot}/commands/5", 404, 10063),
        ("GET", "/nothing", 404, 0),
        ("GET", "/channels/{general}/messages?limit=101", 400, 50035),
    ],
)
async def test_what_is_not_there_has_discords_code(raw, method, path, status, code):
    ids = raw.place.ids
    path = path.format(general=ids.general, guild=ids.guild, bot=ids.bot)
    answer = await raw.call(method, path, {} if method in {"POST", "PATCH"} else None)
    assert (answer[0], answer[1]["code"]) == (status, code)


async def test_a_wrong_token_is_refused(raw):
    url = f"{raw.place.url}/api/v10/users/@me"
    async with raw.session.get(url, headers={"Authorization": "Bot other"}) as response:
        assert response.status == 401
        assert response.headers["Content-Type"] == "application/json"


async def test_permissions_are_held(raw):
    ids, world = raw.place.ids, raw.place.server.world
    overwrite = {"id": str(ids.bot), "type": 1, "allow": "0", "deny": str(1 << 11)}
    world.channel(ids.general).overwrites = [overwrite]
    status, answer = await raw.post({"content": "x"})
    assert (status, answer["code"]) == (403, 50013)
    overwrite["deny"] = str(1 << 10)
    status, answer = await raw.post({"content": "x"})
    assert (status, answer["code"]) == (403, 50001)
    overwrite["deny"] = str(1 << 15)
    assert (await raw.post({"content": "x"}))[0] == 200
    status, answer = await raw.post({}, [("a.txt", b"x")])
    assert (status, answer["code"]) == (403, 50013)
    world.user(ids.bob).accepts_dms = False
    path = f"/channels/{ids.dm_bob}/messages"
    status, answer = await raw.call("POST", path, {"content": "x"})
    assert (status, answer["code"]) == (403, 50007)
    thread = world.channel(ids.thread)
    thread.archived = thread.locked = True
    status, answer = await raw.call("POST", f"/channels/{ids.thread}/messages", {"content": "x"})
    assert (status, answer["code"]) == (400, 50083)
    thread.locked = False  # a message opens it again
    assert (await raw.call("POST", f"/channels/{ids.thread}/messages", {"content": "x"}))[0] == 200
    assert not thread.archived


async def test_another_authors_message_is_not_editable(raw):
    message = raw.place.alice.say("mine", channel=raw.place.ids.general)
    path = f"/channels/{raw.place.ids.general}/messages/{message.id}"
    status, answer = await raw.call("PATCH", path, {"content": "x"})
    assert (status, answer["code"]) == (403, 50005)


async def test_an_enforced_nonce_posts_once_within_some_minutes(raw):
    body = {"content": "x", "nonce": "job-1", "enforce_nonce": True}
    first, second = (await raw.post(body))[1], (await raw.post(body))[1]
    assert first["id"] == second["id"]
    assert first["nonce"] == "job-1"
    raw.place.server.world.advance(301)
    assert (await raw.post(body))[1]["id"] != first["id"]
    plain = {"content": "x", "nonce": "job-2"}
    assert (await raw.post(plain))[1]["id"] != (await raw.post(plain))[1]["id"]


async def test_an_edit_keeps_only_the_attachments_it_lists(raw):
    _, message = await raw.post({"content": "x"}, [("a.txt", b"a"), ("b.txt", b"b")])
    path = f"/channels/{raw.place.ids.general}/messages/{message['id']}"
    kept = message["attachments"][1]["id"]
    body = {"attachments": [{"id": kept}, {"id": 0, "filename": "c.txt"}]}
    _, edited = await raw.call("PATCH", path, body, [("c.txt", b"c")])
    assert [a["filename"] for a in edited["attachments"]] == ["b.txt", "c.txt"]
    _, edited = await raw.call("PATCH", path, {"content": "y"})
    assert len(edited["attachments"]) == 2
    status, answer = await raw.call("PATCH", path, {"content": "", "attachments": []})
    assert (status, answer["code"]) == (400, 50006)


async def test_cdn_links_are_signed_and_expire(raw):
    _, message = await raw.post({}, [("a.png", b"bytes")])
    url = message["attachments"][0]["url"]
    async with raw.session.get(url) as response:
        assert await response.read() == b"bytes"
    async with raw.session.get(url.partition("?")[0]) as response:
        assert response.status == 404
    raw.place.server.world.advance(24 * 3600 + 10)
    async with raw.session.get(url) as response:
        assert response.status == 404


async def test_an_interaction_is_answered_once_and_within_three_seconds(raw, monkeypatch):
    first = raw.interaction()
    assert (await raw.answer(first, 4, {"content": "x"}))[0] == 204
    status, answer = await raw.answer(first, 4, {"content": "x"})
    assert (status, answer["code"]) == (400, 40060)
    monkeypatch.setattr(limits, "ACKNOWLEDGE_WITHIN_S", 3.0)  # as it is, see conftest
    late = raw.interaction()
    raw.place.server.world.advance(3.1)
    status, answer = await raw.answer(late, 5)
    assert (status, answer["code"]) == (404, 10062)


async def test_a_token_lives_fifteen_minutes(raw):
    made = raw.interaction()
    assert (await raw.hook(made, "PATCH", "@original", {"content": "y"}))[1]["code"] == 10015
    await raw.answer(made, 5)
    raw.place.server.world.advance(899)
    assert (await raw.hook(made, "PATCH", "@original", {"content": "y"}))[0] == 200
    raw.place.server.world.advance(2)
    for method, which in (("PATCH", "@original"), ("POST", None), ("DELETE", "@original")):
        status, answer = await raw.hook(made, method, which, {"content": "z"})
        assert (status, answer["code"]) == (401, 50027)


async def test_ephemeral_is_fixed_by_the_first_answer(raw):
    made = raw.interaction()
    await raw.answer(made, 5, {"flags": 64})
    _, message = await raw.hook(made, "POST", None, {"content": "done"})
    assert message["flags"] == 64
    assert [m.id for m in raw.place.alice.visible_messages(raw.place.ids.general)] == [
        int(message["id"])
    ]
    assert raw.place.bob.visible_messages(raw.place.ids.general) == []
    path = f"/channels/{raw.place.ids.general}/messages/{message['id']}"
    assert (await raw.call("PATCH", path, {"content": "x"}))[1]["code"] == 10008
    public = raw.interaction()
    await raw.answer(public, 5)
    _, message = await raw.hook(public, "POST", None, {"content": "done", "flags": 64})
    assert message["flags"] == 0
    _, message = await raw.hook(public, "POST", None, {"content": "only you", "flags": 64})
    assert message["flags"] == 64


async def test_a_user_installed_app_gets_five_follow_ups(raw):
    made = raw.interaction()
    made.user_install_only = True
    await raw.answer(made, 4, {"content": "x"})
    raw.place.server.gatekeeper.limiter.rates.clear()
    for _ in range(5):
        assert (await raw.hook(made, "POST", None, {"content": "x"}))[0] == 200
    status, answer = await raw.hook(made, "POST", None, {"content": "x"})
    assert (status, answer["code"]) == (400, 40094)


def modal(title="T", custom_id="m", **text) -> dict:
    field = {"type": 4, "custom_id": "f", "style": 2, "label": "L", **text}
    return {"title": title, "custom_id": custom_id, "components": [row(field)]}


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (modal(title="x" * 46), "data.title"),
        (modal(custom_id=""), "data.custom_id"),
        (modal(max_length=4001), "data.components.0.components.0.max_length"),
        (modal(value="x" * 4001), "data.components.0.components.0.value"),
        (modal(label="x" * 46), "data.components.0.components.0.label"),
        ({"title": "T", "custom_id": "m", "components": []}, "data.components"),
    ],
)
async def test_a_modal_beyond_a_limit_is_refused(raw, data, path):
    status, answer = await raw.answer(raw.interaction(), 9, data)
    assert (status, answer["code"]) == (400, 50035)
    assert path in paths_of(answer["errors"])


async def test_a_modal_is_a_first_answer_to_a_command_only(raw):
    made = raw.interaction()
    await raw.answer(made, 5)
    assert (await raw.answer(made, 9, modal()))[1]["code"] == 40060
    submitted = raw.interaction(InteractionType.MODAL_SUBMIT)
    assert (await raw.answer(submitted, 9, modal()))[1]["code"] == 50035
    assert (await raw.answer(raw.interaction(), 9, modal(value="x" * 4000)))[0] == 204


async def test_choices_answer_autocompletion_only_and_are_bounded(raw):
    typing = {"options": [{"name": "p", "type": 3, "value": "a", "focused": True}]}
    choice = {"name": "n", "value": "v"}
    assert (await raw.answer(raw.interaction(), 8, {"choices": []}))[1]["code"] == 50035
    for bad in (
        [{"name": f"{n}", "value": "v"} for n in range(26)],
        [choice | {"name": ""}],
        [choice | {"name": "x" * 101}],
        [choice | {"value": "x" * 101}],
        [choice | {"value": 5}],
    ):
        made = raw.interaction(InteractionType.AUTOCOMPLETE, **typing)
        assert (await raw.answer(made, 8, {"choices": bad}))[1]["code"] == 50035
    made = raw.interaction(InteractionType.AUTOCOMPLETE, **typing)
    assert (await raw.answer(made, 4, {"content": "x"}))[1]["code"] == 50035
    assert (await raw.answer(made, 8, {"choices": [choice]}))[0] == 204


OPTION = {"type": 3, "name": "o", "description": "d"}
COMMAND = {"type": 1, "name": "c", "description": "d"}


@pytest.mark.parametrize(
    "command",
    [
        COMMAND | {"name": "Upper"},
        COMMAND | {"name": "two words"},
        COMMAND | {"name": "x" * 33},
        COMMAND | {"description": ""},
        COMMAND | {"description": "x" * 101},
        COMMAND | {"options": [OPTION | {"name": f"o{n}"} for n in range(26)]},
        COMMAND | {"options": [OPTION, OPTION]},
        COMMAND | {"options": [OPTION, OPTION | {"name": "p", "required": True}]},
        COMMAND
        | {"options": [OPTION | {"choices": [{"name": f"{n}", "value": "v"} for n in range(26)]}]},
        COMMAND
        | {"options": [OPTION | {"autocomplete": True, "choices": [{"name": "n", "value": "v"}]}]},
        COMMAND | {"options": [OPTION | {"description": "x" * 101}]},
        COMMAND | {"description_localizations": {"ja": "x" * 101}},
        COMMAND | {"description_localizations": {"jp": "no such locale"}},
        COMMAND | {"name_localizations": {"ja": "With Space"}},
        COMMAND | {"options": [OPTION | {"name_localizations": {"ja": "x" * 33}}]},
        {"type": 3, "name": "Menu", "description": "has none"},
    ],
)
async def test_a_command_beyond_a_limit_is_refused(raw, command):
    path = f"/applications/{raw.place.ids.bot}/commands"
    status, answer = await raw.call("PUT", path, [command])
    assert (status, answer["code"]) == (400, 50035)
    assert raw.place.server.world.commands == {}


async def test_rate_limits_are_told_and_held(raw):
    url = f"{raw.place.url}/api/v10/channels/{raw.place.ids.general}/messages"
    for left in range(4, -1, -1):
        async with raw.session.post(url, json={"content": "x"}) as response:
            assert response.headers["X-RateLimit-Remaining"] == str(left)
    async with raw.session.post(url, json={"content": "x"}) as response:
        body = await response.json()
        assert response.status == 429
        assert 0 < body["retry_after"] <= 5
    raw.place.server.gatekeeper.limiter.global_per_s = 1
    await raw.call("GET", "/users/@me")
    status, body = await raw.call("GET", "/users/@me")
    assert (status, body["global"]) == (429, True)
