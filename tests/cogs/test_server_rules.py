"""What a server's moderators set holds on every path, follows the place, and is in the log."""

import io
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.default_world import IDS
from data.guilds import audit, blocks, guild_limits, guild_settings, place_settings
from data.guilds.audit import AuditEntry, AuditKind
from data.guilds.blocks import EVERYWHERE, Block, Subject
from data.guilds.server_settings import GuildSettings, LimitSet
from data.store import maintenance
from data.store.maintenance import Maintenance
from pipeline.rating import Rating
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def set_words(running: Running, *words: str, allowed: Iterable[str] = ()) -> None:
    async with running.services.database.transaction() as connection:
        for which, listed in (("blocked", words), ("allowed", allowed)):
            await guild_settings.put_words(
                connection, guild_id=IDS.guild, which=which, words=listed  # type: ignore[arg-type]
            )  # fmt: skip


async def set_ceiling(
    running: Running, rating: Rating | None, *, channel_id: int | None = None
) -> None:
    async with running.services.database.transaction() as connection:
        await place_settings.set_ratings(
            connection,
            scope="guild" if channel_id is None else "channel",
            id=channel_id or IDS.guild,
            guild_id=IDS.guild,
            ceiling=rating,
            default=None,
        )


async def set_limits(running: Running, role_id: int = IDS.guild, **limits: int) -> None:
    async with running.services.database.transaction() as connection:
        await guild_limits.put(
            connection, guild_id=IDS.guild, role_id=role_id, limits=LimitSet(**limits)
        )


async def log(running: Running, *kinds: AuditKind) -> list[AuditEntry]:
    async with running.services.database.reader() as reader:
        return await audit.page(reader, guild_id=None, kinds=kinds, offset=0, limit=100)


async def test_a_blocked_word_is_refused_on_every_path_and_costs_nothing(
    running: Running, alice: Visitor
) -> None:
    job = await alice.draw(running, "1girl, spider")
    shown = alice.member.message(job.message_id or 0)
    await alice.answer("preset save", name="Web", prompt="1girl, giant spider")
    await set_words(running, "spider", allowed=["spider lily"])
    used = await running.used()
    said = [
        await alice.imagine("1girl, (sp1der:1.2)"),
        await alice.imagine("1girl", tags="spider"),
        await alice.imagine("1girl", character="spider"),
        await alice.imagine("1girl --no hat, spider"),
        await alice.imagine("1girl", saved="Web"),
        await whole(await alice.member.press(shown, "ekaki:reroll")),
        await whole(await alice.press(shown, "Vary (subtle)")),
        await whole(await alice.press(shown, "Vary (strong)")),
        await whole(await alice.member.press(shown, "Upscale")),
    ]
    opened = await alice.member.press(shown, "ekaki:remix")
    said.append(await whole(await alice.member.submit_modal(opened, {})))
    # `--no` keeps it out, which is what the server wants
    texts = [message.text for message in said]
    refused = [text for text in texts if "do not allow `spider`" in text]
    assert len(refused) == len(said) - 1, texts
    assert all(message.ephemeral for message in said if "do not allow" in message.text)
    assert await running.used() == used + 1
    assert (await alice.draw(running, "1girl, spider lily")).state == "finished"
    entries = await log(running, AuditKind.REFUSED)
    assert len(entries) == len(refused)
    assert {entry.details["error"] for entry in entries} == {"server_rule"}
    assert {entry.details["why"]["word"] for entry in entries} == {"spider"}
    assert entries[-1].details["prompt"] == "1girl, (sp1der:1.2)"
    assert {entry.user_id for entry in entries} == {IDS.alice}


async def test_a_blocked_word_in_a_strangers_picture_is_found(
    place: Discord, running: Running, alice: Visitor
) -> None:
    await set_words(running, "spider")
    info = PngImagePlugin.PngInfo()
    info.add_text(
        "parameters",
        "1girl, (spider:1.2)\nNegative prompt: hat\n"
        "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 832x1216",
    )
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    upload = Upload(filename="mine.png", content_type="image/png", data=file.getvalue())
    said = place.loopback.actions.say(IDS.alice, IDS.general, "look", [upload])
    opened = await alice.member.message_command("Remix", alice.member.view(said))
    refused = await whole(await alice.member.submit_modal(opened, {}))
    assert "do not allow `spider`" in refused.text
    assert await running.jobs() == []


async def test_what_a_server_allows_never_switches_a_hard_rule_off(
    running: Running, alice: Visitor
) -> None:
    await set_words(running, allowed=["loli", "1girl loli"])
    refused = await alice.imagine("1girl, loli")
    assert "This rule holds on every server" in refused.text
    (entry,) = await log(running, AuditKind.REFUSED)
    assert entry.details["error"] == "rule_minor_coded"


async def test_words_of_one_server_mean_nothing_in_a_direct_message(
    running: Running, alice: Visitor
) -> None:
    await set_words(running, "spider")
    message = await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl, spider")
    assert "do not allow" not in message.text


async def test_who_makes_what_is_in_the_log(running: Running, alice: Visitor) -> None:
    job = await alice.draw(running, "1girl, umbrella", steps=12, private=True)
    (entry,) = await log(running)
    assert (entry.kind, entry.user_id, entry.job_id) == ("accepted", IDS.alice, job.id)
    assert entry.guild_id == IDS.guild
    assert "umbrella" in entry.details["prompt"]
    assert entry.details["num_inference_steps"] == 12
    assert entry.details["seed"] == job.request.seed
    assert entry.details["private"] is True


async def test_only_allowed_channels_and_their_threads_draw(
    place: Discord, running: Running, alice: Visitor
) -> None:
    async with running.services.database.transaction() as connection:
        settings = GuildSettings(allowed_channels=frozenset({IDS.art}))
        await guild_settings.put(connection, guild_id=IDS.guild, settings=settings)
    refused = await alice.imagine("1girl")
    assert refused.ephemeral
    assert f"<#{IDS.art}>" in refused.text
    assert await running.used() == 0
    await alice.answer("imagine", channel=IDS.art, prompt="1girl")
    thread = await alice.answer("imagine", channel=IDS.thread, prompt="1girl")
    assert "only" not in thread.text
    direct = await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl")
    assert "only" not in direct.text
    place.loopback.changes.delete_channel(IDS.art)  # nothing opens by that
    assert (await alice.imagine("1girl")).ephemeral


async def test_a_thread_follows_the_settings_of_its_channel(
    running: Running, alice: Visitor
) -> None:
    await set_ceiling(running, Rating.SENSITIVE)
    await set_ceiling(running, Rating.SAFE, channel_id=IDS.art)
    for channel in (IDS.art, IDS.thread):
        refused = await alice.answer("imagine", channel=channel, prompt="1girl", rating="sensitive")
        assert "`safe` at most" in refused.text, channel
    fine = await alice.imagine("1girl", rating="sensitive")
    assert "at most" not in fine.text
    (entry, *_) = await log(running, AuditKind.REFUSED)
    assert entry.details["error"] == "rating_above_ceiling"


def block(
    *, guild_id: int = IDS.guild, subject: Subject = "user", subject_id: int = IDS.alice,
    until: float | None = None,
) -> Block:  # fmt: skip
    return Block(
        guild_id=guild_id, subject=subject, subject_id=subject_id, reason="`spam`", blocked_by=1,
        blocked_at=1.0, until=until,
    )  # fmt: skip


async def test_a_block_holds_over_a_restart_and_ends_when_its_time_is_over(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        until = place.clock.time() + 3600
        async with running.services.database.transaction() as connection:
            await blocks.put(connection, block=block(until=until))
    async with open_bot(place) as running:
        refused = await alice.imagine("1girl")
        assert refused.ephemeral
        assert "'spam'" in refused.text
        assert "The block ends <t:" in refused.text
        assert "blocked" not in (await bob.imagine("1girl")).text
        direct = await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl")
        assert "blocked" not in direct.text  # another place, not these moderators'
        place.advance(3601)
        assert "blocked" not in (await alice.imagine("1girl")).text


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (block(guild_id=EVERYWHERE), "operator of this bot has blocked you"),
        (
            block(guild_id=EVERYWHERE, subject="guild", subject_id=IDS.guild),
            "has blocked it on this server",
        ),
        (block(), "moderators of this server have blocked you"),
    ],
)
async def test_every_kind_of_block_is_told(
    running: Running, alice: Visitor, made: Block, words: str
) -> None:
    async with running.services.database.transaction() as connection:
        await blocks.put(connection, block=made)
    refused = await alice.imagine("1girl")
    assert words in refused.text
    assert await running.jobs() == []
    assert (await log(running, AuditKind.REFUSED))[0].details["error"] in {
        "blocked", "blocked_everywhere", "guild_blocked",
    }  # fmt: skip


async def test_maintenance_refuses_kindly(running: Running, alice: Visitor) -> None:
    async with running.services.database.transaction() as connection:
        closed = Maintenance(since=1.0, by=1, reason="a new model")
        await maintenance.put(connection, maintenance=closed)
    refused = await alice.imagine("1girl")
    assert refused.ephemeral
    assert "a new model" in refused.text
    async with running.services.database.transaction() as connection:
        await maintenance.put(connection, maintenance=None)
    assert (await alice.draw(running, "1girl")).state == "finished"


@pytest.mark.parametrize(
    ("limits", "options", "words"),
    [
        ({"max_steps": 10}, {"steps": 11}, "between 1 and 10"),
        ({"max_count": 2}, {"count": 3}, "1 to 2 pictures"),
        ({"max_pixels": 700_000}, {"aspect": "1:1"}, "0.70 million pixels"),
        ({"pictures_per_hour": 2}, {"count": 3}, "the limit is 2"),
        ({"pictures_per_day": 0}, {}, "can't make pictures"),
        ({"waiting_jobs": 0}, {}, "can't make pictures"),
    ],
)
async def test_limits_of_a_server_refuse_kindly_and_cost_nothing(
    running: Running, alice: Visitor, limits: dict[str, int], options: dict[str, Any], words: str
) -> None:
    await set_limits(running, **limits)
    refused = await alice.imagine("1girl", **options)
    assert refused.ephemeral
    assert words in refused.text
    assert await running.used() == 0


async def test_a_role_lifts_what_everyone_has_within_the_operators_bounds(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place, max_steps=30, max_role_weight=3) as running:
        role = place.loopback.changes.add_role(IDS.guild, "Artists")
        place.loopback.changes.set_roles(IDS.guild, IDS.alice, [role.id])
        await set_limits(running, max_steps=10, pictures_per_day=1)
        await set_limits(running, role.id, max_steps=60, pictures_per_day=2, weight=9)
        job = await alice.draw(running, "1girl", steps=28)
        assert job.weight == 3
        assert "between 1 and 30" in (await alice.imagine("1girl", steps=40)).text
        assert "between 1 and 10" in (await bob.imagine("1girl", steps=28)).text
        shown = (await alice.answer("limits")).text
        assert "On this server, by your roles" in shown
        assert "1 of 2 pictures" in shown
        await alice.draw(running, "1girl", steps=8)
        assert (
            "allow you 2 pictures in 24 hours, and 0 are left"
            in (await alice.imagine("1girl", steps=8)).text
        )
        place.loopback.changes.delete_role(IDS.guild, role.id)  # what it gave is nobody's
        assert "between 1 and 10" in (await alice.imagine("1girl", steps=28)).text


async def test_upscales_are_counted_by_day(running: Running, alice: Visitor) -> None:
    await set_limits(running, upscales_per_day=1)
    job = await alice.draw(running, "1girl")
    shown = alice.member.message(job.message_id or 0)
    first = await whole(await alice.member.press(shown, "Upscale"))
    assert "may upscale" not in first.text
    second = await whole(await alice.member.press(shown, "Upscale"))
    assert "may upscale 1 picture in" in second.text


async def test_the_ceiling_of_this_moment_counts(
    place: Discord, running: Running, alice: Visitor
) -> None:
    """A picture can't be drawn on from, or shown, where it no longer fits."""
    await set_ceiling(running, Rating.SENSITIVE)
    channel = IDS.art
    await alice.answer("imagine", channel=channel, prompt="1girl", rating="sensitive")
    job = await running.delivery("delivered")
    shown = alice.member.message(job.message_id or 0)
    await set_ceiling(running, Rating.SAFE, channel_id=channel)
    for button in ("ekaki:reroll", "Vary (subtle)", "Vary (strong)", "Upscale"):
        refused = await whole(await alice.press(shown, button))
        assert "`safe` at most" in refused.text, button
    back = await alice.answer("show", channel=channel, id=job.id)
    assert "`safe` at most" in back.text
    elsewhere = await alice.answer("show", channel=IDS.general, id=job.id)
    assert elsewhere.attachments
