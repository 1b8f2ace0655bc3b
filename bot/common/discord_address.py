"""Points the discord.py client at a loopback Discord. The only module here that knows discord.py.

The token goes to that address, so nothing but this machine is accepted.
"""

import ipaddress
from collections.abc import Generator
from contextlib import contextmanager

import discord.asset
import discord.gateway
import discord.http
from yarl import URL


def loopback_base(url: str) -> str:
    """`http://127.0.0.1:PORT` of a loopback address, with or without `/api` at its end.

    ValueError for anything that isn't plain http to this machine.
    """
    parsed = URL(url)
    path = parsed.path.rstrip("/")
    fits = parsed.scheme == "http" and not parsed.user and not parsed.query_string
    if not fits or path not in {"", "/api", "/api/v10"} or not _is_loopback(parsed.host):
        message = f"a loopback Discord is at http://127.0.0.1:PORT; this is no such address: {url}"
        raise ValueError(message)
    return str(parsed.origin())


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


@contextmanager
def connect_to(url: str) -> Generator[str]:
    """Inside, clients that start talk to the loopback at `url`; afterwards to Discord again."""
    base = loopback_base(url)
    route, socket, asset = (
        discord.http.Route,
        discord.gateway.DiscordWebSocket,
        discord.asset.Asset,
    )
    before = route.BASE, socket.DEFAULT_GATEWAY, asset.BASE
    route.BASE = f"{base}/api/v10"
    socket.DEFAULT_GATEWAY = URL(base.replace("http", "ws", 1) + "/gateway")
    asset.BASE = f"{base}/cdn"  # pyright: ignore[reportAttributeAccessIssue] - declared as literal
    try:
        yield base
    finally:
        route.BASE, socket.DEFAULT_GATEWAY, asset.BASE = before
