"""The command tree as Discord gets it, against Discord's documented bounds."""

from dataclasses import fields
from typing import Any

import discord
import pytest
from discord import app_commands

from cogs.drawing.limits import LimitsCog
from cogs.inference import ORDER, Inference
from cogs.info import Info
from cogs.personal.presets import Presets
from data.people.user_defaults import UserDefaults
from data.shipped.text import keys, text
from pipeline.card import MAX_SEED
from pipeline.options import Option
from pipeline.request import OPTION
from pipeline.request import OPTIONS as TABLE


def payload(command: "app_commands.Command[Any, ..., Any]") -> dict[str, Any]:
    tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
    return command.to_dict(tree)


IMAGINE = payload(Inference.imagine)  # pyright: ignore[reportArgumentType] - a cog's method
OPTIONS = {option["name"]: option for option in IMAGINE["options"]}
IMAGINE_FORM = payload(Inference.imagine_form)  # pyright: ignore[reportArgumentType] - a cog's method
FORM = {option["name"]: option for option in IMAGINE_FORM["options"]}


TYPES = {
    str: discord.AppCommandOptionType.string,
    int: discord.AppCommandOptionType.integer,
    float: discord.AppCommandOptionType.number,
    bool: discord.AppCommandOptionType.boolean,
}


def test_the_options_come_in_the_order_of_their_use() -> None:
    first = [OPTION[name].name if name in OPTION else name for name in ORDER]
    assert list(OPTIONS) == first + [each.name for each in TABLE if each.name not in first]
    assert [name for name, option in OPTIONS.items() if option["required"]] == ["prompt"]


def test_the_form_takes_what_it_does_not_ask_for() -> None:
    assert list(FORM) == [name for name in OPTIONS if name not in {"prompt", "negative"}]
    assert {name: OPTIONS[name] for name in FORM} == FORM


@pytest.mark.parametrize("option", TABLE, ids=lambda each: each.field)
def test_every_option_of_the_table_is_offered_as_it_says(option: Option) -> None:
    offered = OPTIONS[option.name]
    assert offered["description"] == text(f"imagine.option_{option.field}")
    sent = str if option.choices else option.kind
    assert offered["type"] == TYPES[sent].value
    listed = () if option.suggested else option.choices
    assert tuple(each["value"] for each in offered.get("choices", [])) == listed
    assert not option.suggested or offered["autocomplete"]
    ends = ("min_length", "max_length") if option.kind is str else ("min_value", "max_value")
    assert tuple(offered.get(end) for end in ends) == (option.low, option.high)


def test_the_command_has_nothing_that_is_not_in_the_table() -> None:
    beside = {"image", "saved"}  # they are no fields of a request
    assert OPTIONS.keys() == {each.name for each in TABLE} | beside


def test_a_saved_preset_is_asked_for_what_it_keeps() -> None:
    asked = {option["name"] for option in payload(Presets.save)["options"]}  # pyright: ignore[reportArgumentType] - a cog's method
    kept = {each.name for each in TABLE if each.in_preset}
    assert asked == {"name", "id"} | kept - {"character", "series", "tags"}


def test_me_has_what_the_table_says() -> None:
    assert {each.field for each in TABLE if each.in_me} == {
        each.name for each in fields(UserDefaults)
    }


def test_everything_is_within_discords_bounds() -> None:
    commands = [
        IMAGINE,
        IMAGINE_FORM,
        payload(Info.about),
        payload(Info.help),
        payload(LimitsCog.limits),
    ]  # pyright: ignore[reportArgumentType] - cogs' methods
    for command in commands:
        assert len(command["options"]) <= 25
        total = len(command["name"]) + len(command["description"])
        for option in command["options"]:
            assert 1 <= len(option["description"]) <= 100
            assert len(option.get("choices", [])) <= 25
            total += len(option["name"]) + len(option["description"])
            total += sum(
                len(choice["name"]) + len(choice["value"]) for choice in option.get("choices", [])
            )
        assert total <= 8000


@pytest.mark.parametrize("name", ["prompt", "negative", "tags", "character", "series", "aspect"])
def test_free_texts_are_completed(name: str) -> None:
    assert OPTIONS[name]["autocomplete"]


@pytest.mark.parametrize("name", ["quality", "rating", "year", "aesthetic", "style", "sampler"])
def test_closed_lists_have_the_same_names_and_values(name: str) -> None:
    choices = OPTIONS[name]["choices"]
    assert choices
    assert all(choice["name"] == choice["value"] for choice in choices)


def test_a_seed_may_be_random_or_any_of_32_bits() -> None:
    assert (OPTIONS["seed"]["min_value"], OPTIONS["seed"]["max_value"]) == (-1, MAX_SEED)


def test_every_text_fits_its_embed_field() -> None:
    for key in keys():
        section = key.split(".")[0]
        if section in {"about", "help"} and key.endswith("_text"):
            names = ("example", "sizes", "steps", "cfg", "precision")
            assert len(text(key, **dict.fromkeys(names, "x" * 100))) <= 1024, key
