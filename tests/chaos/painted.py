"""What people paint on the web page, counted: a link is spent once, and its job is drawn."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from PIL import Image

from tests.chaos.stage import Stage


@dataclass(kw_only=True)
class Painted:
    """A link that somebody got, and what became of it.

    `source`: the job of the picture. `mask`: its pixels, a byte each, which no other link has, of
    `size`. `mark` is in the prompt. How often the page accepted it (`done`), refused it, or did not
    answer (`unanswered`, after which it is `sent_again` later). `job_id`: what was accepted, once
    that is known. `open_again`: the page was still there after it was accepted.
    """

    url: str
    user_id: int
    channel_id: int
    private: bool
    source: str
    mark: str = ""
    mask: bytes = b""
    size: tuple[int, int] = (0, 0)
    done: int = 0
    refused: int = 0
    unanswered: int = 0
    sent_again: bool = False
    job_id: str = ""
    open_again: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the bot died before it answered, and nobody tried again."""
        return bool(self.mask and self.unanswered and not self.done and not self.sent_again)

    @property
    def key(self) -> str:
        """Under which it is stored."""
        return sha256(self.url.rpartition("/")[2].encode()).hexdigest()


_MASKED = (
    "SELECT *, json_extract(request, '$.mask') AS mask,"
    " json_extract(request, '$.wish.source') AS source FROM jobs"
    " WHERE json_extract(request, '$.mask') <> ''"
)


def jobs_by_mask(stage: Stage) -> dict[bytes, list[sqlite3.Row]]:
    """Jobs that were accepted with a mask, by its pixels."""
    found: defaultdict[bytes, list[sqlite3.Row]] = defaultdict(list)
    for row in stage.query(_MASKED):
        path = stage.seen / "uploads" / row["mask"][:2] / f"{row['mask']}.png"
        if path.exists():  # otherwise the audit of files complains
            found[_pixels(path)].append(row)
    return found


@cache
def _pixels(path: Path) -> bytes:
    """Of a mask as it is stored: under its hash, so it never changes."""
    with Image.open(path) as image:
        return image.convert("L").tobytes()


def painted_complaints(stage: Stage, links: list[Painted]) -> Iterator[str]:
    """What of the links is not as it must be. Enters the jobs of those that were not answered."""
    by_mask = jobs_by_mask(stage)
    used = {row["key"]: bool(row["used"]) for row in stage.query("SELECT * FROM paint_links")}
    for link in links:
        jobs = by_mask.get(link.mask, [])
        name = f"painted {link.mark}"
        if len(jobs) > 1 or link.done > 1:
            yield f"{name}: accepted {link.done} times, as {[row['id'] for row in jobs]}"
        elif jobs:
            link.job_id = jobs[0]["id"]
            yield from _job(link, jobs[0], name)
        if link.done and not link.job_id:
            yield f"{name}: accepted, and not stored"
        if link.job_id and not link.done and not link.unanswered:
            yield f"{name}: refused, and yet stored as {link.job_id}"
        if link.open_again:
            yield f"{name}: its page was open after it was accepted"
        if used.get(link.key, bool(link.job_id)) != bool(link.job_id):  # old ones are removed
            yield f"{name}: its link has used = {used[link.key]}, its job is {link.job_id or None}"


def _job(link: Painted, row: sqlite3.Row, name: str) -> Iterator[str]:
    said = (link.user_id, link.channel_id, link.private, 1, link.source)
    stored = (
        row["user_id"], row["channel_id"], bool(row["private"]), row["pictures"], row["source"]
    )  # fmt: skip
    if said != stored:
        yield f"{name}: asked for {said}, stored as {stored}"
    if link.mark not in json.loads(row["request"])["prompt"]:
        yield f"{name}: stored with another prompt"
