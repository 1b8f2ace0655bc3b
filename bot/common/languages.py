"""Chooses languages: a person's by Discord's locale, a place's by its server."""

from collections.abc import Callable, Mapping
from typing import Any

import discord
from discord import app_commands
from discord.state import AutoShardedConnectionState

from bot.common.logs import about
from data.shipped.text import DEFAULT_LANGUAGE, language_of, speaking, translation

_COMMUNITY = "COMMUNITY"  # only such servers choose a language in Discord; the others report en-US


class ListeningState(AutoShardedConnectionState[Any]):
    """discord.py's state, which sets the language to that of the user of each interaction, and
    names its server in the log.

    All tasks that answer start here: of commands, autocompletion, buttons, forms and listeners.
    They inherit the language, so code that writes an answer need not set it. `arrived` hears of
    each interaction first.
    """

    def __init__(self, *, arrived: Callable[[Mapping[str, Any]], None], **options: Any) -> None:
        super().__init__(**options)
        self._arrived = arrived

    def parse_interaction_create(self, data: Any) -> None:
        self._arrived(data)
        with speaking(data.get("locale")), about(guild=data.get("guild_id")):
            super().parse_interaction_create(data)


class CatalogueTranslator(app_commands.Translator):
    """Provides the descriptions of commands and options, and the names of menus, by language.

    Names of commands and options stay English: help, answers and other members use them.
    """

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        language = language_of(locale.value)
        if language == DEFAULT_LANGUAGE or _is_typed(context):
            return None
        return translation(string.message, language)


def _is_typed(context: app_commands.TranslationContextTypes) -> bool:
    """Whether people type this name, as that of a command or an option."""
    match context.location:
        case app_commands.TranslationContextLocation.command_name:
            return not isinstance(context.data, app_commands.ContextMenu)
        case (
            app_commands.TranslationContextLocation.group_name
            | app_commands.TranslationContextLocation.parameter_name
        ):
            return True
        case _:
            return False


class ServerLanguages:
    """The language of what everybody on a server reads.

    In memory, because every text needs it; the choices are stored in `guild_settings`.
    """

    def __init__(self, chosen: Mapping[int, str]) -> None:
        self._chosen = dict(chosen)

    def choose(self, guild_id: int, language: str | None) -> None:
        """Record the `language` that a server's moderators chose; None: Discord's."""
        if language is None:
            self._chosen.pop(guild_id, None)
        else:
            self._chosen[guild_id] = language

    def public(self, interaction: discord.Interaction) -> str:
        """The locale of an answer that everybody in the place sees: what the server chose here or
        in Discord, otherwise that of the person who asked."""
        chosen = self._chosen.get(interaction.guild_id or 0)
        if chosen is not None:
            return chosen
        guild, locale = interaction.guild, interaction.guild_locale
        if guild is not None and locale is not None and _COMMUNITY in guild.features:
            return locale.value
        return interaction.locale.value

    def of(self, guild: discord.Guild | None) -> str:
        """The locale for what nobody asked for."""
        if guild is None:
            return DEFAULT_LANGUAGE
        return self._chosen.get(guild.id, guild.preferred_locale.value)
