"""The forms of the settings panel: words, limits of a role, numbers."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import discord

from bot.client.client import EkakiBot
from bot.moderation.words import parse_words
from cogs.common import forms
from cogs.settings.values import limit_shown
from data.guilds.server_settings import LimitSet, Setting, WordList
from data.shipped.text import text
from pipeline.errors import InputError

Interaction = discord.Interaction[EkakiBot]

MAX_FORM: Final = 4000  # characters of a text input, Discord
_HOUR_S: Final = 3600.0


class Form(forms.Form):
    """A form that calls `save` with what was typed. `save` answers the interaction."""

    def __init__(self, title: str, save: "Callable[[Interaction, Form], Awaitable[None]]") -> None:
        super().__init__(title=title, timeout=_HOUR_S)
        self._save = save
        self.typed: dict[str, discord.ui.TextInput[Form]] = {}

    def add(self, name: str, label: str, text_input: "discord.ui.TextInput[Form]") -> None:
        self.typed[name] = text_input
        self.add_item(discord.ui.Label(text=label, component=text_input))

    async def on_submit(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: Interaction, /
    ) -> None:
        await self._save(interaction, self)


Save = Callable[[Interaction, Form], Awaitable[None]]


def words_form(which: WordList, words: frozenset[str], save: Save) -> Form:
    """A list, a word a line. InputError `words_too_long`: only a file holds so many."""
    shown = "\n".join(sorted(words))
    if len(shown) > MAX_FORM:
        raise InputError("words_too_long", limit=MAX_FORM)
    form = Form(text(f"settings.form_{which}"), save)
    form.add(
        "words",
        text("settings.words_label"),
        discord.ui.TextInput(
            style=discord.TextStyle.paragraph,
            custom_id="words",
            required=False,
            max_length=MAX_FORM,
            default=shown or None,
        ),
    )
    return form


def edited(shown: frozenset[str], typed: str) -> Callable[[frozenset[str]], frozenset[str]]:
    """What an editor changed of the words that the form showed: another's changes meanwhile stay.
    InputError as in `bot.moderation.words`."""
    wanted = parse_words(typed)
    added, removed = wanted - shown, shown - wanted
    return lambda current: (current | added) - removed


def limits_form(rows: Iterable[Setting], limits: LimitSet, save: Save) -> Form:
    """Some limits of a role; an empty field is not set."""
    form = Form(text("settings.limits_title"), save)
    for row in rows:
        value: int | None = getattr(limits, row.name)
        form.add(
            row.name,
            text(f"settings.ask_{row.key}"),
            discord.ui.TextInput(
                custom_id=row.name,
                required=False,
                max_length=20,
                placeholder=text("settings.empty_not_set"),
                default=None if value is None else limit_shown(row, value),
            ),
        )
    return form


def typed_limits(form: Form) -> dict[str, int | None]:
    """What was typed, by the names of LimitSet. InputError `not_a_number`."""
    return {
        name: (_pixels if name == "max_pixels" else whole)(field.value.strip())
        for name, field in form.typed.items()
    }


def number_form(row: Setting, value: int, save: Save) -> Form:
    """One whole number."""
    form = Form(text(f"settings.form_{row.key}"), save)
    form.add(
        "number",
        text(f"settings.{row.key}_label", low=row.low, high=row.high),
        discord.ui.TextInput(custom_id="number", max_length=6, default=str(value)),
    )
    return form


def whole(typed: str) -> int | None:
    """A whole number, None where nothing is typed. InputError `not_a_number`."""
    if not typed:
        return None
    if not typed.isascii() or not typed.isdecimal():
        raise InputError("not_a_number", value=typed)
    return int(typed)


def _pixels(typed: str) -> int | None:
    """`1024x1024`, or megapixels."""
    if not typed:
        return None
    width, by, height = typed.casefold().replace("×", "x").partition("x")
    try:
        pixels = int(width) * int(height) if by else round(float(typed.replace(",", ".")) * 1e6)
    except (ValueError, OverflowError):
        raise InputError("not_a_number", value=typed) from None
    return pixels
