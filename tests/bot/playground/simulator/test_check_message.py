"""Messages beyond Discord's limits are refused by the server itself."""

# ruff: noqa: E501
# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportOptionalSubscript=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)

import pytest

from tests.bot.playground.simulator.raw import BUTTON, MIB, buttons, paths_of, row, select

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
