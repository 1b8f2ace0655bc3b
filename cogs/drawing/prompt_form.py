"""The form for long prompts, opened by `/imagine-form`."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import discord

from bot.client.client import EkakiBot
from cogs.common.forms import Form, give_back, typed_values
from data.shipped.text import text
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.request import GenerationRequest

Submit = Callable[[discord.Interaction[EkakiBot], GenerationRequest], Awaitable[None]]

_OPEN_FOR_S = 3600.0  # a person may write for long; discord.py then forgets the form


class PromptModal(Form):
    """Asks for prompt and negative prompt; the other options are those of the command.

    `prompt_required` is False where a preset or another option says what to draw.
    """

    def __init__(
        self, request: GenerationRequest, submit: Submit, *, prompt_required: bool = True
    ) -> None:
        super().__init__(title=text("imagine.modal_title"), timeout=_OPEN_FOR_S)
        self._request = request
        self._submit = submit
        self._prompt = _input("modal_prompt", required=prompt_required)
        self._negative = _input("modal_negative", required=False)
        if request.prompt:
            self._prompt.default = request.prompt
        self.add_item(_labelled("modal_prompt", self._prompt))
        self.add_item(_labelled("modal_negative", self._negative))

    async def on_submit(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: discord.Interaction[EkakiBot], /
    ) -> None:
        request = replace(
            self._request, prompt=self._prompt.value, negative_prompt=self._negative.value
        )
        await self._submit(interaction, request)

    async def on_error(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: discord.Interaction[EkakiBot], error: Exception, /
    ) -> None:
        await super().on_error(interaction, error)
        await give_back(interaction, typed_values(interaction))


def _input(custom_id: str, *, required: bool) -> "discord.ui.TextInput[PromptModal]":
    return discord.ui.TextInput(
        style=discord.TextStyle.paragraph,
        custom_id=custom_id,
        required=required,
        max_length=MAX_PROMPT_CHARACTERS,
        placeholder=text(f"imagine.{custom_id}_placeholder"),
    )


def _labelled(
    key: str, component: "discord.ui.TextInput[PromptModal]"
) -> "discord.ui.Label[PromptModal]":
    return discord.ui.Label(text=text(f"imagine.{key}"), component=component)
