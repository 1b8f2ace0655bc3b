"""The forms of the settings panel: words, limits of a role, numbers."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Final

import discord

from bot.client.client import Interaction
from bot.moderation.words import parse_words
from cogs.common import forms
from cogs.common.answers import hold
from cogs.common.duty import manager_of
from cogs.settings.pages import set_values, show_page
from cogs.settings.values import limit_said, limit_shown
from data.guilds.server_settings import GuildSettings, LimitSet, Setting, WordList
from data.shipped.text import text
from pipeline.errors import InputError

MAX_FORM: Final = 4000  # characters of a text input, Discord


class Form(forms.Form):
    """A form that calls `save` with what was typed. `save` answers the interaction."""

    def __init__(self, title: str, save: "Callable[[Interaction, Form], Awaitable[None]]") -> None:
        super().__init__(title)
        self._save = save
        self.typed: dict[str, discord.ui.TextInput[Any]] = {}

    def add(self, name: str, label: str, **options: Any) -> None:
        self.typed[name] = self.ask(label, name, **options)

    async def on_submit(self, interaction: Interaction, /) -> None:
        await self._save(interaction, self)


def words_form(which: WordList, words: frozenset[str]) -> Form:
    """A list, a word a line. InputError `words_too_long`: only a file holds so many."""

    async def save(interaction: Interaction, form: Form) -> None:
        actor, wanted = manager_of(interaction), edited(words, form.typed["words"].value)
        await hold(interaction)
        await interaction.client.services.servers.change_words(actor, which, wanted)
        await show_page(interaction, "words")

    form = Form(text(f"settings.form_{which}"), save)
    add_lines(form, "words", text("settings.words_label"), sorted(words))
    return form


def add_lines(form: Form, name: str, label: str, lines: Iterable[str]) -> None:
    """Add a field with an entry a line. InputError `words_too_long`: no form holds so many."""
    shown = "\n".join(lines)
    if len(shown) > MAX_FORM:
        raise InputError("words_too_long", limit=MAX_FORM)
    form.add(
        name,
        label,
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=MAX_FORM,
        default=shown or None,
    )


def edited(shown: frozenset[str], typed: str) -> Callable[[frozenset[str]], frozenset[str]]:
    """Apply the editor's changes to the current words, so that simultaneous changes by others
    remain. InputError as in `bot.moderation.words`."""
    wanted = parse_words(typed)
    added, removed = wanted - shown, shown - wanted
    return lambda current: (current | added) - removed


def limits_form(rows: Iterable[Setting], limits: LimitSet, bounds: LimitSet, role_id: int) -> Form:
    """Some limits of a role, at most `bounds`; an empty field is not set. InputError
    `not_a_number`, `role_gone`."""

    async def save(interaction: Interaction, form: Form) -> None:
        typed = {
            name: (_pixels if name == "max_pixels" else _whole)(field.value.strip())
            for name, field in form.typed.items()
        }
        actor, guild = manager_of(interaction), interaction.guild
        if guild is None or guild.get_role(role_id) is None:
            raise InputError("role_gone")
        await hold(interaction)
        await interaction.client.services.servers.change_limits(
            actor, role_id=role_id, change=lambda made: replace(made, **typed)
        )
        await show_page(interaction, "limits", role_id=role_id)

    form = Form(text("settings.limits_title"), save)
    for row in rows:
        value: int | None = getattr(limits, row.name)
        most: int | None = getattr(bounds, row.name)
        form.add(
            row.name,
            text(f"settings.ask_{row.key}"),
            required=False,
            max_length=20,
            placeholder=text("settings.empty_not_set"),
            default=None if value is None else limit_shown(row, value),
            about=None if most is None else text("settings.bound", value=limit_said(row, most)),
        )
    return form


def number_form(row: Setting, settings: GuildSettings) -> Form:
    """One whole number."""

    async def save(interaction: Interaction, form: Form) -> None:
        number = _whole(form.typed["number"].value.strip())
        if number is None:
            raise InputError("not_a_number", value="")
        await set_values(interaction, row.page, **{row.name: number})

    form = Form(text(f"settings.form_{row.key}"), save)
    form.add(
        "number",
        text(f"settings.{row.key}_label", low=row.low, high=row.high),
        max_length=6,
        default=str(getattr(settings, row.name)),
    )
    return form


def text_form(row: Setting, settings: GuildSettings) -> Form:
    """The server's negative prompt; empty text removes it."""

    async def save(interaction: Interaction, form: Form) -> None:
        actor = manager_of(interaction)
        await hold(interaction)
        typed = form.typed[row.name].value
        await interaction.client.services.servers.set_negative_prompt(actor, typed)
        await show_page(interaction, row.page)

    form = Form(text(f"settings.{row.title}"), save)
    form.add(
        row.name,
        text(f"settings.{row.key}_label"),
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=row.high,
        default=getattr(settings, row.name) or None,
    )
    return form


def _whole(typed: str) -> int | None:
    """A whole number, None if nothing is typed. InputError `not_a_number`."""
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
