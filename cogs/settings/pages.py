"""The pages of the settings panel: what is set, in words, under menus and buttons that change it
(`cogs.settings.items`).
"""

import discord

from cogs.common.audit_lines import refusal_line
from cogs.common.messages import Outgoing
from cogs.common.words import cut, listed
from cogs.settings.facts import Facts
from cogs.settings.items import (
    Item,
    Page,
    button,
    channel_menu,
    language_menu,
    language_name,
    page_menu,
    rating_menu,
    role_menu,
    tags_menu,
)
from data.guilds.server_settings import LIMIT_NAMES, LimitSet
from data.shipped.text import text
from pipeline.rating import Rating


def panel(page: Page, facts: Facts) -> Outgoing:
    """A page of the panel."""
    embed = discord.Embed(title=text(f"settings.page_{page}"))
    embed.description = text(f"settings.about_{page}")
    build = {
        "here": _here,
        "ratings": _ratings,
        "channels": _channels,
        "words": _words,
        "limits": _limits,
        "gallery": _gallery,
        "setup": _setup,
        "tags": _tags,
    }[page]
    items = build(embed, facts)
    view = discord.ui.View(timeout=None)
    for item in items if page == "setup" else [page_menu(page), *items]:
        view.add_item(item)
    view.stop()  # presses are found by their `custom_id`: discord.py need not remember the view
    return Outgoing(embeds=(embed,), view=view)


def _field(embed: discord.Embed, key: str, value: str) -> None:
    shown = value if len(value) <= 1024 else value[:1023] + "…"
    embed.add_field(name=text(f"settings.{key}"), value=shown, inline=False)


# -- this channel


def _here(embed: discord.Embed, facts: Facts) -> list[Item]:
    """The rules that hold in this channel, and why."""
    settings, ratings = facts.settings, facts.ratings
    embed.title = text("settings.here_title", channel=f"#{_name(facts)}")
    why = text(f"ceiling.{facts.ceiling.reason}")
    highest = text("settings.up_to", rating=facts.ceiling.rating.label, why=why)
    usual = min(ratings.default or Rating.SAFE, facts.ceiling.rating)
    allowed = not settings.allowed_channels or facts.channel_id in settings.allowed_channels
    _field(embed, "ratings", f"{highest}\n{text('settings.usual', rating=usual.label)}")
    _field(embed, "drawing", text("settings.drawing_yes" if allowed else "settings.drawing_no"))
    _field(embed, "words", _word_count(facts))
    _field(embed, "limits", limits_line(facts.limits.get(facts.guild.id, LimitSet())))
    _field(embed, "log_channel", _log(facts))
    _field(embed, "permissions", permissions_text(facts))
    _refusals(embed, facts)
    _field(embed, "language", language_name(settings.language))
    return [button("go", "setup", row=1), language_menu(settings.language, row=2)]


def _name(facts: Facts) -> str:
    channel = facts.guild.get_channel(facts.channel_id)
    return str(facts.channel_id) if channel is None else channel.name


def _word_count(facts: Facts) -> str:
    return text(
        "settings.word_count", blocked=len(facts.words.blocked), allowed=len(facts.words.allowed)
    )


def _log(facts: Facts) -> str:
    shown = facts.mention(facts.settings.log_channel_id)
    return f"{shown}\n{text('settings.kept', days=facts.settings.retention_days)}"


def permissions_text(facts: Facts) -> str:
    """What the bot lacks, a line each channel."""
    lines = [
        text(
            "settings.missing",
            channel=facts.mention(channel_id),
            permissions=listed(text(f"permissions.{name}") for name in names),
        )
        for channel_id, names in facts.missing.items()
    ]
    return "\n".join(lines) or text("settings.nothing_missing")


# -- ratings


def _ratings(embed: discord.Embed, facts: Facts) -> list[Item]:
    made = {
        "guild_ceiling": facts.ratings.guild_ceiling,
        "guild_default": facts.ratings.guild_default,
        "channel_ceiling": facts.ratings.channel_ceiling,
        "channel_default": facts.ratings.channel_default,
    }
    for name, rating in made.items():
        _field(embed, name, text("settings.not_set") if rating is None else f"`{rating.label}`")
    why = text(f"ceiling.{facts.ceiling.reason}")
    _field(embed, "effective", text("settings.up_to", rating=facts.ceiling.rating.label, why=why))
    return [
        rating_menu(name, rating, page="ratings", row=row)
        for row, (name, rating) in enumerate(made.items(), 1)
    ]


# -- channels


def _channels(embed: discord.Embed, facts: Facts) -> list[Item]:
    settings = facts.settings
    _field(embed, "allowed_channels", _listed(facts, settings.allowed_channels))
    _field(embed, "log_channel", _log(facts))
    review = facts.mention(settings.review_channel_id)
    state = text("settings.review_on" if settings.review else "settings.review_off")
    _field(embed, "review_channel", f"{review}\n{state}")
    _field(embed, "permissions", permissions_text(facts))
    return [
        channel_menu(facts, "allowed_channels", page="channels", row=1),
        channel_menu(facts, "log_channel_id", page="channels", row=2),
        channel_menu(facts, "review_channel_id", page="channels", row=3),
        button("toggle", "review", row=4),
        button("form", "retention", row=4),
    ]


def _listed(facts: Facts, ids: frozenset[int]) -> str:
    return listed(facts.mention(each) for each in sorted(ids)) or text("settings.all_channels")


# -- words


def _words(embed: discord.Embed, facts: Facts) -> list[Item]:
    for name in ("blocked", "allowed"):
        words: frozenset[str] = getattr(facts.words, name)
        shown = ", ".join(f"`{word}`" for word in sorted(words)[:60])
        _field(embed, f"words_{name}", shown or text("settings.no_words"))
    return [
        button("form", "blocked", row=1),
        button("form", "allowed", row=1),
        button("file", "blocked", row=2),
        button("file", "allowed", row=2),
    ]


# -- limits


def _limits(embed: discord.Embed, facts: Facts) -> list[Item]:
    """Everyone's, those of the roles that have their own, and a menu to choose one."""
    roles = {facts.guild.id: "@everyone"} | {
        role.id: role.name for role in facts.guild.roles if role.id in facts.limits
    }
    for role_id, name in list(roles.items())[:15]:
        shown = "@everyone" if role_id == facts.guild.id else f"@{name}"
        line = limits_line(facts.limits.get(role_id, LimitSet()))
        embed.add_field(name=cut(shown, 100), value=line, inline=False)
    chosen = facts.role_id
    subject = "@everyone" if chosen == facts.guild.id else f"<@&{chosen}>"
    _field(embed, "chosen_role", subject)
    return [
        role_menu(row=1),
        button("form", "amounts", role_id=chosen, row=2),
        button("form", "requests", role_id=chosen, row=2),
    ]


def limits_line(limits: LimitSet) -> str:
    """What is set, in one line."""
    made = [
        text(f"settings.limit_{name}", value=_limit(name, value))
        for name in LIMIT_NAMES
        if (value := getattr(limits, name)) is not None
    ]
    return cut(listed(made), 1000) or text("settings.no_limits")


def _limit(name: str, value: int) -> str:
    return megapixels(value) if name == "max_pixels" else str(value)


def megapixels(pixels: int) -> str:
    """`1.048576`: nothing is lost, so that a form which is sent back changes nothing."""
    return f"{pixels / 1e6:.6f}".rstrip("0").rstrip(".")


# -- gallery


def _gallery(embed: discord.Embed, facts: Facts) -> list[Item]:
    settings = facts.settings
    _field(embed, "gallery_channel", facts.mention(settings.gallery_channel_id))
    _field(embed, "gallery_adult_channel", facts.mention(settings.gallery_adult_channel_id))
    excluded = listed(facts.mention(each) for each in sorted(settings.gallery_excluded))
    _field(embed, "gallery_excluded", excluded or text("settings.none"))
    lines = [text("settings.threshold", stars=settings.gallery_threshold)]
    lines += [
        text("settings.flag", name=text(f"settings.toggle_{name}"), state=_yes(value))
        for name, value in (
            ("gallery_self_votes", settings.gallery_self_votes),
            ("gallery_approval", settings.gallery_approval),
            ("gallery_web", settings.gallery_web),
        )
    ]
    _field(embed, "gallery_rules", "\n".join(lines))
    if facts.forums:
        _field(embed, "gallery_tags", _tags_text(facts))
    _refusals(embed, facts)
    return [
        channel_menu(facts, "gallery_channel_id", page="gallery", row=1),
        channel_menu(facts, "gallery_adult_channel_id", page="gallery", row=2),
        channel_menu(facts, "gallery_excluded", page="gallery", row=3),
        button("form", "threshold", row=4),
        button("toggle", "gallery_self_votes", row=4),
        button("toggle", "gallery_approval", row=4),
        button("toggle", "gallery_web", row=4),
        *([button("go", "tags", row=4)] if facts.forums else []),
    ]


def _refusals(embed: discord.Embed, facts: Facts) -> None:
    """What Discord refuses, so that managers see why something is missing."""
    if facts.parked:
        _field(embed, "refused", "\n".join(refusal_line(item) for item in facts.parked))


# -- the tags of the gallery's forums


def _tags(embed: discord.Embed, facts: Facts) -> list[Item]:
    _field(embed, "gallery_tags", _tags_text(facts))
    return [tags_menu(facts, forum, row=row) for row, forum in enumerate(facts.forums, 1)]


def _tags_text(facts: Facts) -> str:
    lines: list[str] = []
    for forum in facts.forums:
        chosen = [tag.name for tag in facts.tags_of(forum) if tag.id in facts.settings.gallery_tags]
        shown = listed(f"`{name}`" for name in chosen) or text("settings.none")
        if facts.lacks_tags(forum):
            shown = text("settings.tags_required")
        lines.append(f"<#{forum.id}>: {shown}")
    return "\n".join(lines) or text("settings.none")


def _yes(value: bool) -> str:
    return text("words.yes" if value else "words.no")


# -- the first run


def _setup(embed: discord.Embed, facts: Facts) -> list[Item]:
    """Everything that a new server decides, on one page."""
    settings, ceiling = facts.settings, facts.ratings.guild_ceiling
    _field(embed, "allowed_channels", _listed(facts, settings.allowed_channels))
    shown = text("settings.not_set") if ceiling is None else f"`{ceiling.label}`"
    _field(embed, "guild_ceiling", shown)
    _field(embed, "gallery_channel", facts.mention(settings.gallery_channel_id))
    _field(embed, "log_channel", facts.mention(settings.log_channel_id))
    _field(embed, "permissions", permissions_text(facts))
    return [
        channel_menu(facts, "allowed_channels", page="setup", row=0),
        rating_menu("guild_ceiling", ceiling, page="setup", row=1),
        channel_menu(facts, "gallery_channel_id", page="setup", row=2),
        channel_menu(facts, "log_channel_id", page="setup", row=3),
        button("go", "done", row=4, style=discord.ButtonStyle.success),
    ]
