"""What a suggestion shows works as well when it is typed or pasted: clients may send either."""

from typing import Any

import pytest
from discord import app_commands

from bot.playground.simulator.default_world import IDS
from cogs.gallery.cursor import MAX_WORDS
from cogs.moderation.command import kind_of
from cogs.moderation.log_page import ALL
from data.guilds.audit import AuditKind
from data.shipped.text import languages, text
from data.store.ids import new_id, new_public_id, typed_id
from pipeline.errors import InputError
from pipeline.tags.labels import meant
from tests.cogs.gallery.helpers import gallery_bot, picture
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot

NAMES_ARE_VALUES = {
    ("imagine", "saved"), ("preset save", "name"), ("preset delete", "name"),
    ("moderate block", "duration"), ("owner block", "duration"), ("imagine-form", "saved"),
    ("owner host drain", "name"), ("owner host resume", "name"),
    ("owner pause", "for"), ("compare", "saved"), ("compare", "values"),
    *((f"wildcard {name}", "name") for name in ("set", "show", "delete")),
}  # fmt: skip
TESTED_HERE = {
    # in tests/cogs/personal/test_loras.py
    ("lora", "name"), ("preset save", "lora"), ("imagine", "lora"), ("imagine-form", "lora"),
    *(("imagine-parts", name) for name in ("tags", "character", "series", "aspect", "lora")),
    *(("imagine", name) for name in ("prompt", "negative", "tags", "character", "series")),
    *(("imagine-form", name) for name in ("tags", "character", "series", "aspect")),
    ("imagine", "aspect"), ("tags", "tags"), ("preset save", "aspect"), ("preset save", "id"),
    ("show", "id"),
    ("gallery search", "words"), ("collection add", "id"),
    # the suggestions of /imagine and /show
    *(("compare", name) for name in ("prompt", "negative", "aspect", "lora")),
    ("again", "prompt"), ("describe", "picture"),
    # in tests/cogs/drawing/test_speed.py
    *((name, "speed") for name in ("imagine", "imagine-form", "compare", "preset save")),
    ("imagine-parts", "speed"),
    *((f"collection {name}", "name") for name in ("add", "remove", "show", "download", "delete")),
}  # fmt: skip


async def test_every_option_with_suggestions_is_looked_at(place: Discord) -> None:
    async with open_bot(place) as running:
        found = {
            (command.qualified_name, parameter.display_name)
            for command in running.bot.tree.walk_commands()
            if isinstance(command, app_commands.Command)
            for parameter in command.parameters
            if parameter.autocomplete
        }
    assert found - (NAMES_ARE_VALUES | TESTED_HERE) == set()
    assert (NAMES_ARE_VALUES | TESTED_HERE) - found == set()


async def names(alice: Visitor, command: str, focused: str, **typed: Any) -> list[str]:
    choices = await alice.member.autocomplete(command, typed, focused, channel=IDS.general)
    return [choice["name"] for choice in choices]


@pytest.mark.parametrize("locale", ["en-US", "ja"])
async def test_pictures_and_collections(place: Discord, alice: Visitor, locale: str) -> None:
    place.world.users[IDS.alice].locale = locale
    async with open_bot(place) as running:
        job, _ = await picture(alice, running, "1girl, umbrella: a long story, " * 4)
        await alice.answer("collection create", name="Rain ‹1› (2)")
        (shown,) = await names(alice, "show", "id")
        assert shown != job.id
        for pasted in (shown, shown.upper(), f" {shown} ", f"ekaki-{job.id}-1.png"):
            found = await alice.answer("show", id=pasted)
            assert found.attachments, pasted
            assert await names(alice, "show", "id", id=pasted) == [shown]
        (name,) = await names(alice, "collection add", "name")
        assert name != "Rain ‹1› (2)"
        (shown,) = await names(alice, "collection add", "id", name=name)
        added = await alice.answer("collection add", name=name, id=shown)
        assert "Rain" in added.text
        (later,) = await names(alice, "collection show", "name", name=name)
        assert later != name, "the number is another one now"
        for each in (name, later, f" {later}", "Rain ‹1› (2)", "rain ‹1› (2)"):
            assert (await alice.answer("collection show", name=each)).attachments, each
        unknown = await alice.answer("collection show", name="Rain")
        assert not unknown.attachments
        (shown,) = await names(alice, "preset save", "id", name="mine")
        await alice.answer("preset save", name="mine", id=shown)
        preset = await running.services.people.preset(IDS.alice, "mine")
        assert preset.request.prompt == job.request.original.prompt


async def test_tags_and_sizes(place: Discord, alice: Visitor) -> None:
    async with gallery_bot(place) as running:
        for option in ("prompt", "negative", "tags", "character", "series"):
            shown = (await names(alice, "imagine", option, **{option: "sou"}))[0]
            job = await alice.draw(
                running, "1girl", **({} if option == "prompt" else {option: shown})
            )
            typed = job.request.original
            texts = (typed.prompt, typed.negative_prompt, typed.tags, typed.character, typed.series)
            said = " ".join(texts)
            assert "‹" not in said
            assert option == "prompt" or meant(shown).rstrip(",") in said
        for command in ("imagine", "preset save"):
            given: dict[str, Any] = (
                {"name": "wide"} if command == "preset save" else {"prompt": "1girl"}
            )
            sizes = await names(alice, command, "aspect", **given)
            assert sizes
            for shown in sizes:
                answer = await alice.answer(command, **given, aspect=shown)
                assert "isn't a picture size" not in answer.text


@pytest.mark.parametrize("more", ["hat", " hat", ", hat", ",hat"])
async def test_people_type_on_behind_a_suggestion(
    place: Discord, alice: Visitor, more: str
) -> None:
    async with gallery_bot(place) as running:
        shown = (await names(alice, "imagine", "prompt", prompt="1girl, smi"))[0]
        assert shown.endswith("›,")
        job = await alice.draw(running, shown + more)
        assert job.request.original.prompt == "1girl, smile, hat"


async def test_a_long_prompt_is_kept_while_people_type_on(place: Discord, alice: Visitor) -> None:
    long = "1girl, bow, hat, " + ", ".join(["blue hair"] * 7)
    async with gallery_bot(place) as running:
        prompt = (await names(alice, "imagine", "prompt", prompt=f"{long}, smi"))[0]
        assert "#" in prompt
        prompt += " a very long piece that is typed letter by letter until nothing fits any more"
        for end in range(len(prompt) - 60, len(prompt)):
            await names(alice, "imagine", "prompt", prompt=prompt[:end])
        tags = ", ".join(["hat"] * 30)
        for end in range(90, len(tags)):
            await names(alice, "imagine", "tags", prompt=prompt, tags=tags[:end])
        job = await alice.draw(running, prompt, tags=tags)
        assert job.request.original.prompt.startswith(f"{long}, smile, a very long piece")


async def test_a_search_of_the_gallery(place: Discord, alice: Visitor) -> None:
    async with gallery_bot(place):
        for typed in ("souryuu", "umbr", "1girl, blue h"):
            found = await names(alice, "gallery search", "words", words=typed)
            assert found, typed
            for shown in found:
                assert len(shown) <= MAX_WORDS
                assert (
                    "No picture in this server's gallery matches"
                    in (await alice.answer("gallery search", words=shown)).text
                )


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("kind", list(AuditKind))
def test_a_kind_of_the_log_is_known_by_every_name(kind: AuditKind, language: str) -> None:
    for typed in (kind.value, text(f"audit.kind_{kind}", locale=language)):
        assert kind_of(typed) == kind
        assert kind_of(f" {typed.upper()} ") == kind


def test_another_kind_is_refused() -> None:
    assert kind_of(None) == ALL
    with pytest.raises(InputError) as caught:
        kind_of("kittens")
    assert caught.value.key == "choice_unknown"


@pytest.mark.parametrize("make", [new_id, new_public_id])
def test_an_id_is_found_in_what_is_pasted(make: Any) -> None:
    found = make()
    for typed in (found, found.upper(), f"{found}: 1girl, hat", f"`{found}`", f"#{found}",
                  f"ekaki-{found}-1.png", f"  {found}\n"):  # fmt: skip
        assert typed_id(typed) == found


@pytest.mark.parametrize("typed", ["", "1girl, hat", "abc", "x" * 13, "é" * 12])
def test_what_holds_no_id_stays(typed: str) -> None:
    assert typed_id(f" {typed} ") == typed.strip().lower()
