"""The list of blocks as an embed. Pure."""

from collections.abc import Sequence
from typing import Final

import discord

from cogs.common.audit_lines import until_text
from cogs.common.words import cut, quoted
from data.guilds.blocks import Block
from data.shipped.text import text

_SHOWN: Final = 25
_LINE: Final = 150  # characters: 25 lines fit into an embed


def blocks_embed(blocks: Sequence[Block]) -> discord.Embed:
    """The blocks in force, the newest first."""
    lines = [_line(block) for block in blocks[:_SHOWN]]
    if len(blocks) > _SHOWN:
        lines.append(text("moderate.blocks_more", more=len(blocks) - _SHOWN))
    return discord.Embed(
        title=text("moderate.blocks_title"),
        description="\n".join(lines) or text("moderate.blocks_none"),
    )


def _line(block: Block) -> str:
    server = block.subject == "guild"
    who = f"`{block.subject_id}`" if server else f"<@{block.subject_id}>"
    until = until_text(block.until)
    return cut(
        text("moderate.blocks_line", who=who, until=until, reason=quoted(block.reason, 60) or "-"),
        _LINE,
    )
