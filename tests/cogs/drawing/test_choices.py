"""`{red|blue} hair` and `__pose__` from `/imagine` to the picture and everything drawn from it."""

import threading
from collections.abc import AsyncGenerator

import pytest

from bot.common.actor import Actor
from bot.guilds import wildcards
from bot.playground.simulator.default_world import IDS
from data.guilds import guild_settings, guild_wildcards
from pipeline.metadata.chunks import text_chunks
from pipeline.prompt.wildcards.choosing import ChoiceLists, check
from pipeline.prompt.wildcards.grammar import Template
from tests.cogs.pictures.files import filled
from tests.cogs.pictures.test_results import drawn, new_job, text_of
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole

COLOURS = "{red1|blue1|green1|pink1|grey1|teal1|gold1}"


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def test_every_picture_draws_its_own_and_says_so(
    running: Running, place: Discord, alice: Visitor
) -> None:
    job, message = await drawn(alice, running, prompt=f"1girl, {COLOURS} hair", count=4)
    words = [each.words[0] for each in job.request.chosen]
    assert len(set(words)) > 1
    assert [f"{word} hair" in job.request.of(n).prompt for n, word in enumerate(words)] == [
        True
    ] * 4
    assert [prompt for prompt, _ in running.engine.drawn] == [e.prompt for e in job.request.chosen]
    for number, word in enumerate(words, 1):
        assert f"Picture {number}: {word}" in message.text
    assert COLOURS in message.text.replace("\\", "")
    _, pictures = await running.services.results.pictures_of(job.id)
    for picture, word in zip(pictures, words, strict=True):
        png = running.services.results._files.pictures.read(picture.content_hash)  # pyright: ignore[reportPrivateUsage]
        text = text_chunks(png)["parameters"]
        assert text.startswith(f"1girl, {word} hair, ")
        assert text.endswith(f"\nTemplate: 1girl, {COLOURS} hair")


async def test_the_same_seed_draws_the_same_words_after_other_edits(
    running: Running, alice: Visitor
) -> None:
    first, _ = await drawn(alice, running, prompt=f"1girl, {COLOURS} hair")
    second, _ = await drawn(alice, running, prompt=f"hat, {{a1|b1}}, {COLOURS} hair, 1girl, night")
    assert first.request.chosen[0].words[0] == second.request.chosen[0].words[1]


async def test_a_reroll_chooses_again_and_a_variation_keeps(
    running: Running, alice: Visitor
) -> None:
    job, message = await drawn(alice, running, prompt=f"1girl, {COLOURS} hair")
    word = job.request.chosen[0].words[0]
    await alice.press(message, "Vary (strong)")
    varied = await new_job(running, 1)
    assert varied.request.chosen == ()
    assert f"1girl, {word} hair" in varied.request.prompt
    await alice.press(message, "Re-roll")
    again = await new_job(running, 2)
    assert again.request.original.prompt == f"1girl, {COLOURS} hair"
    assert again.request.seed != job.request.seed
    assert len(again.request.chosen) == 1
    form = await alice.press(message, "Remix")
    assert COLOURS in str(form.modal)
    assert f"1girl, {word} hair" in await text_of(await alice.press(message, "Settings"))


async def test_a_changed_list_changes_no_job_that_was_accepted(
    running: Running, alice: Visitor
) -> None:
    async def put(*entries: str) -> None:
        await running.services.database.write(
            guild_wildcards.put, guild_id=IDS.guild, name="ours", entries=entries
        )

    await put("first1")
    job, message = await drawn(alice, running, prompt="1girl, __ours__")
    await put("second1")
    assert job.request.of(0).original.prompt == "1girl, first1"
    await alice.press(message, "Vary (subtle)")
    assert "first1" in (await new_job(running, 1)).request.prompt
    await alice.press(message, "Re-roll")
    assert "second1" in (await new_job(running, 2)).request.prompt


@pytest.mark.parametrize("renamed", [False, True])
async def test_a_deleted_list_can_be_replaced_in_the_form(
    running: Running, alice: Visitor, bob: Visitor, renamed: bool
) -> None:
    database = running.services.database
    await database.write(guild_wildcards.put, guild_id=IDS.guild, name="ours", entries=["first1"])
    _, message = await drawn(alice, running, prompt="1girl, __ours__")
    await database.write(guild_wildcards.remove, guild_id=IDS.guild, name="ours")
    if renamed:
        await database.write(guild_wildcards.put, guild_id=IDS.guild, name="our", entries=["new1"])
    for person in (alice, bob):
        refused = await whole(await person.press(message, "Re-roll"))
        assert refused.ephemeral
        assert "There is no list called `ours`" in refused.text
        assert list(labels(refused)) == ["Edit prompt"]
        form = await person.member.press(refused, "Edit prompt")
        assert filled(form)["prompt"] == "1girl, __ours__"
    await bob.member.submit_modal(form, {"prompt": "1girl, second1"})
    job = await new_job(running, 1)
    assert job.request.prompt.startswith("1girl, second1")
    assert job.user_id == IDS.bob


async def test_a_word_that_is_forbidden_meanwhile_can_be_edited_out(
    running: Running, alice: Visitor
) -> None:
    _, message = await drawn(alice, running, prompt="1girl, hat")
    await running.services.database.write(
        guild_settings.put_words, guild_id=IDS.guild, which="blocked", words=["hat"]
    )
    for label in ("Re-roll", "Vary", "Upscale"):
        refused = await whole(await alice.press(message, label))
        assert "do not allow `hat`" in refused.text
        assert list(labels(refused)) == ["Edit prompt"]


async def test_direct_messages_have_the_shipped_lists_only(
    running: Running, alice: Visitor
) -> None:
    await running.services.database.write(
        guild_wildcards.put, guild_id=IDS.guild, name="ours", entries=["here1"]
    )
    refused = await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl, __ours__")
    assert refused.ephemeral
    assert "There is no list called `ours`" in refused.text
    await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl, __season__")
    job = await new_job(running, 0)
    assert job.request.chosen[0].words[0] in {"spring (season)", "summer", "autumn", "winter"}


async def test_lists_adjoin_each_other_and_words_without_spaces(
    running: Running, alice: Visitor
) -> None:
    for name, entry in (("ours", "red1"), ("theirs", "hat1")):
        await running.services.database.write(
            guild_wildcards.put, guild_id=IDS.guild, name=name, entries=[entry]
        )
    for number, (typed, wanted) in enumerate(
        [("__ours____theirs__", "red1hat1"), ("＿＿ours＿＿の服", "red1の服")]
    ):
        await alice.answer("imagine", prompt=f"1girl, {typed}")
        assert f"1girl, {wanted}" in (await new_job(running, number)).request.prompt
    found = await alice.member.autocomplete(
        "imagine", {"prompt": "__ours____thei"}, "prompt", channel=IDS.general
    )
    assert [each["value"] for each in found] == ["__ours____theirs__"]


async def test_an_unknown_list_names_those_like_it(running: Running, alice: Visitor) -> None:
    refused = await alice.answer("imagine", prompt="1girl, __hair_colours__")
    assert refused.ephemeral
    assert "hair_color" in refused.text


async def test_what_could_be_chosen_is_refused_and_costs_nothing(
    running: Running, alice: Visitor
) -> None:
    for prompt in ("{smile|loli}", "{lo|x}{li|y}, __pose__, __place__, __animal__"):
        refused = await alice.answer("imagine", prompt=prompt, seed=1)
        assert refused.ephemeral
        assert "loli" in refused.text
    assert await running.jobs() == []


async def test_presets_and_the_own_negative_prompt_have_choices(
    running: Running, alice: Visitor
) -> None:
    await alice.answer("preset save", name="mine", prompt="{red1|blue1} hair")
    job, _ = await drawn(alice, running, prompt="1girl", saved="mine", negative="{hat1|bow1}")
    (chosen,) = job.request.chosen
    assert chosen.words[0] in {"red1", "blue1"}
    assert chosen.words[1] in {"hat1", "bow1"}
    assert chosen.words[1] in chosen.negative_prompt


async def test_private_ones_are_shown_to_their_owner(running: Running, alice: Visitor) -> None:
    sent = await alice.member.slash(
        "imagine", {"prompt": "1girl, {red1|red1}", "private": True}, channel=IDS.general
    )
    job = await new_job(running, 0)
    assert job.private
    shown = await sent.wait_for(lambda message: "Chosen: red1" in message.text)
    assert shown.ephemeral


async def test_names_are_completed(running: Running, alice: Visitor) -> None:
    async def complete(typed: str) -> list[str]:
        found = await alice.member.autocomplete(
            "imagine", {"prompt": typed}, "prompt", channel=IDS.general
        )
        return [each["value"] for each in found]

    assert await complete("1girl, __hair") == ["1girl, __hair_color__", "1girl, __hair_style__"]
    assert "__pose__" in await complete("__")
    assert await complete("__zzzz") == []
    assert await complete("1girl, __pose__, smil") != []


async def test_the_lists_of_a_server(running: Running, alice: Visitor, moderator: Visitor) -> None:
    shown = await alice.answer("wildcard list")
    assert shown.ephemeral
    assert "`__pose__` 2" in shown.text
    assert "sitting" in (await alice.answer("wildcard show", name="pose")).text
    refused = await whole(
        await alice.member.slash("wildcard set", {"name": "ours"}, channel=IDS.general)
    )
    assert "moderator" in refused.text.casefold()

    async def put(name: str, typed: str) -> str:
        form = await moderator.member.slash("wildcard set", {"name": name}, channel=IDS.general)
        sent = await moderator.member.submit_modal(form, {"entries": typed})
        first = sent.followups[0].text if sent.followups else ""
        return "\n".join([first, (await whole(sent)).text])

    assert "`__our_hats__` has 2 entries" in await put("Our Hats", "top hat\n# no\nbow\nbow\n")
    assert "top hat" in (await alice.answer("wildcard show", name="our_hats")).text
    assert "names itself" in await put("loop", "a __loop__")
    assert "loli" in await put("bad", "hat\nlo li")
    assert "can't be an entry" in await put("bad", "hat --seed 5")
    assert "can't be the name" in await put("a!b", "hat")
    assert "no entries" in await put("none", "# nothing\n\n")
    assert "limit is 300" in await put("many", "\n".join(f"w{n}" for n in range(301)))
    assert "comes with the bot" in (await moderator.answer("wildcard delete", name="pose")).text
    log = await moderator.answer("moderate log", kind="wildcards_changed")
    assert "changed the list our" in log.text
    assert "top hat" in log.text
    sent = await moderator.answer(
        "wildcard import", file=("Big Hats.txt", b"\xef\xbb\xbfa\r\nb\r\n")
    )
    assert "`__big_hats__` has 2 entries" in sent.text
    sent = await moderator.answer("wildcard import", file=("x.txt", b"\xff\xfe"), name="x")
    assert "UTF-8" in sent.text
    assert "deleted" in (await moderator.answer("wildcard delete", name="our_hats")).text
    assert "There is no list" in (await alice.answer("wildcard show", name="our_hats")).text


async def test_a_large_list_is_checked_beside_the_event_loop(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes up to a second."""
    threads: list[int] = []

    def noted(template: Template, lists: ChoiceLists, *, longest: int) -> int:
        threads.append(threading.get_ident())
        return check(template, lists, longest=longest)

    monkeypatch.setattr(wildcards, "check", noted)
    actor = Actor(user_id=IDS.alice, guild_id=IDS.guild, is_moderator=True)
    await running.services.wildcards.put(actor, "ours", "hat\n{red|blue} bow")
    assert threads
    assert threading.get_ident() not in threads
