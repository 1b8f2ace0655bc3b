"""What the loopback's gallery channel shows, against what people did and what we stored."""

import re
import sqlite3
from collections import defaultdict

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from tests.chaos.places import LOGS
from tests.chaos.stage import Stage

STAR = "⭐"
_FILE = re.compile(r"gallery-(?P<entry>[a-z0-9]{26})\.\w+")


async def choose_gallery(stage: Stage) -> None:
    """One star is enough for the gallery channel."""
    if (stage.seen / "ekaki.db").exists() and not stage.has_disk:
        await stage.execute(
            "INSERT INTO guild_settings (guild_id, set_up, gallery_channel_id, gallery_threshold)"
            " VALUES (?, 1, ?, 1) ON CONFLICT (guild_id) DO UPDATE SET"
            " gallery_channel_id = excluded.gallery_channel_id, gallery_threshold = 1",
            IDS.guild,
            IDS.gallery,
        )


async def choose_logs(stage: Stage) -> None:
    """Each server has a log channel."""
    if stage.has_database and not stage.has_disk:
        for guild_id, channel_id in LOGS.items():
            await stage.execute(
                "INSERT INTO guild_settings (guild_id, log_channel_id) VALUES (?, ?)"
                " ON CONFLICT (guild_id) DO UPDATE SET log_channel_id = excluded.log_channel_id",
                guild_id,
                channel_id,
            )


def shown_entries(stage: Stage) -> dict[str, list[Message]]:
    """Messages that show an entry now, by entry."""
    found: defaultdict[str, list[Message]] = defaultdict(list)
    for message in stage.world.messages.values():
        if message.deleted_at is not None:
            continue
        for attachment in message.attachments:
            match = _FILE.fullmatch(attachment.filename)
            if match:
                found[match["entry"]].append(message)
    return found


def gallery_complaints(stage: Stage) -> list[str]:
    """What of the gallery is not as it must be."""
    shown = shown_entries(stage)
    entries = {
        row["id"]: row
        for row in stage.query(
            "SELECT e.*, p.job_id, p.position, j.message_id FROM gallery_entries e"
            " JOIN pictures p ON p.id = e.picture_id JOIN jobs j ON j.id = p.job_id"
        )
    }
    wrong = [f"entry {each}: shown, and not stored" for each in shown.keys() - entries.keys()]
    for entry_id, row in entries.items():
        messages = shown.get(entry_id, [])
        if len(messages) != (row["state"] == "posted"):
            wrong.append(f"entry {entry_id}: {row['state']}, and shown {len(messages)} times")
        wrong += _votes(stage, row, messages)
    return wrong


def _votes(stage: Stage, row: sqlite3.Row, messages: list[Message]) -> list[str]:
    """The stars that Discord has, one for each person, but none of the maker's."""
    if row["state"] == "removed":
        return []
    original = stage.world.messages.get(row["message_id"])
    people: set[int] = set()
    for message in [*messages, *([original] if original else [])]:
        if message.deleted_at is None and (message is not original or row["position"] == 0):
            people |= set(message.reactions.get(STAR, []))
    people.discard(row["maker_id"])
    stored = {
        vote["user_id"]
        for vote in stage.query("SELECT user_id FROM gallery_votes WHERE entry = ?", row["number"])
    }
    told = f"entry {row['id']}: starred by {sorted(people)}, stored {sorted(stored)}"
    counted = row["votes"] == len(stored)
    return [] if people == stored and counted else [f"{told}, counted {row['votes']}"]
