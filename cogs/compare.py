"""`/compare`: one seed drawn with several values of one option, on one labelled sheet."""

from functools import partial
from typing import Any, Final

from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from bot.library.people import MAX_PRESET_NAME
from cogs.common.choices import as_choices
from cogs.common.extension import extension
from cogs.common.places import asker_of, refuse_user_install
from cogs.drawing.options import takes, wanted
from cogs.drawing.submission import submit
from cogs.personal.presets import own_loras, own_speeds, several_presets
from data.shipped.text import text
from pipeline.compare import COMPARABLE, MAX_VALUES, NONE, comparison_of
from pipeline.request import OPTION, OPTIONS, GenerationRequest

_LEFT_OUT: Final = frozenset({"count", "character", "series", "tags", "strength"})
_OFFERED: Final = [each for each in OPTIONS if each.field not in _LEFT_OUT]
_ORDER: Final = ("prompt", "option", "values", "seed", "aspect", "negative_prompt", "saved")
_MAX_VALUES: Final = 300  # characters
_CHOICE: Final = 100  # characters, Discord

Values = app_commands.Range[str, 1, _MAX_VALUES]


class Compare(commands.Cog):
    """Comparisons."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot

    @app_commands.command(name="compare", description=text("compare.description"))
    @app_commands.describe(
        option=text("compare.option_option"),
        values=text("compare.option_values"),
        saved=text("imagine.option_saved"),
    )
    @app_commands.choices(
        option=[app_commands.Choice(name=each.name, value=each.name) for each in COMPARABLE]
    )
    @takes(_OFFERED, order=_ORDER, required=("prompt",))
    async def compare(
        self,
        interaction: Interaction,
        *,
        option: str,
        values: Values,
        saved: app_commands.Range[str, 1, MAX_PRESET_NAME] | None = None,
        **said: Any,
    ) -> None:
        refuse_user_install(interaction)
        # Clients may send a suggestion's name, including remarks, instead of its value.
        meant = partial(self.bot.services.suggestions.meant, user_id=interaction.user.id)
        texts = {
            name: meant(value).rstrip(" ,")
            for name, value in said.items()
            if value is not None and OPTION[name].kind is str
        }
        comparison = comparison_of(option, meant(values))
        request = GenerationRequest(**wanted(said | texts), compare=comparison.text)
        await submit(interaction, request, saved=saved)

    @compare.autocomplete("values")
    async def suggest_values(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Values of the chosen option, for the last piece."""
        chosen = str(getattr(interaction.namespace, "option", ""))
        option = next((each for each in COMPARABLE if each.name == chosen), None)
        if option is None:
            return []
        before, sign, last = typed.rpartition("|")
        if option.field == "lora":
            offered = [each.value for each in await own_loras(interaction, last.strip())]
        else:
            offered = list(option.choices)
        offered += [NONE] if option.field in {"lora", "style"} else []
        there = {each.strip().casefold() for each in before.split("|")}
        if len(there) >= MAX_VALUES:
            return []
        fitting = [
            f"{before}{sign} {each}".strip()
            for each in offered
            if each.casefold() not in there and last.strip().casefold() in each.casefold()
        ]
        return [app_commands.Choice(name=e, value=e) for e in fitting if len(e) <= _CHOICE][:25]

    @compare.autocomplete("prompt")
    @compare.autocomplete("negative_prompt")
    async def suggest_tags(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        suggestions = self.bot.services.suggestions
        return as_choices(await suggestions.prompt(typed, asker_of(interaction), beyond="form"))

    @compare.autocomplete("lora")
    async def suggest_loras(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await own_loras(interaction, typed)

    @compare.autocomplete("aspect")
    async def suggest_aspects(
        self,
        interaction: Interaction,  # noqa: ARG002 - discord.py's signature
        typed: str,
    ) -> list[app_commands.Choice[str]]:
        return as_choices(self.bot.services.suggestions.aspects(typed))

    compare.autocomplete("speed")(own_speeds)
    compare.autocomplete("saved")(several_presets)


setup = extension(Compare)
