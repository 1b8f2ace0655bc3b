"""`/imagine` and its forms. The cog starts the worker on load and stops it on unload."""

from dataclasses import replace
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from bot.jobs.keep.uploads import MAX_UPLOAD_BYTES
from bot.library.people import MAX_PRESET_NAME
from bot.library.suggestions import Suggestions
from cogs.common.attachments import Downloads, check_announced
from cogs.common.choices import as_choices
from cogs.common.extension import extension
from cogs.common.places import asker_of, refuse_user_install
from cogs.drawing.cancel import CancelButton
from cogs.drawing.drafts import draft_of, refuse
from cogs.drawing.options import pick, takes, wanted
from cogs.drawing.presenters import Presenters
from cogs.drawing.prompt_form import Layout, PartsModal, PromptModal
from cogs.drawing.submission import submit
from cogs.personal.presets import own_loras, own_speeds, several_presets
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.errors import InputError
from pipeline.prompt.assemble import typed_text
from pipeline.request import OPTION, OPTIONS, GenerationRequest

ORDER = (
    "prompt", "aspect", "count", "negative_prompt", "tags", "lora", "character", "series", "saved",
    "image", "strength", "speed", "faces", "seed", "preset", "style", "rating", "private",
)  # fmt: skip
"""The most used options first; Discord lists them in this order."""

TYPED = ("character", "series", "tags")
ASKED_IN_FORM = {"prompt", "negative_prompt"}
FORM_OPTIONS = [each for each in OPTIONS if each.field not in ASKED_IN_FORM]
PARTS_OPTIONS = [each for each in FORM_OPTIONS if each.field != "strength"]  # there is no image
LAYOUTS = [
    app_commands.Choice(name=text(f"parts.{each.value}"), value=each.value) for each in Layout
]

DOWNLOAD_S = 60.0  # of an init image; Discord shows "thinking" meanwhile


class Inference(commands.Cog):
    """Options in, messages out."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._presenters = Presenters(bot)
        self.downloads = Downloads()
        self._earlier: list[JobRecord] = []  # of the run before this one, not shown yet

    @property
    def _suggestions(self) -> Suggestions:
        return self.bot.services.suggestions

    async def cog_load(self) -> None:
        jobs = self.bot.services.jobs
        self._presenters.enter_sender()
        self.bot.presenters = self._presenters
        await self.bot.services.sharing.start(jobs.runner)
        await jobs.start()
        if self.bot.services.hosts is not None:
            await self.bot.services.hosts.start()
        self._earlier = await jobs.to_present()  # before any interaction of this run can arrive

    async def cog_unload(self) -> None:
        self.bot.presenters = None  # for new jobs; those being accepted keep their reference
        await self.bot.services.sharing.stop()
        await self.bot.services.jobs.stop()
        await self._presenters.stop()

    @commands.Cog.listener("on_shard_ready")
    async def resume(self, shard_id: int) -> None:
        """Show what the run before this one left in the servers of a shard."""
        waiting, self._earlier = self._earlier, []
        for job in waiting:
            due = self.bot.shard_of(job.guild_id) == shard_id
            self._presenters.resume([job]) if due else self._earlier.append(job)

    @app_commands.command(name="imagine", description=text("imagine.description"))
    @app_commands.describe(image=text("imagine.option_image"), saved=text("imagine.option_saved"))
    @takes(OPTIONS, order=ORDER, required=("prompt",))
    async def imagine(
        self,
        interaction: Interaction,
        *,
        image: discord.Attachment | None = None,
        saved: app_commands.Range[str, 1, MAX_PRESET_NAME] | None = None,
        **said: Any,
    ) -> None:
        request = self._request(interaction, said)
        if image is None and request.strength is not None:
            seen = "private" if request.private else "public"
            error = InputError("strength_without_image")
            await refuse(interaction, error, draft_of(request), seen=seen, saved=saved)
            return
        await self._submit(interaction, request, image=image, saved=saved)

    @app_commands.command(name="imagine-form", description=text("imagine.description_form"))
    @app_commands.describe(image=text("imagine.option_image"), saved=text("imagine.option_saved"))
    @takes(FORM_OPTIONS, order=ORDER)
    async def imagine_form(
        self,
        interaction: Interaction,
        *,
        image: discord.Attachment | None = None,
        saved: app_commands.Range[str, 1, MAX_PRESET_NAME] | None = None,
        **said: Any,
    ) -> None:
        request = self._request(interaction, said)
        if image is not None:
            check_announced(image, limit_bytes=MAX_UPLOAD_BYTES)
        elif request.strength is not None:
            raise InputError("strength_without_image")
        may_be_empty = any(said[name] for name in TYPED) or await self._has_prompt(
            interaction, saved
        )
        send = partial(self._submit, image=image, saved=saved)
        form = PromptModal(request, send, prompt_required=not may_be_empty)
        await interaction.response.send_modal(form)

    @app_commands.command(name="imagine-parts", description=text("parts.description"))
    @app_commands.describe(layout=text("parts.option_layout"))
    @app_commands.choices(layout=LAYOUTS)
    @takes(PARTS_OPTIONS, order=("layout", *ORDER))
    async def imagine_parts(self, interaction: Interaction, *, layout: str, **said: Any) -> None:
        chosen = pick(Layout, layout)
        assert chosen is not None, "required"
        request = self._request(interaction, said)
        send = partial(self._submit, image=None, saved=None)
        await interaction.response.send_modal(PartsModal(request, send, chosen))

    def _request(self, interaction: Interaction, said: dict[str, Any]) -> GenerationRequest:
        """The request that the options describe. Raises InputError or RefusedError."""
        refuse_user_install(interaction)
        # Clients may send a suggestion's name, including remarks, instead of its value.
        meant = partial(self.bot.services.suggestions.meant, user_id=interaction.user.id)
        texts = {
            name: meant(value).rstrip(" ,")  # the end is ready for another tag
            for name, value in said.items()
            if value is not None and OPTION[name].kind is str
        }
        return GenerationRequest(**wanted(said | texts))

    async def _submit(
        self,
        interaction: Interaction,
        request: GenerationRequest,
        *,
        image: discord.Attachment | None,
        saved: str | None,
    ) -> None:
        prepare = None if image is None else partial(self._with_image, image)
        await submit(interaction, request, saved=saved, prepare=prepare)

    async def _has_prompt(self, interaction: Interaction, saved: str | None) -> bool:
        """Whether the presets `saved` say what to draw. RefusedError: there is no such."""
        presets = await self.bot.services.people.chosen_presets(interaction.user.id, saved)
        return any(typed_text(each.request) for each in presets)

    async def _with_image(
        self, image: discord.Attachment, request: GenerationRequest
    ) -> GenerationRequest:
        """The request starting from `image`, once that is downloaded and stored."""
        data = await self.downloads.fetch(image, timeout_s=DOWNLOAD_S)
        upload = await self.bot.services.jobs.put_upload(data)
        return replace(request, init_picture=upload.content_hash)

    @imagine.autocomplete("prompt")
    async def suggest_prompts(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        self._keep_others(interaction)
        asker = asker_of(interaction)
        found = await self.bot.services.lora_choices.in_prompt(typed, asker)
        if found is None:
            wildcards = self.bot.services.wildcards
            found = await wildcards.in_prompt(typed, interaction.guild_id)
        if found is None:
            found = await self._suggestions.prompt(typed, asker, beyond="tags")
        return as_choices(found)

    @imagine.autocomplete("negative_prompt")
    @imagine.autocomplete("tags")
    @imagine_form.autocomplete("tags")
    @imagine_parts.autocomplete("tags")
    async def suggest_tags(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        self._keep_others(interaction)
        found = await self._suggestions.prompt(typed, asker_of(interaction), beyond="form")
        return as_choices(found)

    def _keep_others(self, interaction: Interaction) -> None:
        others = [each for each in vars(interaction.namespace).values() if isinstance(each, str)]
        self._suggestions.keep(others, user_id=interaction.user.id)

    @imagine.autocomplete("character")
    @imagine_form.autocomplete("character")
    @imagine_parts.autocomplete("character")
    async def suggest_characters(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return as_choices(await self._suggestions.characters(typed, asker_of(interaction)))

    @imagine.autocomplete("series")
    @imagine_form.autocomplete("series")
    @imagine_parts.autocomplete("series")
    async def suggest_series(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return as_choices(await self._suggestions.series(typed, asker_of(interaction)))

    @imagine.autocomplete("lora")
    @imagine_form.autocomplete("lora")
    @imagine_parts.autocomplete("lora")
    async def suggest_loras(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await own_loras(interaction, typed)

    @imagine.autocomplete("aspect")
    @imagine_form.autocomplete("aspect")
    @imagine_parts.autocomplete("aspect")
    async def suggest_aspects(
        self,
        interaction: Interaction,  # noqa: ARG002 - discord.py's signature
        typed: str,
    ) -> list[app_commands.Choice[str]]:
        return as_choices(self._suggestions.aspects(typed))

    imagine.autocomplete("speed")(own_speeds)
    imagine_form.autocomplete("speed")(own_speeds)
    imagine_parts.autocomplete("speed")(own_speeds)
    imagine.autocomplete("saved")(several_presets)
    imagine_form.autocomplete("saved")(several_presets)


setup = extension(Inference, CancelButton)
