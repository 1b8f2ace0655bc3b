"""The machines that draw for this bot, as its operator sees them."""

from collections.abc import Sequence

import discord

from bot.hosts.entries import HostView
from cogs.common.words import cut, duration, quoted
from data.shipped.text import text

_SHOWN = 25  # fields of an embed, Discord
_DETAILS = 1000  # characters of a field's value; Discord allows 1024
_ROOM = 5500  # characters of all fields; Discord allows 6000 in the whole embed


def hosts_embed(hosts: Sequence[HostView], *, problem: str = "") -> discord.Embed:
    """One field for each device; what is wrong with the cluster above them."""
    lines = [problem] if problem else []
    if not hosts:
        lines.append(text("owner.hosts_none"))
    embed = discord.Embed(title=text("owner.hosts_title"), description=cut("\n".join(lines), 400))
    shown = hosts[:_SHOWN]
    for host in shown:
        name = _name(host)
        room = min(_DETAILS, _ROOM // len(shown) - len(name))
        embed.add_field(name=name, value=cut(_details(host), room), inline=False)
    return embed


def _name(host: HostView) -> str:
    return f"{host.name}: {text(f'owner.host_{host.state}')}"


def _details(host: HostView) -> str:
    found = [text("owner.host_pictures", pictures=host.pictures)]
    if host.picture_s is not None:
        found.append(text("owner.host_pace", duration=duration(host.picture_s)))
    if host.model:
        found.append(host.model)
    if host.version:
        found.append(f"Ekaki {host.version}")
    if host.lost_at is not None:
        found.append(text("owner.host_lost_at", time=f"<t:{host.lost_at:.0f}:R>"))
    if host.problem:
        found.append(quoted(host.problem, 300))
    return " · ".join(found)
