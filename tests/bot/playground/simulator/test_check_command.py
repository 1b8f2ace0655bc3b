"""Commands beyond Discord's limits are refused by the server itself."""

# ruff: noqa: E501
# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportOptionalSubscript=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)

import pytest

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
