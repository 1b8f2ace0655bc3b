"""Saves a world to a folder: `world.json` and one file for each attachment's bytes."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bot.playground.simulator.default_world import default_world
from bot.playground.simulator.errors import Json
from bot.playground.simulator.world import (
    Attachment,
    Channel,
    Guild,
    Interaction,
    InteractionType,
    Member,
    Message,
    Role,
    User,
    World,
)

NAME = "world.json"
FORMAT = 1


class StateUnreadable(Exception):  # noqa: N818 - it names what is the matter
    """The folder contains no world that this version can read."""


def save_world(world: World, folder: Path) -> None:
    """Write the world atomically. Raises OSError."""
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    kept: set[str] = set()
    for attachment in _attachments(world):
        kept.add(str(attachment.id))
        path = files / str(attachment.id)
        if not path.exists():
            _replace(path, attachment.data)
    _replace(folder / NAME, json.dumps(_world_json(world)).encode())
    for path in files.iterdir():
        if path.name not in kept:
            path.unlink()


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)  # noqa: PTH105 - named for what it promises: atomic


def _attachments(world: World) -> list[Attachment]:
    shown = [m for m in world.messages.values() if m.deleted_at is None]
    return [a for m in shown for a in m.attachments]


def _world_json(world: World) -> Json:
    messages = [_message_json(m) for m in world.messages.values() if m.deleted_at is None]
    used = {message["interaction_id"] for message in messages}
    used |= {i.opener_id for i in world.interactions.values() if i.id in used}
    interactions = [asdict(i) for i in world.interactions.values() if i.id in used]
    return {
        "format": FORMAT,
        "bot_user_id": world.bot_user_id,
        "offset_s": world.offset_s,
        "secret": world.secret.hex(),
        "users": [asdict(user) for user in world.users.values()],
        "guilds": [asdict(guild) for guild in world.guilds.values()],
        "channels": [asdict(channel) for channel in world.channels.values()],
        "messages": messages,
        "interactions": interactions,
        "commands": list(world.commands.values()),
    }


def _message_json(message: Message) -> Json:
    """Without the bytes of files, which have their own files."""
    saved = asdict(
        replace(message, attachments=[replace(a, data=b"") for a in message.attachments])
    )
    for attachment in saved["attachments"]:
        del attachment["data"]
    return saved


def load_world(folder: Path, *, now: Callable[[], float] = time.time) -> World:
    """The world saved in `folder`, or the default one if there is none. Raises StateUnreadable."""
    path = folder / NAME
    if not path.exists():
        return default_world(now=now)
    try:
        saved: Json = json.loads(path.read_bytes())
        if saved["format"] != FORMAT:
            raise StateUnreadable(f"{path} has another format: {saved['format']}")
        return _world(saved, folder / "files", now)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateUnreadable(f"{path} is damaged: {error!r}") from error


def _world(saved: Json, files: Path, now: Callable[[], float]) -> World:
    world = World(now=now, bot_user_id=saved["bot_user_id"])
    world.offset_s = saved["offset_s"]
    world.secret = bytes.fromhex(saved["secret"])
    world.users = {row["id"]: User(**row) for row in saved["users"]}
    world.channels = {row["id"]: Channel(**row) for row in saved["channels"]}
    world.guilds = {row["id"]: _guild(row) for row in saved["guilds"]}
    world.commands = {int(row["id"]): row for row in saved["commands"]}
    for row in saved["interactions"]:
        fields = row | {"type": InteractionType(row["type"])}
        world.interactions[row["id"]] = Interaction(**fields)
    for row in saved["messages"]:
        attachments = [_attachment(entry, files) for entry in row["attachments"]]
        world.messages[row["id"]] = Message(**row | {"attachments": attachments})
        for attachment in attachments:
            world.seen_id(attachment.id)
    for known in (world.messages, world.channels, world.interactions, world.commands):
        world.seen_id(max(known, default=0))
    return world


def _guild(row: Json) -> Guild:
    roles: dict[str, Any] = row["roles"]
    members: dict[str, Any] = row["members"]
    return Guild(
        id=row["id"],
        name=row["name"],
        owner_id=row["owner_id"],
        roles={int(key): Role(**value) for key, value in roles.items()},
        members={int(key): Member(**value) for key, value in members.items()},
        features=row.get("features", []),  # a world saved before these existed
        preferred_locale=row.get("preferred_locale", "en-US"),
        system_channel_id=row.get("system_channel_id"),
    )


def _attachment(row: Json, files: Path) -> Attachment:
    fields: Json = row | {"data": (files / str(row["id"])).read_bytes()}
    return Attachment(**fields)
