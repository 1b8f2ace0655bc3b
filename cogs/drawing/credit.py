"""Where a picture comes from, for its grey line: the source picture's owner, with a link."""

import logging
from typing import Final

from bot.client.client import EkakiBot
from cogs.common.words import listed, number, quoted
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.card import Speed
from pipeline.errors import RefusedError, StorageError
from pipeline.lora.use import LoraUse
from pipeline.prompt.assemble import typed_text

_MAX_NAME: Final = 40  # characters: three of them fit
_log = logging.getLogger(__name__)


async def credit_of(bot: EkakiBot, job: JobRecord) -> str:
    """`[Remixed](link) from @Alice`, `Upscaled`, `Redrawn in part`, `Finished, strength 0.5`, `From
    an image, strength 0.6`, or "", and the LoRAs: `LoRA ink 0.8 by Sumi`.

    A source that is private, deleted or from another place is not named, nor is the person
    themselves.
    """
    named = listed(_lora(bot, use) for use in job.request.own_loras)
    parts = (await _from(bot, job), named and text("credit.loras", names=named))
    return " · ".join(part for part in parts if part)


def _lora(bot: EkakiBot, use: LoraUse) -> str:
    """Its name and strength, and who made it if the library says so."""
    name = quoted(use.name, _MAX_NAME)
    entry = bot.services.loras.get(use.name)
    is_same = entry is not None and entry.digest == use.digest  # not another file of its name
    author = quoted(entry.author, _MAX_NAME) if entry is not None and is_same else ""
    key = "credit.lora_by" if author else "credit.lora"
    return text(key, name=name, strength=number(use.strength), author=author)


async def _from(bot: EkakiBot, job: JobRecord) -> str:
    source = await _source(bot, job)
    way = _way(job, source)
    if not way:
        return ""
    said = text(f"credit.{way}", strength=number(job.request.strength))
    shown = source if source is not None and _is_public_here(source, job) else None
    if shown is None:
        return "" if way in {"remixed", "rerolled"} else said
    by_another = shown.user_id != job.user_id
    if not by_another and way in {"remixed", "rerolled"}:
        return ""
    if shown.message_id is not None:
        channel = bot.get_partial_messageable(shown.channel_id, guild_id=shown.guild_id)
        said = f"[{said}](<{channel.get_partial_message(shown.message_id).jump_url}>)"
    return text("credit.of", what=said, user=f"<@{shown.user_id}>") if by_another else said


async def _source(bot: EkakiBot, job: JobRecord) -> JobRecord | None:
    source_id = job.request.original.source
    if source_id is None:
        return None
    try:
        source, _ = await bot.services.results.pictures_of(source_id)
    except RefusedError:  # deleted meanwhile
        return None
    except StorageError as error:
        _log.warning("What job %s was drawn from can't be read: %s", job.id, error)
        return None
    return source


def _way(job: JobRecord, source: JobRecord | None) -> str:
    request = job.request.original
    if request.upscale:
        return "upscaled"
    if request.source is None:
        return "image" if job.request.init_picture else ""
    if source is None:
        return ""
    if job.request.variation_strength or job.request.init_picture:
        of_a_picture = job.request.init_picture != source.request.init_picture
        if of_a_picture and source.request.speed is Speed.DRAFT is not job.request.speed:
            return "finished"
        varied = job.request.variation_strength != source.request.variation_strength
        if of_a_picture and (request.mask or request.extend):
            return "redrawn" if request.mask else "extended"
        if of_a_picture and request.only_faces:
            return "faces"
        if of_a_picture or varied:
            return "varied"
    same = typed_text(request) == typed_text(source.request.original)
    return "rerolled" if same else "remixed"


def _is_public_here(source: JobRecord, job: JobRecord) -> bool:
    return not source.private and source.guild_id is not None and source.guild_id == job.guild_id
