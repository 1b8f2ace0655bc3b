"""What the latest pictures of a server show, to find tags that go together."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from data.store.connection import Connection
from pipeline.rating import Rating

LATEST = 1000  # jobs: enough to find habits, read within milliseconds


@dataclass(frozen=True, slots=True)
class Shown:
    """The content of a job: its final prompt, and the tagger's tags by Danbooru's names."""

    user_id: int
    prompt: str
    seen: tuple[str, ...]


async def shown_in(
    connection: Connection, *, guild_id: int, channel_ids: Collection[int], ceiling: Rating
) -> list[Shown]:
    """The latest finished jobs in these channels, newest first.

    Private ones are left out, and those with a picture above `ceiling` or without any.
    """
    rows = await connection.every(
        "SELECT user_id, json_extract(request, '$.prompt'), (SELECT group_concat(tag, '|')"
        " FROM picture_tags WHERE picture_id IN (SELECT id FROM pictures WHERE job_id = jobs.id))"
        " FROM jobs WHERE guild_id = :guild_id AND private = 0 AND state = 'finished'"
        " AND rating <= :ceiling AND channel_id IN (SELECT value FROM json_each(:channel_ids))"
        " AND (SELECT max(rating) FROM pictures WHERE job_id = jobs.id) <= :ceiling"
        " ORDER BY rowid DESC LIMIT :latest",
        {
            "guild_id": guild_id,
            "ceiling": int(ceiling),
            "channel_ids": json.dumps(list(channel_ids)),
            "latest": LATEST,
        },
    )
    return [
        Shown(int(user), str(prompt), tuple((seen or "").split("|"))) for user, prompt, seen in rows
    ]
