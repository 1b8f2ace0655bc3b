"""The machines that draw for this bot, as its operator sees them."""

from collections.abc import Sequence

import discord

from bot.hosts.service import HostView
from cogs.common.words import cut, duration, quoted
from data.shipped.text import text

_SHOWN = 25  # fields of an embed, Discord


def hosts_embed(hosts: Sequence[HostView], *, problem: str = "") -> discord.Embed:
    """One field for each device; what is wrong with the cluster above them."""
    lines = [problem] if problem else []
    if not hosts:
        lines.append(text("owner.hosts_none"))
    embed = discord.Embed(title=text("owner.hosts_title"), description="\n".join(lines))
    for host in hosts[:_SHOWN]:
        embed.add_field(name=_name(host), value=_details(host), inline=False)
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
    return cut(" · ".join(found), 1000)
