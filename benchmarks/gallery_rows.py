"""A gallery of any size, written into the tables: for benchmarks, tests and screenshots."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from data.store.connection import Connection
from data.store.ids import new_id, new_public_id
from data.store.words import searchable
from pipeline.card import QualityPreset, Sampler
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest

GUILD: Final = 200000000000000001
ADULT_CHANNEL: Final = 300000000000000003
START: Final = 1_700_000_000.0  # s since 1970, of the first entry; one a minute after it
_BATCH: Final = 5000

COMMON: Final = ("1girl", "solo", "long_hair", "looking_at_viewer", "smile")
"""On most pictures, as on Danbooru."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One picture of the gallery. `content_hash` names its file, which may not exist."""

    prompt: str
    content_hash: str
    maker_id: int = 7
    maker_name: str = "Alice"
    rating: Rating = Rating.SAFE
    width: int = 832
    height: int = 1216
    votes: int = 0
    posted_at: float = START
    guild_id: int = GUILD
    on_web: bool = True
    state: str = "posted"
    id: str = ""


async def fill(connection: Connection, items: Iterable[Item]) -> list[str]:
    """Enter `items` with jobs and pictures; returns their public ids. Inside a transaction."""
    ids: list[str] = []
    rows = iter(items)
    while batch := list(islice(rows, _BATCH)):
        made = [replace(item, id=item.id or new_public_id()) for item in batch]
        ids += [item.id for item in made]
        keys = [(new_id(), new_id()) for _ in made]
        await connection.executemany(_JOB, [_job(i, *k) for i, k in zip(made, keys, strict=True)])
        await connection.executemany(
            _PICTURE, [_picture(i, *k) for i, k in zip(made, keys, strict=True)]
        )
        await connection.executemany(
            _ENTRY, [_entry(i, *k) for i, k in zip(made, keys, strict=True)]
        )
    return ids


def made_up(count: int, *, seed: int = 1, start: int = 0) -> Iterator[Item]:
    """`count` entries whose words are as unequal as those of real prompts."""
    rng = random.Random(seed + start)
    words = vocabulary()
    for number in range(start, start + count):
        tags = [tag for tag in COMMON if rng.random() < 0.6]
        tags += {words[min(len(words) - 1, int(rng.paretovariate(0.6)))] for _ in range(12)}
        wide = rng.random() < 0.3
        maker = int(rng.paretovariate(0.7)) % 5000
        yield Item(
            prompt=", ".join(tags),
            content_hash=f"{rng.getrandbits(256):064x}",
            maker_id=1000 + maker,
            maker_name=f"maker{maker}",
            rating=Rating(rng.choices((0, 1, 2, 3), (75, 15, 7, 3))[0]),
            width=1216 if wide else 832,
            height=832 if wide else 1216,
            votes=min(500, int(rng.paretovariate(1.0))),
            posted_at=START + 60.0 * number,
        )


def vocabulary() -> list[str]:
    """Words, the most used first. The same each time."""
    rng = random.Random(3)
    syllables = [a + b for a in "kstnhmyrwgzdbp" for b in "aiueo"]
    return ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(8000)]


def _row(table: str, columns: str) -> str:
    marks = ", ".join("?" * len(columns.split()))
    return f"INSERT INTO {table} ({', '.join(columns.split())}) VALUES ({marks})"  # noqa: S608 - ours


_JOB: Final = _row(
    "jobs",
    "id user_id guild_id channel_id private rating request pictures locale state delivery"
    " application_id token_expires_at accepted_at started_at ended_at delivered_at words",
)
_PICTURE: Final = _row(
    "pictures",
    "id job_id position seed width height rating content_hash size_bytes model_name"
    " model_repository model_revision model_hash precision provider engine elapsed_s made_at",
)
_ENTRY: Final = _row(
    "gallery_entries",
    "id picture_id guild_id channel_id maker_id maker_name rating state votes shared_by shared_at"
    " posted_at on_web",
)


def _job(item: Item, job_id: str, _picture_id: str) -> tuple[Any, ...]:
    at = item.posted_at - 60
    return (
        job_id, item.maker_id, item.guild_id, ADULT_CHANNEL, 0, int(item.rating),
        _request(item).to_json(), 1, "en", "finished", "delivered", 5, at, at, at, at, at,
        searchable(item.prompt),
    )  # fmt: skip


def _request(item: Item) -> ResolvedRequest:
    return ResolvedRequest(
        prompt=f"{item.prompt}, masterpiece, best quality",
        negative_prompt="lowres, bad anatomy, bad hands",
        width=item.width,
        height=item.height,
        preset=QualityPreset.NONE,
        rating=item.rating,
        sampler=Sampler.EULER_A,
        num_inference_steps=28,
        guidance_scale=7.0,
        seed=1234567,
        count=1,
        private=False,
        original=GenerationRequest(prompt=item.prompt),
    )


def _picture(item: Item, job_id: str, picture_id: str) -> tuple[Any, ...]:
    return (
        picture_id, job_id, 0, 1234567, item.width, item.height, int(item.rating),
        item.content_hash, 1000, "No model, drawn by code", "made-up/model", "0", "fa4e000000",
        "fp32", "CPUExecutionProvider", "own", 60.0, item.posted_at - 60,
    )  # fmt: skip


def _entry(item: Item, _job_id: str, picture_id: str) -> tuple[Any, ...]:
    at = item.posted_at
    return (
        item.id, picture_id, item.guild_id, ADULT_CHANNEL, item.maker_id, item.maker_name,
        int(item.rating), item.state, item.votes, item.maker_id, at, at, int(item.on_web),
    )  # fmt: skip
