"""State as Discord's JSON. Ids are strings, times ISO 8601, permissions decimal strings."""

from datetime import UTC, datetime
from typing import Any

from bot.playground.simulator.errors import Json
from bot.playground.simulator.permissions import permissions_in
from bot.playground.simulator.world import (
    THREADS,
    Channel,
    ChannelType,
    Guild,
    Member,
    Role,
    User,
    World,
)

_APPLICATION_ZEROS = (
    "flags approximate_user_install_count approximate_user_authorization_count "
    "explicit_content_filter"
)
_APPLICATION_NOTHING = (
    "icon type team interactions_endpoint_url role_connections_verification_url event_webhooks_url"
)
_GUILD_ZEROS = (
    "system_channel_flags verification_level explicit_content_filter mfa_level premium_tier "
    "premium_subscription_count nsfw_level"
)
_GUILD_NOTHING = (
    "icon description home_header splash discovery_splash banner application_id afk_channel_id "
    "widget_channel_id max_presences vanity_url_code rules_channel_id safety_alerts_channel_id "
    "public_updates_channel_id hub_type incidents_data"
)
_NEVER_HERE = "voice_states presences stage_instances guild_scheduled_events soundboard_sounds"


def alike(names: str, value: Any) -> Json:
    """Fields that are all the same: what this world has none of."""
    return dict.fromkeys(names.split(), value)


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def user_json(user: User) -> Json:
    return {
        "id": str(user.id),
        "username": user.username,
        "discriminator": "0000" if user.bot else "0",
        "global_name": user.global_name,
        "bot": user.bot,
        "system": False,
        **alike("public_flags flags", 0),
        **alike("avatar banner accent_color primary_guild", None),
    }


def me_json(user: User) -> Json:
    """The bot about itself."""
    return user_json(user) | {
        "mfa_enabled": False,
        "locale": "en-US",
        "premium_type": 0,
        "email": None,
        "verified": True,
    }


def member_json(world: World, member: Member, *, with_user: bool = True) -> Json:
    boosting_since = member.boosting_since
    payload: Json = {
        "roles": [str(role_id) for role_id in member.role_ids],
        "nick": member.nick,
        "joined_at": timestamp(member.joined_at),
        "premium_since": None if boosting_since is None else timestamp(boosting_since),
        "flags": 0,
        **alike("avatar banner communication_disabled_until", None),
        **alike("deaf mute pending", False),
    }
    if with_user:
        payload["user"] = user_json(world.user(member.user_id))
    return payload


def role_json(role: Role) -> Json:
    colors = {"primary_color": role.color, "secondary_color": None, "tertiary_color": None}
    return {
        "id": str(role.id),
        "name": role.name,
        "description": None,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "colors": colors,
        "flags": 0,
        **alike("hoist managed mentionable", False),
        **alike("icon unicode_emoji", None),
    }


_REQUIRE_TAG = 1 << 4  # a channel's flag


def channel_json(world: World, channel: Channel) -> Json:
    base: Json = {
        "id": str(channel.id),
        "type": int(channel.type),
        "flags": _REQUIRE_TAG if channel.require_tag else 0,
        "last_message_id": str(channel.last_message_id) if channel.last_message_id else None,
    }
    if channel.type == ChannelType.DM:
        recipients = [user_json(world.user(user_id)) for user_id in channel.recipient_ids]
        return base | {"recipients": recipients}
    base |= {
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": str(channel.parent_id) if channel.parent_id else None,
        "rate_limit_per_user": 0,
        "permissions": str(permissions_in(world, channel, world.bot_user_id)),
    }
    if channel.type in THREADS:
        return base | _thread_fields(world, channel)
    if channel.type == ChannelType.FORUM:
        base |= {
            "available_tags": channel.tags,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }
    return base | {
        "position": channel.position,
        "permission_overwrites": channel.overwrites,
        "nsfw": channel.nsfw,
        "topic": channel.topic,
    }


def _thread_fields(world: World, channel: Channel) -> Json:
    return {
        "owner_id": str(channel.owner_id),
        "thread_metadata": {
            "archived": channel.archived,
            "archive_timestamp": timestamp(world.time()),
            "auto_archive_duration": 1440,
            "locked": channel.locked,
        },
        "applied_tags": [str(tag) for tag in channel.applied_tags],
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "nsfw": world.is_age_restricted(channel),
    }


def application_json(world: World) -> Json:
    """As `GET /applications/@me`."""
    owner = next(iter(world.guilds.values())).owner_id
    bot = world.user(world.bot_user_id)
    return {
        "id": str(world.application_id),
        "name": bot.username,
        "bot": user_json(bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags_new": "0",
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
        "owner": user_json(world.user(owner)),
        "redirect_uris": list(world.redirect_uris),
        "approximate_guild_count": len(world.guilds),
        "event_webhooks_status": 1,
        **alike("description summary", ""),
        **alike(_APPLICATION_ZEROS, 0),
        **alike(_APPLICATION_NOTHING, None),
    }


def guild_json(guild: Guild) -> Json:
    """As `GET /guilds/{id}`."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "roles": [role_json(role) for role in guild.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": guild.features,
        "region": "",
        "afk_timeout": 300,
        "system_channel_id": None if (hall := guild.system_channel_id) is None else str(hall),
        "default_message_notifications": 1,
        "max_members": 500000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "preferred_locale": guild.preferred_locale,
        **alike("widget_enabled premium_progress_bar_enabled nsfw", False),
        **alike(_GUILD_ZEROS, 0),
        **alike(_GUILD_NOTHING, None),
    }


def guild_create_json(world: World, guild: Guild, *, all_members: bool) -> Json:
    """As the gateway's GUILD_CREATE: without the members intent only the bot itself."""
    channels = world.channels_of(guild.id)
    members = [m for m in guild.members.values() if all_members or m.user_id == world.bot_user_id]
    return guild_json(guild) | {
        "joined_at": timestamp(guild.members[world.bot_user_id].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_json(world, member) for member in members],
        "channels": [channel_json(world, c) for c in channels if c.type not in THREADS],
        "threads": [
            channel_json(world, c) for c in channels if c.type in THREADS and not c.archived
        ],
        **alike(_NEVER_HERE, []),
    }
