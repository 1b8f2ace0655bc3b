"""What a member's client checks and does with the options of a slash command."""

from dataclasses import dataclass, field
from typing import Any

from bot.playground.simulator.check_command import (
    BOOLEAN,
    CHANNEL,
    FILE,
    GROUP,
    INTEGER,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    USER,
)
from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.errors import Json, RefusedByClient
from bot.playground.simulator.limits import OPTION_TEXT
from bot.playground.simulator.message_payloads import attachment_json
from bot.playground.simulator.payloads import channel_json, member_json, role_json, user_json
from bot.playground.simulator.posting import attachment_of
from bot.playground.simulator.world import Channel, World


@dataclass(slots=True, kw_only=True)
class Filled:
    """Options as Discord sends them, and what they refer to."""

    options: list[Json] = field(default_factory=list[Json])
    resolved: dict[str, Json] = field(default_factory=dict[str, Json])


class OptionFiller:
    """Turns {name: value} into interaction options, refusing what the client would refuse."""

    def __init__(self, world: World, base_url: str, channel: Channel) -> None:
        self.world = world
        self.base_url = base_url
        self.channel = channel

    def fill(self, command: Json, values: dict[str, Any], *, focused: str | None = None) -> Filled:
        """`focused`: the option being typed; then nothing else has to be complete."""
        declared: dict[str, Json] = {option["name"]: option for option in command["options"]}
        for name in values:
            if name not in declared:
                raise RefusedByClient(f"/{command['name']} has no option {name!r}")
        filled = Filled()
        for name, option in declared.items():
            if name not in values:
                if option.get("required") and focused is None:
                    raise RefusedByClient(f"/{command['name']} needs {name!r}")
                continue
            filled.options.append(self._one(option, values[name], filled, focused=focused == name))
        return filled

    def fill_path(
        self, command: Json, path: list[str], values: dict[str, Any], *, focused: str | None = None
    ) -> Filled:
        """As `fill`, for `command sub` or `command group sub`."""
        options: list[Json] = command["options"]
        if not path:
            if any(option["type"] in {SUBCOMMAND, GROUP} for option in options):
                raise RefusedByClient(f"/{command['name']} needs a subcommand")
            return self.fill(command, values, focused=focused)
        found = [o for o in options if o["name"] == path[0] and o["type"] in {SUBCOMMAND, GROUP}]
        if not found:
            raise RefusedByClient(f"/{command['name']} has no subcommand {path[0]!r}")
        sub: Json = {"options": [], **found[0]}
        inner = self.fill_path(sub, path[1:], values, focused=focused)
        inner.options = [{"name": sub["name"], "type": sub["type"], "options": inner.options}]
        return inner

    def _one(self, option: Json, value: Any, filled: Filled, *, focused: bool) -> Json:
        kind, name = option["type"], option["name"]
        sent: Json = {"name": name, "type": kind}
        if focused:
            if not option.get("autocomplete"):
                raise RefusedByClient(f"{name!r} has no autocomplete")
            return sent | {"value": str(value), "focused": True}
        if kind in {STRING, INTEGER, NUMBER, BOOLEAN}:
            return sent | {"value": _plain(option, value)}
        if kind == FILE:
            return sent | {"value": self._upload(value, filled)}
        target = int(value)
        self._resolve(kind, name, target, filled)
        return sent | {"value": str(target)}

    def _upload(self, value: Any, filled: Filled) -> str:
        upload = (
            value
            if isinstance(value, Upload)
            else Upload(filename=value[0], content_type="application/octet-stream", data=value[1])
        )
        attachment = attachment_of(self.world.new_id(), upload, {})
        attachment.ephemeral = True
        self.world.uploads[attachment.id] = attachment
        payload = attachment_json(self.world, self.base_url, self.channel.id, attachment)
        filled.resolved.setdefault("attachments", {})[str(attachment.id)] = payload
        return str(attachment.id)

    def _resolve(self, kind: int, name: str, target: int, filled: Filled) -> None:
        guild = self.world.guilds.get(self.channel.guild_id or 0)
        if kind == CHANNEL and target in self.world.channels:
            payload = channel_json(self.world, self.world.channel(target))
            filled.resolved.setdefault("channels", {})[str(target)] = payload
        elif guild is not None and kind not in {USER, CHANNEL} and target in guild.roles:
            payload = role_json(guild.roles[target])
            filled.resolved.setdefault("roles", {})[str(target)] = payload
        elif kind not in {ROLE, CHANNEL} and target in self.world.users:
            user = user_json(self.world.user(target))
            filled.resolved.setdefault("users", {})[str(target)] = user
            if guild is not None and target in guild.members:
                member = member_json(self.world, guild.members[target], with_user=False)
                members = filled.resolved.setdefault("members", {})
                members[str(target)] = member | {"permissions": "0"}
        else:
            raise RefusedByClient(f"{name!r}: there is no {target}")


def _plain(option: Json, value: Any) -> Any:
    """Text, a number or a yes/no, within what the command declares."""
    kind, name = option["type"], option["name"]
    typed: Any = value
    wanted = {STRING: str, INTEGER: int, NUMBER: (int, float), BOOLEAN: bool}[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != BOOLEAN):
        raise RefusedByClient(f"{name!r} can't be {value!r}")
    if option.get("choices"):
        known = [choice["value"] for choice in option["choices"]]
        if value not in known:
            raise RefusedByClient(f"{name!r} offers {known}, not {value!r}")
    if kind == STRING:
        low, high = option.get("min_length", 0), option.get("max_length", OPTION_TEXT)
        if not value or not low <= len(typed) <= high:
            raise RefusedByClient(f"{name!r} takes {max(low, 1)} to {high} characters")
    elif kind in {INTEGER, NUMBER}:
        low, high = option.get("min_value", -(2**53)), option.get("max_value", 2**53)
        if not low <= value <= high:
            raise RefusedByClient(f"{name!r} takes {low} to {high}, not {value}")
    return value


def find_command(world: World, name: str, kind: int, channel: Channel, bits: int) -> Json:
    """The command that a member finds at this place, or RefusedByClient."""
    command = world.commands_by_name(guild_id=channel.guild_id).get((name, kind))
    if command is None:
        raise RefusedByClient(f"there is no command {name!r} here")
    contexts = command["contexts"]
    context = 1 if channel.guild_id is None else 0
    if contexts is not None and context not in contexts:
        raise RefusedByClient(f"{name!r} can't be used in this kind of place")
    if command["nsfw"] and not world.is_age_restricted(channel):
        raise RefusedByClient(f"{name!r} needs an age-restricted channel")
    wanted = command["default_member_permissions"]
    if wanted is not None and channel.guild_id is not None and bits & int(wanted) != int(wanted):
        raise RefusedByClient(f"{name!r} needs permissions that you don't have")
    return command
