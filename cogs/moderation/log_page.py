"""`/moderate log` as a message: a page of entries, with buttons that turn it and a menu of kinds.

The buttons' `custom_id` says everything, so they work after a restart.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

import discord

from bot.guilds.moderators import LogPage
from cogs.common.audit_lines import kind_name, line
from cogs.common.lasting import Select, turn, view_of
from cogs.common.messages import Outgoing
from data.guilds.audit import AuditKind
from data.shipped.text import text

PAGE_SIZE: Final = 10
ALL: Final = "all"
_MAX_PAGE: Final = 99_999
_PLACE: Final = r"(?P<page>\d{1,5}):(?P<kind>[a-z_]{1,30}):(?P<user>\d{1,20})"
TEMPLATE: Final = rf"ekaki:(?P<whose>log|ownerlog):[no]:{_PLACE}"
MENU_TEMPLATE: Final = rf"ekaki:(?P<whose>log|ownerlog):m:{_PLACE}"
_BY_THE_OWNER: Final = (
    AuditKind.BLOCKED, AuditKind.UNBLOCKED, AuditKind.LIMITS_RESET, AuditKind.GRANTED,
    AuditKind.MAINTENANCE, AuditKind.PAUSED, AuditKind.RESUMED, AuditKind.ANNOUNCED,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlace:
    """A page (from 0) of the entries of a kind (ALL: of any) by or about a person (0: anybody).
    `owners`: of what the bot's owner did, instead of a server's log."""

    page: int = 0
    kind: str = ALL
    user_id: int = 0
    owners: bool = False

    @classmethod
    def parse(cls, match: re.Match[str]) -> "LogPlace":
        return cls(
            page=int(match["page"]),
            kind=match["kind"],
            user_id=int(match["user"]),
            owners=match["whose"] == "ownerlog",
        )

    def custom_id(self, role: str) -> str:
        """`role`: n(ewer), o(lder) or m(enu)."""
        whose = "ownerlog" if self.owners else "log"
        return f"ekaki:{whose}:{role}:{self.page}:{self.kind}:{self.user_id}"

    def turned(self, pages: int) -> "LogPlace":
        return replace(self, page=max(0, min(_MAX_PAGE, self.page + pages)))


def log_message(page: LogPage, place: LogPlace) -> Outgoing:
    """A page of the log."""
    embed = discord.Embed(
        title=text("audit.title_owner" if place.owners else "audit.title"),
        description="\n".join(map(line, page.entries)) or text("audit.empty"),
    )
    footer = "audit.page_owner" if place.owners else "audit.page"
    embed.set_footer(text=text(footer, page=place.page + 1))
    return Outgoing(embeds=(embed,), view=_view(page, place))


def _view(page: LogPage, place: LogPlace) -> discord.ui.View:
    shown = _BY_THE_OWNER if place.owners else tuple(AuditKind)
    kinds = [(ALL, text("audit.all_kinds")), *((kind, kind_name(kind)) for kind in shown)]
    menu = Select(
        custom_id=replace(place, page=0).custom_id("m"),
        options=[
            discord.SelectOption(label=label, value=kind, default=kind == place.kind)
            for kind, label in kinds
        ],
        row=0,
    )
    newer, older = place.turned(-1).custom_id("n"), place.turned(1).custom_id("o")
    return view_of([
        menu,
        turn("audit.newer", newer, row=1, usable=place.page > 0),
        turn("audit.older", older, row=1, usable=page.more),
    ])  # fmt: skip
