"""Checks that ask Discord whether the token is valid and what the bot may do. Only reads."""

import asyncio
from importlib.metadata import version
from typing import Any, Final

import aiohttp

from bot.config.settings import Settings
from bot.doctor.token import ADMINISTRATOR, PERMISSIONS, invite_link
from bot.doctor.values import Check, fail, ok, warn

API: Final = "https://discord.com/api/v10"
TIMEOUT_S: Final = 15
PAGE: Final = 200  # servers in one answer
PRIVILEGED_FLAGS: Final = {
    "Presence": 1 << 12 | 1 << 13,
    "Server Members": 1 << 14 | 1 << 15,
    "Message Content": 1 << 18 | 1 << 19,
}
"""Flags of an application, `GATEWAY_...` and `..._LIMITED` (developer documentation)."""


def check_online(settings: Settings) -> list[Check]:
    """Ask Discord, or the simulated one of the settings. Never raises for network problems."""
    if not settings.discord_token:
        return []
    try:
        return asyncio.run(_ask(settings))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        fix = "Check this machine's connection, name service and clock."
        return [fail("Discord", f"can't be reached: {type(error).__name__}", fix)]


async def _ask(settings: Settings) -> list[Check]:
    base = f"{settings.discord_api_url}/api/v10" if settings.discord_api_url else API
    headers = {
        "Authorization": f"Bot {settings.discord_token.reveal()}",
        # The format that Discord requires: DiscordBot (address, version).
        "User-Agent": f"DiscordBot ({settings.source_url or 'self-hosted'}, {version('ekaki')})",
    }
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        status, me = await _get(session, f"{base}/users/@me")
        if status == 401:
            fix = "Reset it in the developer portal (Bot, Reset Token) and put it into .env."
            return [fail("Discord", "the token is not valid (any more)", fix)]
        if status != 200:
            return [fail("Discord", f"answers {status}", "Try again later; see discordstatus.com.")]
        checks = [ok("Discord", f"logged in as {me.get('username')}")]
        status, application = await _get(session, f"{base}/applications/@me")
        if status == 200:
            checks += check_application(application)
        status, guilds = await _get(session, f"{base}/users/@me/guilds")
        if status == 200:
            checks += check_guilds(guilds, application_id=int(me["id"]))
        status, gateway = await _get(session, f"{base}/gateway/bot")
        if status == 200:
            checks.append(
                check_gateway(gateway, servers=application.get("approximate_guild_count"))
            )
        return checks


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with session.get(url) as response:
        if response.status != 200:
            return response.status, {}
        return response.status, await response.json()


def check_application(application: dict[str, Any]) -> list[Check]:
    """The application's switches."""
    flags = int(application.get("flags") or 0)
    switched_on = [name for name, bits in PRIVILEGED_FLAGS.items() if flags & bits]
    checks = [ok("Intents", "none that are privileged, as it should be")]
    if switched_on:
        fix = "Ekaki needs none: switch them off in the developer portal, Bot."
        checks = [warn("Intents", f"privileged and on: {', '.join(switched_on)}", fix)]
    if application.get("bot_public") is False:
        checks.append(ok("Public", "no: only you can add it to servers"))
    if application.get("interactions_endpoint_url"):
        fix = "Empty `Interactions Endpoint URL` in the developer portal: no command arrives here."
        checks.append(fail("Interactions", "are sent to a web address", fix))
    return checks


def check_gateway(gateway: dict[str, Any], *, servers: int | None) -> Check:
    """How many shards Discord recommends, and whether the bot may still be started. `servers`: all,
    None if Discord does not say."""
    starts, shards = gateway["session_start_limit"], int(gateway["shards"])
    found = str(shards) if servers is None else f"{shards} (servers: {servers})"
    left = f"{starts['remaining']} of {starts['total']} session starts left today"
    if starts["remaining"] >= shards:
        return ok("Shards", f"{found}; {left}")
    hours = starts["reset_after"] / 3_600_000
    fix = f"Each start takes {shards}. Do not start the bot again for {hours:.1f} hours."
    return warn("Shards", f"{found}; {left}", fix)


def check_guilds(guilds: list[dict[str, Any]], *, application_id: int) -> list[Check]:
    """What the bot may do on each server, ignoring permissions of channels."""
    if not guilds:
        link = invite_link(application_id)
        return [warn("Servers", "the bot is on none", f"Open the invite link: {link}")]
    checks: list[Check] = []
    for guild in guilds:
        allowed = int(guild.get("permissions") or 0)
        missing = [name for name, bit in PERMISSIONS.items() if not allowed & bit]
        if missing and not allowed & ADMINISTRATOR:
            fix = "Give its role these in the server's settings, Roles, or invite it again."
            checks.append(warn("Server", f"{guild.get('name')}: lacks {', '.join(missing)}", fix))
    looked_at = f"the first {PAGE}" if len(guilds) >= PAGE else str(len(guilds))
    return checks or [ok("Servers", f"{looked_at}, with all permissions")]
