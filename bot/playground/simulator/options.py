"""What a member's client checks and does with the options of a slash command."""

from dataclasses import dataclass, field
from typing import Any

from bot.playground.simulator.check_command import (
    BOOLEAN,
    CHANNEL,
    FILE,
    GROUP,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    USER,
)
from bot.playground.simulator.check_components import (
    CHANNEL_SELECT,
    MENTIONABLE_SELECT,
    ROLE_SELECT,
    USER_SELECT,
)
from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.errors import Json, RefusedByClient
from bot.playground.simulator.limits import OPTION_TEXT
from bot.playground.simulator.message_payloads import attachment_json
from bot.playground.simulator.payloads import channel_json, member_json, role_json, user_json
from bot.playground.simulator.posting import attachment_of
from bot.playground.simulator.world import Channel, World

_SELECTS = {
    USER: USER_SELECT,
    ROLE: ROLE_SELECT,
    MENTIONABLE: MENTIONABLE_SELECT,
    CHANNEL: CHANNEL_SELECT,
}
"""The menu that offers what an option of each kind takes."""


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
        if not resolve(self.world, self.channel, target, filled.resolved, kind=_SELECTS[kind]):
            raise RefusedByClient(f"{name!r}: there is no {target}")
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


def resolve(
    world: World, channel: Channel, target: int, found: dict[str, Json], *, kind: int
) -> bool:
    """Put what the id `target` names into `found`, as Discord's `resolved`; False if it names
    nothing that a menu of `kind` offers in `channel`."""
    guild, key = world.guilds.get(channel.guild_id or 0), str(target)
    if kind == CHANNEL_SELECT and target in world.channels:
        shown = channel_json(world, world.channel(target)) | {"permissions": "0"}
        found.setdefault("channels", {})[key] = shown
    elif guild and kind in {ROLE_SELECT, MENTIONABLE_SELECT} and target in guild.roles:
        found.setdefault("roles", {})[key] = role_json(guild.roles[target])
    elif kind in {USER_SELECT, MENTIONABLE_SELECT} and target in world.users:
        found.setdefault("users", {})[key] = user_json(world.user(target))
        if guild is not None and target in guild.members:
            member = member_json(world, guild.members[target], with_user=False)
            found.setdefault("members", {})[key] = member | {"permissions": "0"}
    else:
        return False
    return True


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
    command = world.commands_by_name().get((name, kind))
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
