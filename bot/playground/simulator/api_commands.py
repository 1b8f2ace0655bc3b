"""The route of application commands: the bot sends all of them at once."""

from typing import Any

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator.api import Area, id_of
from bot.playground.simulator.bodies import read_json
from bot.playground.simulator.check_command import CHAT, check_commands
from bot.playground.simulator.errors import Json, as_list
from bot.playground.simulator.middleware import reply


class CommandsApi(Area):
    """A command that stays keeps its id."""

    def table(self) -> list[tuple[str, str, Any]]:
        return [("PUT", "/applications/{application}/commands", self.put_commands)]

    async def put_commands(self, request: web.Request) -> web.Response:
        if id_of(request, "application") != self.world.application_id:
            raise errors.missing_access()
        wanted = await read_json(request)
        check_commands(wanted)
        old = self.world.commands_by_name()
        self.world.commands = {}
        for command in wanted:
            known = old.get((command["name"], command.get("type") or CHAT))
            command_id = int(known["id"]) if known else self.world.new_id()
            self.world.commands[command_id] = self._stored(command, command_id)
        return reply(list(self.world.commands.values()))

    def _stored(self, command: Json, command_id: int) -> Json:
        """A command as Discord returns it: every field is there."""
        stored: Json = {
            "id": str(command_id),
            "application_id": str(self.world.application_id),
            "version": str(self.world.new_id()),
            "type": command.get("type") or CHAT,
            "name": command["name"],
            "name_localizations": command.get("name_localizations"),
            "description": command.get("description") or "",
            "description_localizations": command.get("description_localizations"),
            "default_member_permissions": command.get("default_member_permissions"),
            "dm_permission": command.get("dm_permission", True),
            "nsfw": bool(command.get("nsfw", False)),
            "integration_types": command.get("integration_types") or [0],
            "contexts": command.get("contexts"),
            "options": as_list(command.get("options")),
        }
        if stored["default_member_permissions"] is not None:
            stored["default_member_permissions"] = str(stored["default_member_permissions"])
        return stored
