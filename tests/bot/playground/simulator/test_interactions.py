"""Interactions take the answers that Discord takes, while it takes them."""

# ruff: noqa: E501
# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportOptionalSubscript=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)

import pytest

from bot.playground.simulator import limits
from bot.playground.simulator.world import InteractionType
from tests.bot.playground.simulator.raw import paths_of, row


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
    raw.place.server.authorizer.limiter.rates.clear()
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
