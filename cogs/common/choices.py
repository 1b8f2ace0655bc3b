"""Choices of autocompletion, as Discord takes them."""

from collections.abc import Sequence

from discord import app_commands

from bot.library.suggestions import Suggestion

MAX_CHOICES = 25  # Discord, of an autocompletion


MAX_CHOICE_CHARACTERS = 100  # Discord, of a choice's name and value


def as_choices(suggestions: Sequence[Suggestion]) -> list[app_commands.Choice[str]]:
    """Choices that Discord accepts: one that is empty, too long or duplicate would invalidate all
    of them. A value is never cut, because it replaces what was typed."""
    fitting = {
        _shortened(suggestion.name): suggestion.value
        for suggestion in suggestions
        if suggestion.name and 0 < len(suggestion.value) <= MAX_CHOICE_CHARACTERS
    }
    choices = [app_commands.Choice(name=name, value=value) for name, value in fitting.items()]
    return choices[:MAX_CHOICES]


def _shortened(name: str) -> str:
    if len(name) <= MAX_CHOICE_CHARACTERS:
        return name
    return "…" + name[1 - MAX_CHOICE_CHARACTERS :]
