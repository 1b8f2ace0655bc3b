"""The command tree as Discord gets it, against Discord's documented bounds."""

from typing import Any

import discord
import pytest
from discord import app_commands

from cogs.drawing.limits import LimitsCog
from cogs.inference import Inference
from cogs.info import Info
from data.shipped.text import keys, text
from pipeline.card import MAX_SEED


def payload(command: "app_commands.Command[Any, ..., Any]") -> dict[str, Any]:
    tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
    return command.to_dict(tree)


IMAGINE = payload(Inference.imagine)  # pyright: ignore[reportArgumentType] - a cog's method
OPTIONS = {option["name"]: option for option in IMAGINE["options"]}


def test_the_options_are_those_of_the_help() -> None:
    assert list(OPTIONS) == [
        "prompt", "negative", "character", "series", "tags", "aspect", "quality", "rating", "year",
        "aesthetic", "style", "sampler", "steps", "cfg", "seed", "count", "image", "strength",
        "saved", "private",
    ]  # fmt: skip
    assert not any(option["required"] for option in OPTIONS.values())


def test_everything_is_within_discords_bounds() -> None:
    commands = [IMAGINE, payload(Info.about), payload(Info.help), payload(LimitsCog.limits)]  # pyright: ignore[reportArgumentType] - cogs' methods
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
