"""Raw HTTP against the simulated Discord, without discord.py."""

# ruff: noqa: E501
# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportOptionalSubscript=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)

import io
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

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


def paths_of(tree: dict, before: str = "") -> set[str]:
    found = {before} if "_errors" in tree else set()
    for key, value in tree.items():
        if key != "_errors":
            found |= paths_of(value, f"{before}.{key}".strip("."))
    return found
