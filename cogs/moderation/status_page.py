"""The connection to Discord, drawing and backups, as the bot's operator sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import discord

from bot.client.sharded import ShardView
from bot.jobs.draw.energy import Electricity
from bot.jobs.draw.worker import State
from bot.jobs.values import Rest
from cogs.common.rest import rest_words
from cogs.common.words import cut, date, watt_hours
from data.shipped.text import text
from data.store.backup_note import BackupNote
from data.store.pause import Pause

NOT_MEASURED: Final = Electricity()
SHOWN = 40
"""Shards that are listed; more would not fit into the 4096 characters of a description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingState:
    """`engines`: how many there are of each state. `rest`: nothing is drawn for now."""

    engines: Mapping[State, int]
    rest: Rest | None = None
    electricity: Electricity = NOT_MEASURED


def status_embed(
    shards: Sequence[ShardView],
    *,
    backup: BackupNote | None = None,
    drawing: DrawingState | None = None,
) -> discord.Embed:
    """One line for each shard; if they are many, those with trouble first. `backup`: how the last
    one went; None: none are made."""
    embed = discord.Embed(title=text("owner.status_title"))
    servers = sum(shard.servers for shard in shards)
    lines = [text("owner.status_servers", count=servers)] if len(shards) > 1 else []
    listed = shards
    if len(shards) > SHOWN:
        listed = sorted(shards, key=lambda shard: shard.connected and not shard.unknown)[:SHOWN]
    lines += [_line(shard) for shard in listed]
    if len(shards) > SHOWN:
        lines.append(text("owner.status_more", count=len(shards) - SHOWN))
    embed.description = "\n".join(lines)
    if drawing is not None:
        embed.add_field(name=text("owner.status_drawing"), value=_drawing(drawing), inline=False)
    embed.add_field(name=text("owner.status_backup"), value=_backup(backup), inline=False)
    return embed


def paused_text(pause: Pause, *, waiting: int) -> str:
    """What the operator reads when they have paused drawing. `waiting`: jobs."""
    lines = [
        text("owner.paused")
        if pause.until is None
        else text("owner.paused_until", time=date(pause.until)),
        text("owner.paused_refuses" if pause.refuses else "owner.paused_accepts"),
    ]
    if waiting:
        lines.append(text("owner.paused_waiting", count=waiting))
    return " ".join(lines)


def _drawing(drawing: DrawingState) -> str:
    counts = sorted(drawing.engines.items())
    states = ", ".join(f"{text(f'owner.engine_{state}')} {count}" for state, count in counts)
    lines = [text("owner.status_engines", states=states) if counts else text("owner.hosts_none")]
    if drawing.rest is not None:
        lines.insert(0, rest_words(drawing.rest))
    lines += _energy(drawing.electricity)
    return "\n".join(lines)


def _energy(electricity: Electricity) -> list[str]:
    mean, last = electricity.picture_wh, electricity.last_wh
    if mean is None:
        return []
    lines = [text("owner.status_energy", wh=watt_hours(mean), count=electricity.pictures)]
    if last is not None:
        lines.append(text("owner.status_energy_last", wh=watt_hours(last)))
    return lines


def _backup(note: BackupNote | None) -> str:
    if note is None:
        return text("owner.status_backup_off")
    lines = [
        text("owner.status_backup_none")
        if note.made_at is None
        else text("owner.status_backup_made", time=f"<t:{note.made_at:.0f}:R>")
    ]
    if note.failed_at is not None:
        time = f"<t:{note.failed_at:.0f}:R>"
        lines.append(text("owner.status_backup_failed", time=time, problem=cut(note.problem, 500)))
    return "\n".join(lines)


def _line(shard: ShardView) -> str:
    state = "connected" if shard.connected else "disconnected"
    found = [text(f"owner.status_{state}"), text("owner.status_servers", count=shard.servers)]
    if shard.unknown:
        found.append(text("owner.status_unknown", count=shard.unknown))
    if shard.latency_s is not None:
        found.append(text("owner.status_latency", ms=round(shard.latency_s * 1000)))
    return text("owner.status_shard", id=shard.id, found=" · ".join(found))
