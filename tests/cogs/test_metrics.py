"""The real bot, scraped over HTTP: what members do and Discord answers is counted."""

import asyncio
import json
import re
import shutil
import socket
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.common.observer import Observer
from bot.common.wording import words
from bot.playground.simulator.default_world import IDS
from bot.watch import health, state, table
from bot.watch.counting import Counting
from bot.watch.serving import watching
from pipeline.errors import EngineError, StorageError
from tests.cogs.drawing.test_resting import hours_from_now
from tests.cogs.moderation.test_electricity import Wattmeter
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.faults import Fault
from tests.support.gateway import forget
from tests.support.patience import until
from tests.support.tagger import PaintEngine, make_tagger

ROOT = Path(__file__).resolve().parents[2]
LOCAL = {"device": "local/0", "variant": "fp32"}


@dataclass
class Scrape:
    """One answer of /metrics. `kinds`: of all metrics, by their name without an ending."""

    values: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(
        default_factory=dict[tuple[str, frozenset[tuple[str, str]]], float]
    )
    kinds: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, name: str, **labels: str) -> float:
        return self.values.get((name, frozenset(labels.items())), 0.0)

    def labels(self) -> set[str]:
        return {value for _, labels in self.values for _, value in labels}


@dataclass
class Watched:
    """A bot with metrics, and what asks for them."""

    running: Running
    address: str
    http: aiohttp.ClientSession

    async def get(self, path: str, **options: Any) -> tuple[int, Mapping[str, str], str]:
        async with self.http.get(f"http://{self.address}{path}", **options) as response:
            return response.status, response.headers, await response.text()

    async def scrape(self) -> Scrape:
        status, headers, body = await self.get("/metrics")
        assert status == 200
        assert headers["Content-Type"].startswith("text/plain; version=")
        found = Scrape()
        for family in text_string_to_metric_families(body):
            found.kinds[family.name] = family.type
            for sample in family.samples:
                found.values[sample.name, frozenset(sample.labels.items())] = sample.value
        return found

    async def ready(self) -> tuple[int, dict[str, str]]:
        async with self.http.get(f"http://{self.address}/healthz/ready") as response:
            body = await response.json()
            assert body["ready"] == (response.status == 200)
            return response.status, body["missing"]


@asynccontextmanager
async def watched(place: Discord, **settings: Any) -> AsyncGenerator[Watched]:
    address = {"metrics_address": "127.0.0.1:0"}
    async with open_bot(place, **address | settings) as running, aiohttp.ClientSession() as http:
        counting = running.services.observer
        assert isinstance(counting, Counting)
        async with watching(running.bot, counting) as address:
            yield Watched(running, address, http)


async def test_a_picture_is_counted_with_its_times(place: Discord, alice: Visitor) -> None:
    async with watched(place) as seen:
        await alice.draw(seen.running, "1girl, a secret word")
        found = await seen.scrape()
        assert found("ekaki_jobs_accepted_total") == 1
        assert found("ekaki_jobs_ended_total", result="finished") == 1
        assert found("ekaki_jobs_ended_total", result="failed") == 0
        assert found("ekaki_pictures_kept_total") == 1
        assert found("ekaki_job_wait_seconds_count") == 1
        for name in ("picture", "step"):
            assert found(f"ekaki_{name}_duration_seconds_count", **LOCAL) == 1
        drawn = found("ekaki_picture_duration_seconds_sum", **LOCAL)
        assert 0 < found("ekaki_step_duration_seconds_sum", **LOCAL) < drawn
        assert found("ekaki_interaction_answer_seconds_count", kind="command") == 1
        assert found("ekaki_interactions_missed_total", kind="command") == 0
        assert found("ekaki_discord_requests_total", method="PATCH", status="200") >= 1
        assert found("ekaki_discord_request_duration_seconds_count", method="POST") >= 1


async def test_every_declared_metric_is_exported(place: Discord) -> None:
    async with watched(place) as seen:
        found = await seen.scrape()
        for metric in (*table.COUNTED, *table.READ):
            assert found.kinds[metric.name.removesuffix("_total")] == metric.kind


async def test_what_rules_and_dashboard_ask_for_is_exported(place: Discord, alice: Visitor) -> None:
    async with watched(place) as seen:
        await alice.draw(seen.running, "1girl")
        found = await seen.scrape()
    exported = {name for name, _ in found.values} | found.kinds.keys()
    exported |= {f"{name}_total" for name, kind in found.kinds.items() if kind == "counter"}
    asked: set[str] = set()
    for file in ("prometheus/alerts.yml", "grafana/dashboards/ekaki.json"):
        text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
        asked |= set(re.findall(r"\b(?:ekaki|process)_[a-z_]+", text))
    assert len(asked) > 30
    assert asked - exported == set()


async def test_no_label_names_a_person_place_or_prompt(place: Discord, alice: Visitor) -> None:
    async with watched(place) as seen:
        job = await alice.draw(seen.running, "1girl, a secret word")
        async with seen.running.services.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO outbox_put (kind, key, lane, guild_id)"
                f" VALUES ('later', '1', 'later:{IDS.guild}', {IDS.guild})"
            )
            await connection.execute("UPDATE outbox SET due_at = 4e9, state = 'parked'")
        found = await seen.scrape()
        assert found("ekaki_outbox_items", lane="later", state="parked") == 1
        assert found("ekaki_outbox_oldest_seconds", lane="later", state="parked") >= 0
        numbers = {value for value in found.labels() if re.search(r"\d{6}", value)}
        assert numbers == set()
        assert not [value for value in found.labels() if job.id in value or "secret" in value]


async def test_refusals_are_counted_by_their_rule(place: Discord, alice: Visitor) -> None:
    async with watched(place, waiting_jobs_per_user=1) as seen:
        await alice.imagine("1girl", rating="explicit")
        seen.running.engine.hold()
        for prompt in ("1girl", "1boy", "2girls"):
            await alice.imagine(prompt)
        found = await seen.scrape()
        refused = {
            dict(labels)["rule"]: value
            for (name, labels), value in found.values.items()
            if name == "ekaki_jobs_refused_total"
        }
        assert refused == {"rating_above_ceiling": 1, "waiting_own": 2}
        assert found("ekaki_jobs_accepted_total") == 1


async def test_queue_cancel_and_failure_are_told_apart(place: Discord, alice: Visitor) -> None:
    def fail(request: Any, step: int) -> Exception | None:
        return EngineError("engine_failed") if "broken" in request.prompt else None

    engine = FakeEngine(fail_at=fail)
    engine.hold()
    async with watched(place, engine=engine) as seen:
        first = await alice.imagine("1girl")
        await until(lambda: engine.started.acquire(blocking=False))
        second = await alice.imagine("1boy", count=2)
        place.advance(120)
        found = await seen.scrape()
        assert found("ekaki_jobs", state="running") == 1
        assert found("ekaki_jobs", state="waiting") == 1
        assert found("ekaki_pictures_waiting") == 2
        assert 120 <= found("ekaki_queue_oldest_wait_seconds") < 600
        assert found("ekaki_engines", state="ready") == 1
        for message in (first, second):
            await alice.press(message, "Cancel")
        await alice.imagine("broken")
        engine.release()
        await until(lambda: _ended(seen, 3))
        found = await seen.scrape()
        assert found("ekaki_jobs_ended_total", result="cancelled") == 2
        assert found("ekaki_jobs_ended_total", result="failed") == 1
        assert found("ekaki_jobs_failed_total", reason="engine_failed") == 1
        assert found("ekaki_jobs", state="waiting") == 0


async def _ended(seen: Watched, count: int) -> bool:
    return len([job for job in await seen.running.jobs() if job.delivery != "pending"]) == count


async def test_what_the_output_check_withholds_is_counted(
    place: Discord, alice: Visitor, tmp_path: Path
) -> None:
    tagger = make_tagger(tmp_path / "model" / "tagger")
    async with watched(place, engine=PaintEngine(), tagger=str(tagger)) as seen:
        await alice.imagine("red-picture, green-picture", count=2)
        await until(lambda: _ended(seen, 1))
        await alice.imagine("red-picture")
        await until(lambda: _ended(seen, 2))
        found = await seen.scrape()
        assert found("ekaki_pictures_withheld_total", reason="rating") == 2
        assert found("ekaki_pictures_kept_total") == 1
        assert found("ekaki_jobs_ended_total", result="finished") == 1
        assert found("ekaki_jobs_failed_total", reason="withheld_rating") == 1


async def test_rate_limits_and_lost_connections_of_discord_are_counted(
    place: Discord, alice: Visitor
) -> None:
    async with watched(place) as seen:
        channel = seen.running.bot.get_partial_messageable(IDS.general)
        faults = place.loopback.faults
        faults.add(Fault(method="POST", path="/messages", status=429, retry_after_s=0.01))
        faults.add(
            Fault(method="POST", path="/messages", status=429, retry_after_s=0.01, is_global=True)
        )
        faults.add(Fault(method="POST", path="/messages", cut="before"))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await channel.send("three times")
        found = await seen.scrape()
        limited = {scope: found("ekaki_discord_rate_limited_total", scope=scope)
                   for scope in ("user", "shared", "global", "cloudflare")}  # fmt: skip
        assert sum(limited.values()) == 2
        assert limited["global"] == 1
        assert found("ekaki_discord_requests_total", method="POST", status="429") == 2
        assert found("ekaki_discord_requests_total", method="POST", status="error") == 1


async def test_an_interaction_that_nobody_answers_in_time_is_counted(
    place: Discord, alice: Visitor
) -> None:
    async with watched(place) as seen:
        place.loopback.faults.add(Fault(path="/callback", status=404, code=10062))
        await alice.member.slash("limits", {}, channel=IDS.general, wait=False)
        await until(lambda: _missed(seen))
        assert (await seen.scrape())("ekaki_interactions_missed_total", kind="command") == 1


async def _missed(seen: Watched) -> float:
    return (await seen.scrape())("ekaki_interactions_missed_total", kind="command")


async def test_a_ready_bot_says_so_and_what_it_is(place: Discord, alice: Visitor) -> None:
    async with watched(place) as seen:
        assert (await seen.get("/healthz"))[0] == 200
        await until(lambda: _is_ready(seen))
        found = await seen.scrape()
        ready = {part: found("ekaki_ready", part=part) for part in table.READY.labels["part"]}
        assert set(ready.values()) == {1.0}
        (info,) = (dict(labels) for name, labels in found.values if name == "ekaki_info")
        assert (info["model"], info["variant"]) == ("Fake", "fp32")
        assert found("ekaki_discord_servers") == len(seen.running.bot.guilds) > 0
        assert found("process_resident_memory_bytes") > 1e7
        assert found("ekaki_database_size_bytes", part="main") > 4096
        assert (
            0
            < found("ekaki_disk_free_bytes", folder="data")
            < found("ekaki_disk_size_bytes", folder="data")
        )
        await until(lambda: _is_measured(seen))


async def _is_measured(seen: Watched) -> bool:
    return (await seen.scrape())("ekaki_event_loop_delay_seconds_count") > 0


async def _is_ready(seen: Watched) -> bool:
    return (await seen.ready())[0] == 200


async def test_ready_says_what_is_missing_and_comes_back(place: Discord) -> None:
    async with watched(place) as seen:
        await until(lambda: _is_ready(seen))
        place.loopback.unreachable = True
        await forget(place.loopback.gateway)
        await until(lambda: _misses(seen, "gateway"))
        assert (await seen.ready()) == (503, {"gateway": "not connected"})
        assert (await seen.scrape())("ekaki_ready", part="gateway") == 0
        assert (await seen.get("/healthz"))[0] == 200
        place.loopback.unreachable = False
        await until(lambda: _is_ready(seen))


async def _misses(seen: Watched, part: str) -> bool:
    return part in (await seen.ready())[1]


async def test_a_database_that_cannot_be_written_is_not_ready_but_the_bot_lives(
    place: Discord,
) -> None:
    async with watched(place) as seen:
        async with seen.running.services.database.transaction():
            assert await seen.ready() == (503, {"database": "busy"})
            assert (await seen.get("/healthz"))[0] == 200
        place.advance(health.WRITE_EVERY_S)
        assert (await seen.ready())[0] == 200


async def test_electricity_is_counted_where_it_is_measured(place: Discord, alice: Visitor) -> None:
    async with watched(place) as seen:
        drawn = {"device": "local/0", "variant": "fp32"}
        await alice.draw(seen.running, "1girl")
        found = await seen.scrape()
        assert found("ekaki_picture_energy_joules_count", **drawn) == 0
        (worker,) = seen.running.services.jobs.runner.engines.workers
        worker.energy = Wattmeter()
        await alice.draw(seen.running, "1girl")
        found = await seen.scrape()
        assert found("ekaki_picture_energy_joules_count", **drawn) == 1
        assert found("ekaki_picture_energy_joules_sum", **drawn) == 1800


async def test_an_engine_that_is_loading_is_told_as_such(place: Discord) -> None:
    go = threading.Event()

    def load() -> FakeEngine:
        go.wait()
        return FakeEngine()

    async with watched(place, loads=[load]) as seen:
        try:
            assert await seen.ready() == (503, {"engine": "loading"})
            assert (await seen.scrape())("ekaki_engines", state="loading") == 1
        finally:
            go.set()
        await until(lambda: _is_ready(seen))


async def test_a_bot_that_rests_at_this_hour_is_ready_and_says_until_when(place: Discord) -> None:
    hours = {"draw_hours": hours_from_now(2, 3), "draw_time_zone": "UTC"}
    async with watched(place, **hours) as seen:
        await until(lambda: _is_ready(seen))
        found, (_, _, body) = await seen.scrape(), await seen.get("/healthz/ready")
        assert found("ekaki_resting", reason="hours") == 1
        assert found("ekaki_resting", reason="paused") == 0
        assert found("ekaki_engines", state="ready") == 0
        ends = found("ekaki_rest_end_timestamp_seconds")
        assert json.loads(body)["rest"] == {"reason": "hours", "until": ends}
        place.advance(2 * 3600)
        (worker,) = seen.running.services.jobs.runner.engines.workers
        await until(lambda: worker.state == "ready")
        found = await seen.scrape()
        assert found("ekaki_resting", reason="hours") == 0
        assert found("ekaki_engines", state="ready") == 1


async def test_a_bot_that_finishes_is_not_ready_and_one_that_stops_not_live(
    place: Discord,
) -> None:
    async with watched(place) as seen:
        await seen.running.services.jobs.drain()
        assert "accepting" in (await seen.ready())[1]
        assert (await seen.get("/healthz"))[0] == 200
        await seen.running.bot.close()
        assert (await seen.get("/healthz"))[0] == 503
        assert "gateway" in (await seen.ready())[1]


async def test_a_blocked_event_loop_is_measured(place: Discord) -> None:
    async with watched(place) as seen:
        time.sleep(0.65)
        await asyncio.sleep(0.2)
        found = await seen.scrape()
        late = found("ekaki_event_loop_delay_seconds_count") - found(
            "ekaki_event_loop_delay_seconds_bucket", le="0.25"
        )
        assert late >= 3  # 0.55, 0.45 and 0.35 s late


async def test_a_disk_that_hangs_holds_up_only_the_scrape(
    place: Discord, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    usage = shutil.disk_usage

    def hang(path: Path) -> Any:
        go.wait()
        return usage(path)

    async with watched(place) as seen:
        monkeypatch.setattr(shutil, "disk_usage", hang)
        scraping = asyncio.create_task(seen.scrape())
        try:
            await alice.draw(seen.running, "1girl")
            assert (await seen.get("/healthz"))[0] == 200
            assert not scraping.done()
        finally:
            go.set()
        assert (await scraping)("ekaki_disk_free_bytes", folder="data") > 0


async def test_readers_that_are_busy_leave_out_what_they_would_say(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(place) as seen:
        database = seen.running.services.database
        with monkeypatch.context() as patched:
            patched.setattr(state, "READ_WITHIN_S", 0.05)
            async with database.reader(), database.reader():
                found = await seen.scrape()
        assert "ekaki_jobs_undelivered" in found.kinds
        assert ("ekaki_jobs_undelivered", frozenset[Any]()) not in found.values
        assert found("ekaki_engines", state="ready") == 1
        found = await seen.scrape()
        assert found.values["ekaki_jobs_undelivered", frozenset()] == 0


async def test_other_addresses_and_methods_are_refused(place: Discord) -> None:
    async with watched(place) as seen:
        assert (await seen.get("/"))[0] == 404
        async with seen.http.post(f"http://{seen.address}/metrics") as response:
            assert response.status == 405


async def test_a_port_in_use_is_a_clear_error(place: Discord) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with open_bot(place, metrics_address=address) as running:
            counting = running.services.observer
            assert isinstance(counting, Counting)
            with pytest.raises(StorageError) as raised:
                async with watching(running.bot, counting):
                    pytest.fail("it can't be served there")
    assert "METRICS_ADDRESS" in words(raised.value)
    assert address in words(raised.value)


async def test_without_an_address_nothing_counts(running: Running) -> None:
    assert type(running.services.observer) is Observer
