"""Routes of application commands: everywhere, or in one server."""

from typing import Any

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator.api import Area, id_of
from bot.playground.simulator.bodies import read_json
from bot.playground.simulator.check_command import CHAT, check_command, check_commands
from bot.playground.simulator.errors import FormErrors, Json, as_list
from bot.playground.simulator.middleware import reply


class CommandsApi(Area):
    """Handlers; bodies are read as `api` does."""

    def table(self) -> list[tuple[str, str, Any]]:
        commands = "/applications/{application}/commands"
        guild_commands = "/applications/{application}/guilds/{guild}/commands"
        table: list[tuple[str, str, Any]] = []
        for path in (commands, guild_commands):
            table += [
                ("GET", path, self.list_commands),
                ("PUT", path, self.put_commands),
                ("POST", path, self.post_command),
                ("GET", path + "/{command}", self.get_command),
                ("PATCH", path + "/{command}", self.patch_command),
                ("DELETE", path + "/{command}", self.delete_command),
            ]
        return table

    def _scope(self, request: web.Request) -> int | None:
        if id_of(request, "application") != self.world.application_id:
            raise errors.missing_access()
        if "guild" not in request.match_info:
            return None
        return self.world.guild(id_of(request, "guild")).id

    async def list_commands(self, request: web.Request) -> web.Response:
        return reply(self.world.commands_in(self._scope(request)))

    async def put_commands(self, request: web.Request) -> web.Response:
        scope = self._scope(request)
        wanted = await read_json(request)
        check_commands(wanted)
        old = {(c["name"], c["type"]): c for c in self.world.commands_in(scope)}
        for command in old.values():
            del self.world.commands[int(command["id"])]
        stored = [self._store(command, scope, old) for command in wanted]
        return reply(stored)

    def _store(self, command: Json, scope: int | None, old: dict[tuple[str, int], Json]) -> Json:
        known = old.get((command["name"], command.get("type") or CHAT))
        command_id = int(known["id"]) if known else self.world.new_id()
        stored = self.stored_command(command, command_id=command_id, guild_id=scope)
        self.world.commands[command_id] = stored
        return stored

    def stored_command(self, command: Json, *, command_id: int, guild_id: int | None) -> Json:
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
        if guild_id is not None:
            stored["guild_id"] = str(guild_id)
        return stored

    async def post_command(self, request: web.Request) -> web.Response:
        scope = self._scope(request)
        command = await read_json(request)
        form = FormErrors()
        check_command(form, (), command)
        form.finish()
        old = {(c["name"], c["type"]): c for c in self.world.commands_in(scope)}
        exists = (command["name"], command.get("type") or CHAT) in old
        return reply(self._store(command, scope, old), status=200 if exists else 201)

    def _command(self, request: web.Request) -> Json:
        self._scope(request)
        command = self.world.commands.get(id_of(request, "command"))
        if command is None:
            raise errors.unknown_command()
        return command

    async def get_command(self, request: web.Request) -> web.Response:
        return reply(self._command(request))

    async def patch_command(self, request: web.Request) -> web.Response:
        command = self._command(request) | await read_json(request)
        form = FormErrors()
        check_command(form, (), command)
        form.finish()
        scope = self._scope(request)
        command_id = int(command["id"])
        stored = self.stored_command(command, command_id=command_id, guild_id=scope)
        self.world.commands[command_id] = stored
        return reply(stored)

    async def delete_command(self, request: web.Request) -> web.Response:
        del self.world.commands[int(self._command(request)["id"])]
        return web.Response(status=204)
