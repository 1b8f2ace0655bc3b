"""Makes a state folder as a released version left it: `python -m tests.data.released.make VERSION`.

That version's own code runs as a process, on the simulated Discord of today, with the demo model
and its tagger; people then use it. Tables that this leaves empty get rows by `tests.support.rows`,
and the pictures are made small, with their new names in the rows.
"""

import asyncio
import hashlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from PIL import Image

from bot.config.variables import VARIABLES
from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from tests.support.member import InteractionView, Member
from tests.support.rows import fill
from tests.support.simulator import Loopback
from tests.support.views import MessageView

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]

COMMITS: Final = {"0.1": "23505ae", "0.2": "64eade8"}
"""0.2 is the release of 0.2.0. 0.1.0 never had a release of its own: it was the version of every
commit before that, of which this is one whose database has version 12."""

SMALL: Final = {"steps": 4, "aspect": "1:1"}


def main(version: str) -> None:
    """Make the archive beside this file."""
    limits.ACKNOWLEDGE_WITHIN_S = 60.0
    with tempfile.TemporaryDirectory() as folder:
        source, state = Path(folder, "source"), Path(folder, "state")
        packed = subprocess.run(
            ["git", "archive", COMMITS[version]], cwd=ROOT, capture_output=True, check=True
        )
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(source, filter="data")
        asyncio.run(use(source, state))
        with closing(sqlite3.connect(state / "ekaki.db")) as connection:
            shrink(state / "pictures", connection)
            withhold(state, connection)
            fill(connection, rows=2, seed=1)
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("VACUUM")
        pack(state, HERE / f"state-{version}.zip")


def shrink(pictures: Path, connection: sqlite3.Connection) -> None:
    """A drawn picture of 1024x1024 has nearly a megabyte."""
    for path in sorted(pictures.rglob("*.png")):
        with Image.open(path) as image:
            small = image.convert("RGB").resize((96, 96)).quantize(32)
        buffer = io.BytesIO()
        small.save(buffer, "PNG", optimize=True)
        name = hashlib.sha256(buffer.getvalue()).hexdigest()
        connection.execute(
            "UPDATE pictures SET content_hash = ?, size_bytes = ? WHERE content_hash = ?",
            (name, len(buffer.getvalue()), path.stem),
        )
        connection.execute(
            "UPDATE jobs SET init_picture = ? WHERE init_picture = ?", (name, path.stem)
        )
        target = pictures / name[:2] / f"{name}.png"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(buffer.getvalue())
        path.unlink()
    connection.commit()


def withhold(state: Path, connection: sqlite3.Connection) -> None:
    """One picture that was deleted at once, and one that waits for a moderator: a copy of Bob's."""
    connection.row_factory = sqlite3.Row
    row = dict(
        connection.execute("SELECT * FROM pictures ORDER BY made_at LIMIT 1 OFFSET 1").fetchone()
    )
    path = state / "pictures" / row["content_hash"][:2] / f"{row['content_hash']}.png"
    target = state / "withheld" / path.parent.name / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())
    picture = json.dumps(row | {"id": "waitingwaiti", "position": 1})
    common = "job_id, position, reason, ceiling, seen, withheld_at"
    values = (row["job_id"], 1, "rating", 0, "{}", row["made_at"])
    connection.execute(
        f"INSERT INTO withheld (id, state, picture, content_hash, {common})"
        " VALUES ('waitingwaiti', 'waiting', ?, ?, ?, ?, ?, ?, ?, ?)",
        (picture, row["content_hash"], *values),
    )
    connection.execute(
        f"INSERT INTO withheld (id, state, {common})"
        " VALUES ('deleteddelet', 'deleted', ?, ?, ?, ?, ?, ?)",
        (values[0], 2, "minor", *values[3:]),
    )
    connection.commit()
    connection.row_factory = None


def pack(state: Path, target: Path) -> None:
    """The database and the files that people sent or got."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(state.rglob("*")):
            name = path.relative_to(state).as_posix()
            if path.is_file() and name.split("/")[0] in {
                "ekaki.db", "pictures", "uploads", "withheld"
            }:  # fmt: skip
                archive.writestr(zipfile.ZipInfo(name, (2026, 11, 30, 0, 0, 0)), path.read_bytes(),
                                 zipfile.ZIP_DEFLATED)  # fmt: skip


@asynccontextmanager
async def running(source: Path, state: Path, loopback: Loopback) -> AsyncGenerator[None]:
    """The bot of that version, as its operator starts and stops it."""
    ours = {each.name for each in VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    settings = {
        "PYTHONPATH": str(source), "DISCORD_TOKEN": loopback.token, "DATA_DIR": str(state),
        "DISCORD_API_URL": loopback.url, "MODEL": "demo", "OWNER_IDS": str(IDS.owner),
    }  # fmt: skip
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=source, env=clean | settings
    )
    try:
        yield
    finally:
        bot.send_signal(signal.SIGTERM)
        assert await bot.wait() == 0


async def use(source: Path, state: Path) -> None:
    """What people do, until the bot is stopped with one request waiting."""
    async with Loopback() as loopback, running(source, state, loopback):
        people = People(loopback, state / "ekaki.db")
        await people.alice.wait_for(lambda: loopback.gateway.connected and loopback.world.commands)
        await people.decide()
        await people.draw_and_share()
        await people.keep_things()
        await people.moderate()
        await people.wait()


class People:
    """Alice and Bob draw, Mika moderates, Olga runs the bot."""

    def __init__(self, loopback: Loopback, database: Path) -> None:
        self.loopback = loopback
        self.database = database
        self.alice, self.bob, self.mika, self.olga = (
            Member(loopback, user_id) for user_id in (IDS.alice, IDS.bob, IDS.moderator, IDS.owner)
        )

    async def decide(self) -> None:
        """What `/settings` stores: its panel looks different in every version."""
        await self.told(self.olga, "about")
        self.query(
            "INSERT INTO guild_settings (guild_id, set_up, log_channel_id, gallery_channel_id,"
            f" gallery_threshold) VALUES ({IDS.guild}, 1, {IDS.moderators}, {IDS.gallery}, 2)"
        )

    async def draw_and_share(self) -> None:
        """Two public pictures and one from a picture that was sent; one comes into the gallery."""
        picture = await self.picture(self.alice, prompt="1girl, red hair, smile", seed=5)
        other = await self.picture(self.bob, prompt="1boy, hat", seed=6)
        for who, message in ((self.bob, picture), (self.mika, picture), (self.alice, other)):
            await who.react(message, "⭐")
        await self.alice.wait_for(
            lambda: self.query("SELECT 1 FROM gallery_posts WHERE message_id IS NOT NULL")
        )
        await self.picture(self.bob, prompt="1boy, night", image=("me.png", blue()), strength=0.6)
        await self.picture(self.alice, prompt="1girl, alone", private=True)
        await self.bob.press(other, "ekaki:favourite")
        opened = await self.bob.message_command("Report picture", other)
        await self.bob.submit_modal(opened, {"reason": "odd"})

    async def keep_things(self) -> None:
        """Presets and collections."""
        await self.told(self.alice, "preset save", name="Night", steps=8)
        await self.told(self.bob, "collection create", name="Best")
        ((picture_id,),) = self.query("SELECT id FROM pictures ORDER BY made_at LIMIT 1")
        await self.told(self.bob, "collection add", name="Best", id=picture_id)

    async def moderate(self) -> None:
        """A grant and two blocks."""
        await self.told(self.mika, "moderate grant", user=IDS.alice, pictures=3)
        await self.told(self.mika, "moderate block", user=IDS.owner, duration="7d", reason="test")
        await self.told(self.olga, "owner block", server="999")

    async def wait(self) -> None:
        """A long request, in the middle of which the bot is stopped."""
        await self.alice.slash(
            "imagine", {"prompt": "1girl, waits", "steps": 60, "count": 4}, channel=IDS.general
        )

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(sql).fetchall()

    async def told(self, who: Member, command: str, **options: object) -> InteractionView:
        sent = await who.slash(command, dict(options), channel=IDS.general)
        await who.wait_for(lambda: sent.text)
        print(f"/{command}: {sent.text[:100]!r}")  # noqa: T201
        return sent

    async def picture(self, who: Member, **options: object) -> MessageView:
        sent = await who.slash("imagine", {**SMALL, **options}, channel=IDS.general)
        drawn = await sent.wait_for(lambda message: message.attachments)
        await who.wait_for(
            lambda: not self.query("SELECT 1 FROM jobs WHERE delivery <> 'delivered'")
        )
        return drawn


def blue() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "blue").save(buffer, "PNG")
    return buffer.getvalue()


if __name__ == "__main__":
    main(sys.argv[1])
