"""The settings of a picture, to read and to copy. No IO."""

from collections.abc import Sequence
from importlib.metadata import version

import discord

from bot.common.sizes import pixels_label
from cogs.common.messages import Attachment, Outgoing
from cogs.common.words import code_block, quoted
from cogs.pictures.left_out import left_out_note
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.describe import describe
from pipeline.metadata.a1111_text import parameters_text
from pipeline.metadata.read import PictureMetadata
from pipeline.prompt.flags_line import settings_line
from pipeline.request import GenerationRequest

_FIELD = 1024  # characters of an embed's field, Discord
_NAME = 80  # characters of a field's name: Discord takes 256
_CODE = 3900  # characters of a code block: a description holds 4096
_EMBED = 4800  # characters of one embed: Discord takes 6000, a note on a stranger's file 1000
_TEXTS = frozenset({"prompt", "negative_prompt"})  # they are already in the code block


def own_settings(job: JobRecord, pictures: Sequence[PictureRecord]) -> Outgoing:
    """Everything about `job`, and the A1111 text of its first picture; of each, where choices
    or a comparison made them differ."""
    first = pictures[0]
    copied = "\n\n".join(
        parameters_text(
            job.request.single(each.position),
            index=job.request.index_in(each.position),
            model_name=each.model_name,
            model_hash=each.model_hash,
            version=f"Ekaki {version('ekaki')}",
        )
        for each in (pictures if job.request.chosen or job.request.compared else (first,))
    )
    shown = [(text(f"describe.{label}"), _in_words(label, value))
             for label, value in describe(job.request.single(first.position))
             if label not in _TEXTS]  # fmt: skip
    if job.request.original.compare is not None:
        shown.append((text("describe.compare"), job.request.original.compare))
    provider = first.provider.removesuffix("ExecutionProvider")
    made_by = f"{first.model_name} ({first.precision}, {provider}, {first.engine})"
    shown.append((text("results.made_by"), made_by))
    return _message(copied, shown)


def _in_words(label: str, value: str) -> str:
    """Values that are no input, in words: the size, and who sees the pictures."""
    if label == "size":
        return pixels_label(value)
    return text(f"describe.{value}") if label == "visibility" else value


def foreign_settings(found: PictureMetadata, request: GenerationRequest) -> Outgoing:
    """What a foreign file says, what of it can be requested here, and what can't."""
    parameters = found.parameters
    lines = [parameters.prompt]
    if parameters.negative_prompt:
        lines.append(f"Negative prompt: {parameters.negative_prompt}")
    shown = [*parameters.pairs.items()]
    line = settings_line(request)
    if line:
        lines.append(line)
    message = _message("\n".join(lines), shown)
    embed = message.embeds[0].set_footer(text=text("left_out.source", program=found.program.value))
    note = left_out_note(parameters, request)
    if note:
        embed.insert_field_at(0, name=text("left_out.title"), value=note, inline=False)
    return message


def _message(copied: str, shown: Sequence[tuple[str, str]]) -> Outgoing:
    """A code block to copy, or a file if it is too long, above a field for each pair."""
    block = code_block(copied)
    fits = len(block) <= _CODE
    embed = discord.Embed(
        title=text("results.settings_title"),
        description=block if fits else text("results.settings_file"),
    )
    for name, value in shown[:20]:
        label, entry = quoted(name, _NAME), quoted(value, _FIELD // 3)
        if label and entry and len(embed) + len(label) + len(entry) <= _EMBED:
            embed.add_field(name=label, value=entry)
    file = Attachment(name="settings.txt", content=copied.encode(), description="")
    return Outgoing(embeds=(embed,), attachments=() if fits else (file,))
