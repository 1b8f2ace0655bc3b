"""Checks of the token without any network, and the invite link."""

import base64
import binascii
import re
from typing import Final

from bot.common.secret import Secret
from bot.config.settings import Settings
from bot.doctor.values import Check, fail, ok

# Bits of Discord's permissions (developer documentation, "Permissions").
PERMISSIONS: Final = {
    "Add Reactions": 1 << 6,
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Embed Links": 1 << 14,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Send Messages in Threads": 1 << 38,
}
PERMISSION_BITS: Final = sum(PERMISSIONS.values())
ADMINISTRATOR: Final = 1 << 3

_SHAPE = re.compile(r"([\w-]+)\.[\w-]+\.[\w-]+")
_FIX = (
    "Copy the token again: https://discord.com/developers/applications, your application, Bot, "
    "Reset Token. It has two dots and no spaces, and no `Bot` before it."
)


def application_id(token: Secret) -> int | None:
    """The id at the start of a token (base64); None if it doesn't look like a token."""
    match = _SHAPE.fullmatch(token.reveal())
    if match is None:
        return None
    first = match[1]
    try:
        decoded = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return int(decoded) if re.fullmatch(r"\d{15,20}", decoded, re.ASCII) else None


def invite_link(application: int) -> str:
    """The link to add the bot to a server, with only the permissions that it needs."""
    return (
        f"https://discord.com/oauth2/authorize?client_id={application}"
        f"&scope=bot+applications.commands&permissions={PERMISSION_BITS}"
    )


def check_token(settings: Settings) -> list[Check]:
    """Token and invite link."""
    if not settings.discord_token:
        return [fail("Token", "DISCORD_TOKEN is not set", "Put it into .env. " + _FIX)]
    application = application_id(settings.discord_token)
    if application is None:
        if settings.discord_api_url:
            return [ok("Token", "set, for the Discord on this machine")]
        return [fail("Token", "set, but it has not the shape of a bot token", _FIX)]
    return [
        ok("Token", f"set, of application {application}"),
        ok("Invite link", invite_link(application)),
    ]
