"""The forms for prompts, opened by `/imagine-form` and `/imagine-parts`."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum

import discord

from bot.client.client import EkakiBot
from cogs.common.forms import Form, give_back, typed_values
from data.shipped.text import text
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.prompt.typed_regions import join_regions
from pipeline.regions import Place
from pipeline.request import GenerationRequest

Submit = Callable[[discord.Interaction[EkakiBot], GenerationRequest], Awaitable[None]]

_OPEN_FOR_S = 3600.0  # a person may write for long; discord.py then forgets the form


class Layout(StrEnum):
    """How the parts of a picture lie."""

    TWO_BESIDE = "two_beside"
    THREE_BESIDE = "three_beside"
    TWO_STACKED = "two_stacked"
    THREE_STACKED = "three_stacked"

    @property
    def places(self) -> tuple[Place, ...]:
        """In their order."""
        first, last = (
            (Place.TOP, Place.BOTTOM)
            if self in {Layout.TWO_STACKED, Layout.THREE_STACKED}
            else (Place.LEFT, Place.RIGHT)
        )
        two = self in {Layout.TWO_BESIDE, Layout.TWO_STACKED}
        return (first, last) if two else (first, Place.CENTER, last)


class _AskingForm(Form):
    """Asks for texts; the other options are those of the command. Nothing typed is lost."""

    def __init__(self, request: GenerationRequest, submit: Submit) -> None:
        super().__init__(title=text("imagine.modal_title"), timeout=_OPEN_FOR_S)
        self._request = request
        self._submit = submit

    def add(self, custom_id: str, label: str, placeholder: str, *, required: bool) -> "_Input":
        """Another large text box; `label` and `placeholder` are keys of texts."""
        box: _Input = discord.ui.TextInput(
            style=discord.TextStyle.paragraph,
            custom_id=custom_id,
            required=required,
            max_length=MAX_PROMPT_CHARACTERS,
            placeholder=text(placeholder),
        )
        self.add_item(discord.ui.Label(text=text(label), component=box))
        return box

    def add_negative(self) -> "_Input":
        return self.add(
            "modal_negative",
            "imagine.modal_negative",
            "imagine.modal_negative_placeholder",
            required=False,
        )

    async def on_error(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: discord.Interaction[EkakiBot], error: Exception, /
    ) -> None:
        await super().on_error(interaction, error)
        await give_back(interaction, typed_values(interaction))


_Input = discord.ui.TextInput[_AskingForm]


class PromptModal(_AskingForm):
    """Asks for prompt and negative prompt.

    `prompt_required` is False where a preset or another option says what to draw.
    """

    def __init__(
        self, request: GenerationRequest, submit: Submit, *, prompt_required: bool = True
    ) -> None:
        super().__init__(request, submit)
        self._prompt = self.add(
            "modal_prompt",
            "imagine.modal_prompt",
            "imagine.modal_prompt_placeholder",
            required=prompt_required,
        )
        if request.prompt:
            self._prompt.default = request.prompt
        self._negative = self.add_negative()

    async def on_submit(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: discord.Interaction[EkakiBot], /
    ) -> None:
        request = replace(
            self._request, prompt=self._prompt.value, negative_prompt=self._negative.value
        )
        await self._submit(interaction, request)


class PartsModal(_AskingForm):
    """Asks for what is in the whole picture, and for each part."""

    def __init__(self, request: GenerationRequest, submit: Submit, layout: Layout) -> None:
        super().__init__(request, submit)
        self._common = self.add("common", "parts.common", "parts.common_example", required=False)
        self._parts = {
            place: self.add(place, f"parts.{place}", f"parts.{place}_example", required=True)
            for place in layout.places
        }
        self._negative = self.add_negative()

    async def on_submit(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: discord.Interaction[EkakiBot], /
    ) -> None:
        parts = {place: box.value for place, box in self._parts.items()}
        request = replace(
            self._request,
            prompt=join_regions(self._common.value, parts),
            negative_prompt=self._negative.value,
        )
        await self._submit(interaction, request)
