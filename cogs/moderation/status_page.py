"""The bot's connection to Discord, shard by shard, and its backups, as its operator sees them."""

from collections.abc import Sequence

import discord

from bot.client.sharded import ShardView
from cogs.common.words import cut
from data.shipped.text import text
from data.store.backup_note import BackupNote

SHOWN = 40
"""Shards that are listed; more would not fit into the 4096 characters of a description."""


def status_embed(shards: Sequence[ShardView], *, backup: BackupNote | None = None) -> discord.Embed:
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
    embed.add_field(name=text("owner.status_backup"), value=_backup(backup), inline=False)
    return embed


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
