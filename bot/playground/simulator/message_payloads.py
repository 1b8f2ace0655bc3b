"""Messages, attachments and interactions as Discord's JSON. Ids are strings, times ISO 8601."""

import hashlib
import hmac
from urllib.parse import quote

from bot.playground.simulator import limits
from bot.playground.simulator.errors import Json, as_object
from bot.playground.simulator.payloads import channel_json, member_json, timestamp, user_json
from bot.playground.simulator.permissions import permissions_in
from bot.playground.simulator.world import (
    Attachment,
    Interaction,
    InteractionType,
    Message,
    World,
)


def cdn_signature(world: World, attachment_id: int, expires_hex: str) -> str:
    text = f"{attachment_id}:{expires_hex}".encode()
    return hmac.new(world.secret, text, hashlib.sha256).hexdigest()


def attachment_url(world: World, base: str, channel_id: int, attachment: Attachment) -> str:
    """A signed link that expires, like Discord's."""
    expires = f"{int(world.time() + limits.CDN_LIFETIME_S):x}"
    signature = cdn_signature(world, attachment.id, expires)
    name = quote(attachment.filename)
    path = f"/cdn/attachments/{channel_id}/{attachment.id}/{name}"
    return f"{base}{path}?ex={expires}&is={int(world.time()):x}&hm={signature}"


def attachment_json(world: World, base: str, channel_id: int, attachment: Attachment) -> Json:
    url = attachment_url(world, base, channel_id, attachment)
    payload: Json = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": len(attachment.data),
        "url": url,
        "proxy_url": url,
        "content_type": attachment.content_type,
        "flags": 0,
    }
    if attachment.width is not None:
        payload |= {"width": attachment.width, "height": attachment.height}
    if attachment.description is not None:
        payload["description"] = attachment.description
    if attachment.ephemeral:
        payload["ephemeral"] = True
    return payload


def message_json(world: World, base: str, message: Message, *, viewer: int | None = None) -> Json:
    """A message as `viewer` (default: the bot) gets it."""
    attachments = [attachment_json(world, base, message.channel_id, a) for a in message.attachments]
    by_name = {payload["filename"]: payload for payload in attachments}
    payload: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "author": user_json(world.user(message.author_id)),
        "content": message.content,
        "timestamp": timestamp(message.created_at),
        "edited_timestamp": None if message.edited_at is None else timestamp(message.edited_at),
        "tts": False,
        "mention_everyone": message.mention_everyone,
        "mentions": [user_json(world.user(user_id)) for user_id in message.mention_ids],
        "mention_roles": [str(role_id) for role_id in message.mention_role_ids],
        "attachments": attachments,
        "embeds": [_embed_json(embed, by_name) for embed in message.embeds],
        "components": message.components,
        "pinned": False,
        "type": message.type,
        "flags": message.flags,
    }
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.reactions or message.super_reactions:
        payload["reactions"] = _reactions_json(message, viewer or world.bot_user_id)
    if message.reply_to is not None:
        reference = {"message_id": str(message.reply_to), "channel_id": str(message.channel_id)}
        payload["message_reference"] = reference | {"type": 0}
    if message.forwarded is not None:
        payload |= _forward_fields(world, base, message.forwarded)
    if message.interaction_id is not None:
        payload |= _answer_fields(world, world.interactions[message.interaction_id])
    return payload


def _forward_fields(world: World, base: str, message: Message) -> Json:
    """A reference of type 1, and a copy of what the message held."""
    names = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp", "flags",
             "mentions", "mention_roles", "components")  # fmt: skip
    whole = message_json(world, base, message)
    reference = {"type": 1, "message_id": whole["id"], "channel_id": whole["channel_id"]}
    snapshot = {name: whole[name] for name in names}
    return {"message_reference": reference, "message_snapshots": [{"message": snapshot}]}


def _embed_json(embed: Json, by_name: dict[str, Json]) -> Json:
    """With `attachment://name` replaced by the file's address."""
    shown = {"type": "rich", "content_scan_version": 0, **embed}
    for name in ("image", "thumbnail"):
        url = as_object(embed.get(name)).get("url", "")
        if url.startswith("attachment://") and url[13:] in by_name:
            shown[name] = {"url": by_name[url[13:]]["url"], "proxy_url": by_name[url[13:]]["url"]}
    return shown


def _reactions_json(message: Message, viewer: int) -> list[Json]:
    return [
        {
            "emoji": {"id": None, "name": emoji},
            "count": len(normal) + len(burst),
            "count_details": {"normal": len(normal), "burst": len(burst)},
            "burst_colors": [],
            "me": viewer in normal,
            "me_burst": viewer in burst,
            "burst_me": viewer in burst,
            "burst_count": len(burst),
        }
        for emoji in [*message.reactions, *(message.super_reactions.keys() - message.reactions)]
        for normal in [message.reactions.get(emoji, [])]
        for burst in [message.super_reactions.get(emoji, [])]
        if normal or burst
    ]


def _answer_fields(world: World, interaction: Interaction) -> Json:
    """Which interaction a message answers."""
    user = user_json(world.user(interaction.user_id))
    metadata = _metadata(world, interaction)
    fields: Json = {
        "webhook_id": str(world.application_id),
        "application_id": str(world.application_id),
        "interaction_metadata": metadata,
    }
    if interaction.type == InteractionType.COMMAND:
        name = " ".join(_command_path(interaction.data))
        fields["interaction"] = {"id": str(interaction.id), "type": 2, "name": name, "user": user}
    return fields


def _command_path(data: Json) -> list[str]:
    """The names of a command and of the subcommand that was used."""
    inner = [each for each in data.get("options", ()) if each["type"] in {1, 2}]
    return [data["name"], *(_command_path(inner[0]) if inner else ())]


def _metadata(world: World, interaction: Interaction) -> Json:
    metadata: Json = {
        "id": str(interaction.id),
        "type": int(interaction.type),
        "user": user_json(world.user(interaction.user_id)),
        "authorizing_integration_owners": owners_json(interaction),
    }
    if interaction.type == InteractionType.COMMAND and "target_id" in interaction.data:
        target = interaction.data["target_id"]
        is_user = interaction.data["type"] == 2
        metadata |= (
            {"target_user": user_json(world.user(int(target)))}
            if is_user
            else {"target_message_id": target}
        )
    if interaction.type == InteractionType.COMPONENT:
        metadata["interacted_message_id"] = str(interaction.source_message_id)
    opener = world.interactions.get(interaction.opener_id or 0)
    if opener is not None:
        metadata["triggering_interaction_metadata"] = _metadata(world, opener)
    return metadata


def owners_json(interaction: Interaction) -> Json:
    """Who installed the app for this interaction: 0 a guild (0 in DMs), 1 a user."""
    if interaction.user_install_only:
        return {"1": str(interaction.user_id)}
    return {"0": str(interaction.guild_id or 0)}


def interaction_json(world: World, base: str, interaction: Interaction) -> Json:
    """INTERACTION_CREATE."""
    channel = world.channel(interaction.channel_id)
    payload: Json = {
        "id": str(interaction.id),
        "application_id": str(world.application_id),
        "type": int(interaction.type),
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel": channel_json(world, channel),
        "channel_id": str(channel.id),
        "locale": world.user(interaction.user_id).locale,
        "app_permissions": str(permissions_in(world, channel, world.bot_user_id)),
        "entitlements": [],
        "authorizing_integration_owners": owners_json(interaction),
        "context": 1 if interaction.guild_id is None else 0,
        "attachment_size_limit": limits.FILE_BYTES,
    }
    if interaction.guild_id is None:
        payload["user"] = user_json(world.user(interaction.user_id))
    else:
        bits = permissions_in(world, channel, interaction.user_id)
        member = member_json(world, world.member(interaction.guild_id, interaction.user_id))
        payload["member"] = member | {"permissions": str(bits)}
        here = world.guild(interaction.guild_id)
        locale, features = here.preferred_locale, here.features
        guild: Json = {"id": str(here.id), "locale": locale, "features": features}
        payload |= {"guild_id": guild["id"], "guild": guild, "guild_locale": locale}
    if interaction.source_message_id is not None:
        message = world.messages[interaction.source_message_id]
        payload["message"] = message_json(world, base, message, viewer=interaction.user_id)
    return payload
