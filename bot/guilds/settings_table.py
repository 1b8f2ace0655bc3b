"""The table of a server's settings in docs/moderation.md, generated from their declaration by
`python -m bot.guilds.settings_table docs/moderation.md`.
"""

import sys
from pathlib import Path
from typing import Final, get_args

from data.guilds.server_settings import SETTINGS, Page, Setting
from data.shipped.text import languages, text
from pipeline.card import Speed
from pipeline.rating import Rating

_PAGES: Final[tuple[Page, ...]] = get_args(Page)
_MARKS: Final = "<!-- settings -->\n", "\n<!-- /settings -->"
_CHANNELS: Final = {
    "text": "a text channel",
    "gallery": "a text channel or forum",
    "drawing": "channels",
}


def settings_table() -> str:
    """Each setting, by the page that changes it: its name there, default and allowed values."""
    shown = [row for row in SETTINGS.values() if row.control != "none"]
    lines = ["| page | setting | default | allowed |", "|---|---|---|---|"]
    for row in sorted(shown, key=lambda row: _PAGES.index(row.page)):
        page, name = text(f"settings.page_{row.page}"), text(f"settings.{row.title}")
        lines.append(f"| {page} | {name} | {_default(row)} | {_allowed(row)} |")
    return "\n".join(lines)


def _default(row: Setting) -> str:
    match row.default:
        case bool():
            return text("settings.on" if row.default else "settings.off")
        case int():
            return str(row.default)
        case _ if row.control in {"rating", "limit", "speed"}:
            return text("settings.not_set")
        case _ if row.control == "language":
            return text("settings.language_discord")
        case _:
            return text(f"settings.{row.empty}")


def _allowed(row: Setting) -> str:
    match row.control:
        case "channel" | "channels":
            return _CHANNELS[row.channels] + (
                " that is age-restricted" if row.age_restricted else ""
            )
        case "tags":
            return "tags of the gallery's forums"
        case "switch":
            return f"{text('settings.on')}, {text('settings.off')}"
        case "number":
            return text(f"settings.{row.key}_label", low=row.low, high=row.high)
        case "text":
            return f"text of up to {row.high} characters"
        case "limit":
            return f"{row.low} or more, up to the bot maximum; for each role"
        case "rating":
            return ", ".join(f"`{rating.label}`" for rating in Rating)
        case "speed":
            return ", ".join(f"`{speed}`" for speed in Speed)
        case "language":
            return ", ".join(text("language.name", locale=each) for each in sorted(languages()))
        case _:
            return "words, tags and phrases"


def in_page(page: str) -> str:
    """The text of docs/moderation.md with the table as it is now."""
    begin, end = _MARKS
    before, _, rest = page.partition(begin)
    return f"{before}{begin}{settings_table()}{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(in_page(path.read_text(encoding="utf-8")), encoding="utf-8")
