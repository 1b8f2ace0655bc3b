"""Plays a soak: days of bursts, between which the clock jumps; checks and checkpoints each day."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from bot.playground.simulator import ratelimit
from bot.playground.simulator.default_world import IDS, default_world
from bot.playground.simulator.ratelimit import Rate
from bot.playground.simulator.world import World
from tests.chaos import errands
from tests.chaos.activity import Activity
from tests.chaos.gallery_sight import choose_gallery, choose_logs
from tests.chaos.places import LOGS, furnish
from tests.chaos.stage import Stage, StuckError, open_stage, until
from tests.soak import bursting
from tests.soak import samples as sampling
from tests.soak.checks import DayCheck, Totals, unfinished
from tests.soak.crowd import FIRST, Block, Crowd, gather
from tests.soak.keeping import Checkpoint, forget_old
from tests.soak.ledger import Ledger, Seen
from tests.soak.plan import DAY_S, Plan, bursts
from tests.support.jumping import SharedClock
from tests.support.released import unpack
from tests.support.simulator import Loopback

FIRST_VERSION: Final = "0.1"
KEPT_DAYS: Final = 7
"""How long pictures are kept; prompts twice as long, backups too."""
_SETTLE_S: Final = 120.0

Say = Callable[[str], None]


@dataclass
class Notes:
    """What a run knows, and goes on from. `legacy`: gallery entries of the released version, whose
    messages don't exist here; `legacy_log`: its last line of a log. `said`: by the commands at the
    end; `compared_pages`: how many that members read were compared then. `version`: the
    commit, and later ones where it went on with them. `remarks`: of whoever looked into it."""

    day: int = 0
    began_at: float = 0.0
    at: float = 0.0
    life: int = 0
    jobs: dict[str, Seen] = field(default_factory=dict[str, Seen])
    nonces: set[str] = field(default_factory=set[str])
    blocks: dict[int, Block] = field(default_factory=dict[int, Block])
    totals: Totals = field(default_factory=Totals)
    answers: Counter[str] = field(default_factory=Counter[str])
    events: Counter[str] = field(default_factory=Counter[str])
    samples: list[sampling.Sample] = field(default_factory=list[sampling.Sample])
    complaints: list[str] = field(default_factory=list[str])
    legacy: set[str] = field(default_factory=set[str])
    legacy_log: int = 0
    said: list[str] = field(default_factory=list[str])
    compared_pages: int = 0
    elapsed_s: float = 0.0
    version: str = ""
    remarks: list[str] = field(default_factory=list[str])

    def played(self, commit: str) -> None:
        """Note what runs from now on; a run may go on with a later commit."""
        if not self.version.endswith(commit):
            since = f"{self.version}, from day {self.day + 1} on " if self.version else ""
            self.version = f"{since}{commit}"


def quick_discord(world: World) -> Loopback:
    """As fast as it can be: an hour's requests come within seconds."""
    loopback = Loopback(world=world)
    limiter = loopback.authorizer.limiter
    endless = Rate(limit=10**9, per_s=1.0)
    limiter.rates = dict.fromkeys([*limiter.rates, *ratelimit.ROUTES.values()], endless)
    limiter.others = endless
    limiter.global_per_s = 10**9
    return loopback


@dataclass
class Soak:
    """One run. `life_began`: jobs when this bot process was started."""

    plan: Plan
    folder: Path
    stage: Stage
    clock: SharedClock
    notes: Notes
    say: Say
    ledger: Ledger
    crowd: Crowd
    activity: Activity
    life_began: int = 0

    @property
    def jobs(self) -> int:
        return len(self.notes.jobs)

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    async def start(self, failpoint: str = "") -> None:
        """A bot, on the state that the last one left."""
        self.notes.life += 1
        self.life_began = self.jobs
        bot = await self.stage.start(
            failpoint=failpoint,
            wait=not failpoint,
            step_s=0.0,
            steps=1,
            clock=str(self.folder / "clock"),
            settings={
                "pictures_per_hour": 20,
                "pictures_per_day": 100,
                "waiting_jobs_per_user": 3,
                "waiting_jobs_total": 50,
                "pictures_kept_days": KEPT_DAYS,
                "prompts_kept_days": 2 * KEPT_DAYS,
                "backup_dir": str(self.backups),
                "backup_keep": 14,
                "backup_days": 2 * KEPT_DAYS,
                "metrics_address": "127.0.0.1:0",
            },
        )
        gateway = self.stage.loopback.gateway
        await until(lambda: gateway.connected or not bot.alive, "the bot to connect")

    async def begin(self) -> None:
        """The state of an earlier version, which the first start changes to today's."""
        unpack(FIRST_VERSION, self.stage.state, now=self.clock.time())
        await self.start()
        await until(lambda: self.stage.world.commands, "the commands")
        await self.settle()
        rows = self.stage.query("SELECT id FROM gallery_entries")
        self.notes.legacy = {row["id"] for row in rows}
        # Its tables were filled with rows about people and servers that don't exist here.
        await self.stage.execute("DELETE FROM outbox")
        await errands.pardon(self.activity)  # who was blocked draws here
        (row,) = self.stage.query("SELECT max(id) FROM audit_log")
        self.notes.legacy_log = int(row[0])
        self.notes.events[f"upgraded from {FIRST_VERSION}"] += 1
        await self.stage.execute(
            "INSERT INTO guild_settings (guild_id, review) VALUES (?, 1)"
            " ON CONFLICT (guild_id) DO UPDATE SET review = 1",
            IDS.guild,
        )
        await choose_gallery(self.stage)
        await choose_logs(self.stage)
        for guild_id in LOGS:
            await self.stage.execute(
                "UPDATE guild_settings SET retention_days = ?, set_up = 1 WHERE guild_id = ?",
                2 * KEPT_DAYS,
                guild_id,
            )
        await self.stage.stop()
        await self.start()

    async def day(self, number: int) -> None:
        """One day, and what is to be seen after it."""
        since = self.clock.time()
        began = time.monotonic()
        greedy = self.plan.dice(number).choice(self.crowd.people)
        for burst in bursts(self.plan, number):
            started, before = time.monotonic(), self.jobs
            await bursting.play(self, burst, greedy)
            await self.settle()
            took_s = time.monotonic() - started
            self.sample(number, (self.jobs - before) / took_s)
            forget_old(self.stage.loopback)
            self.ledger.forget_messages()
            for member in self.stage.members.values():
                member.transcript.clear()
            self.clock.jump(self.plan.jump_s)
            await asyncio.sleep(0.2)  # what is due now begins
        await self.settle()
        self.check(since)
        self.notes.day = number + 1
        self.notes.at = self.clock.time()
        self.notes.elapsed_s += time.monotonic() - began
        Checkpoint(self.folder / "checkpoint").save(self.stage.state, self.stage.world, self.notes)
        (self.folder / "samples.jsonl").write_text(
            "".join(json.dumps(asdict(each)) + "\n" for each in self.notes.samples)
        )
        last = self.notes.samples[-1]
        self.say(
            f"day {number + 1} of {self.plan.days}: {self.jobs} jobs, {last.rss_mib:.0f} MiB,"
            f" {time.monotonic() - began:.0f} s, complaints: {len(self.notes.complaints)}"
        )

    async def settle(self) -> None:
        """Until the bot has done everything that it has to do soon."""
        still = 0

        def busy() -> bool:
            nonlocal still
            if not self.stage.alive:
                raise StuckError("the bot to live on; see its log")
            still = still + 1 if unfinished(self.stage, self.clock.time()) == 0 else 0
            return still >= 3

        try:
            await until(busy, "everything to be done", patience_s=_SETTLE_S)
        except StuckError:
            self.clock.ask()
            await asyncio.sleep(1.0)
            raise

    def sample(self, day: int, jobs_per_s: float) -> None:
        assert self.stage.bot is not None
        self.notes.samples.append(
            sampling.take(
                pid=self.stage.bot.pid,
                state=self.stage.state,
                log=self.stage.log,
                backups=self.backups,
                clock=self.clock,
                life=self.notes.life,
                jobs=self.jobs,
                life_jobs=self.jobs - self.life_began,
                day=(self.clock.time() - self.notes.began_at) / DAY_S,
                jobs_per_s=jobs_per_s,
            )
        )

    def check(self, since: float) -> None:
        """Judge a day."""
        check = DayCheck(
            self.stage,
            self.ledger,
            self.crowd,
            self.activity,
            self.notes.totals,
            since=since,
            first_line=self.notes.legacy_log + 1,
        )
        found = check.run()
        for user_id, at in self.notes.totals.departed.items():
            found += check.departed(user_id, at)
        self.notes.totals.departed.clear()
        self.notes.blocks = self.crowd.blocks = {
            user_id: block
            for user_id, block in self.crowd.blocks.items()
            if block.until > self.clock.time() - DAY_S
        }
        found = [each for each in found if not any(old in each for old in self.notes.legacy)]
        self.notes.answers += self.crowd.answers
        self.crowd.answers.clear()
        self.activity.requests.clear()
        self.activity.announcements.clear()
        self.notes.complaints += found
        for each in found[:10]:
            self.say(f"  {each}")


@asynccontextmanager
async def open_soak(asked: Plan, folder: Path, say: Say) -> AsyncGenerator[Soak]:
    """A run in `folder`, new or where the last checkpoint left it."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = SharedClock(folder / "clock")
    checkpoint = Checkpoint(folder / "checkpoint")
    stage_folder = folder / "stage"
    if checkpoint.exists:
        world, notes = checkpoint.load(
            stage_folder / "state", lambda: default_world(now=clock.time)
        )
        clock.set(notes.at)
        say(f"goes on after day {notes.day}, {len(notes.jobs)} jobs")
    else:
        clock.set(time.time() - asked.days * DAY_S)
        world, notes = default_world(now=clock.time), Notes()
        notes.at = notes.began_at = clock.time()
        furnish(world)
        gather(world, asked.people)
    loopback = quick_discord(world)
    async with open_stage(stage_folder, loopback=loopback) as stage:
        ledger = Ledger(world, jobs=notes.jobs, nonces=notes.nonces)
        loopback.feed.listen(ledger.on_event)
        dice = random.Random(f"{asked.seed}:{notes.day}:people")
        people = [each for each in world.users if each >= FIRST]
        crowd = Crowd(stage, ledger, people, dice, blocks=notes.blocks)
        activity = Activity(stage, random.Random(f"{asked.seed}:{notes.day}:errands"))
        soak = Soak(
            plan=asked,
            folder=folder,
            stage=stage,
            clock=clock,
            notes=notes,
            say=say,
            ledger=ledger,
            crowd=crowd,
            activity=activity,
        )
        yield soak
