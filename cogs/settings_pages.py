"""The pages of the settings panel: what is set, in words, under menus and buttons that change it.

Each `custom_id` says what it changes (`ekaki:set:...`), so a panel works after a restart.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import discord

from cogs.messages import Outgoing
from cogs.settings_facts import Facts
from cogs.words import cut, listed
from data.guild_limits import LIMIT_NAMES, LimitSet
from data.text import languages, text
from pipeline.rating import Rating

Page = Literal["here", "ratings", "channels", "words", "limits", "gallery", "setup"]
PAGES: Final[tuple[Page, ...]] = (
    "here", "ratings", "channels", "words", "limits", "gallery", "setup",
)  # fmt: skip
NOT_SET: Final = "-"
LANGUAGE_ID: Final = "ekaki:set:language"
MAX_CHANNELS: Final = 25  # Discord, of one menu

Button: TypeAlias = "discord.ui.Button[discord.ui.View]"
Item: TypeAlias = "discord.ui.Item[discord.ui.View]"

TEXT_CHANNELS: Final = [discord.ChannelType.text, discord.ChannelType.news]
DRAWING_CHANNELS: Final = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
]
GALLERY_CHANNELS: Final = [discord.ChannelType.text, discord.ChannelType.forum]


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
    }[page]
    items = build(embed, facts)
    view = discord.ui.View(timeout=None)
    for item in items if page == "setup" else [_page_menu(page), *items]:
        view.add_item(item)
    view.stop()  # presses are found by their `custom_id`: discord.py need not remember the view
    return Outgoing(embeds=(embed,), view=view)


def _page_menu(page: Page) -> Item:
    return discord.ui.Select(
        custom_id="ekaki:set:page",
        options=[
            discord.SelectOption(
                label=text(f"settings.page_{each}"), value=each, default=each == page
            )
            for each in PAGES
        ],
        row=0,
    )


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
    _field(embed, "language", _language(settings.language))
    return [_button("go", "setup", row=1), _language_menu(settings.language, row=2)]


def _language(chosen: str | None) -> str:
    """By its own name, as those who read it know it."""
    known = chosen is not None and chosen in languages()
    return text("language.name", locale=chosen) if known else text("settings.language_discord")


def _language_menu(chosen: str | None, *, row: int) -> Item:
    return discord.ui.Select(
        custom_id=LANGUAGE_ID,
        options=[
            discord.SelectOption(
                label=cut(f"{text('settings.language')}: {_language(each)}", 100),
                value=each or NOT_SET,
                default=each == chosen,
            )
            for each in (None, *sorted(languages()))
        ],
        row=row,
    )


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
        _rating_menu(name, rating, page="ratings", row=row)
        for row, (name, rating) in enumerate(made.items(), 1)
    ]


def _rating_menu(name: str, rating: Rating | None, *, page: Page, row: int) -> Item:
    named = text(f"settings.{name}")
    options = [(NOT_SET, text("settings.not_set")), *((r.label, r.label) for r in Rating)]
    now = NOT_SET if rating is None else rating.label
    return discord.ui.Select(
        custom_id=f"ekaki:set:rating:{name}:{page}",
        options=[
            discord.SelectOption(
                label=cut(f"{named}: {label}", 100), value=value, default=value == now
            )
            for value, label in options
        ],
        row=row,
    )


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
        _channel_menu(facts, "allowed_channels", page="channels", row=1),
        _channel_menu(facts, "log_channel_id", page="channels", row=2),
        _channel_menu(facts, "review_channel_id", page="channels", row=3),
        _button("toggle", "review", row=4),
        _button("form", "retention", row=4),
    ]


def _listed(facts: Facts, ids: frozenset[int]) -> str:
    return listed(facts.mention(each) for each in sorted(ids)) or text("settings.all_channels")


def _channel_menu(facts: Facts, name: str, *, page: Page, row: int) -> Item:
    several = name in {"allowed_channels", "gallery_excluded"}
    made = getattr(facts.settings, name)
    ids: frozenset[int] = made if several else frozenset({made} if made else ())
    types = DRAWING_CHANNELS if several else TEXT_CHANNELS
    if name.startswith("gallery_") and not several:
        types = GALLERY_CHANNELS
    return discord.ui.ChannelSelect(
        custom_id=f"ekaki:set:channels:{name}:{page}",
        placeholder=text(f"settings.choose_{name}"),
        channel_types=types,
        min_values=0,
        max_values=MAX_CHANNELS if several else 1,
        default_values=[
            discord.SelectDefaultValue(id=each, type=discord.SelectDefaultValueType.channel)
            for each in facts.existing(ids)[:MAX_CHANNELS]
        ],
        row=row,
    )


# -- words


def _words(embed: discord.Embed, facts: Facts) -> list[Item]:
    for name in ("blocked", "allowed"):
        words: frozenset[str] = getattr(facts.words, name)
        shown = ", ".join(f"`{word}`" for word in sorted(words)[:60])
        _field(embed, f"words_{name}", shown or text("settings.no_words"))
    return [
        _button("form", "blocked", row=1),
        _button("form", "allowed", row=1),
        _button("file", "blocked", row=2),
        _button("file", "allowed", row=2),
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
    menu: discord.ui.RoleSelect[discord.ui.View] = discord.ui.RoleSelect(
        custom_id="ekaki:set:role",
        placeholder=text("settings.choose_role"),
        min_values=0,
        max_values=1,
        row=1,
    )
    return [
        menu,
        _button("form", "amounts", role_id=chosen, row=2),
        _button("form", "requests", role_id=chosen, row=2),
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
    return [
        _channel_menu(facts, "gallery_channel_id", page="gallery", row=1),
        _channel_menu(facts, "gallery_adult_channel_id", page="gallery", row=2),
        _channel_menu(facts, "gallery_excluded", page="gallery", row=3),
        _button("form", "threshold", row=4),
        _button("toggle", "gallery_self_votes", row=4),
        _button("toggle", "gallery_approval", row=4),
        _button("toggle", "gallery_web", row=4),
    ]


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
        _channel_menu(facts, "allowed_channels", page="setup", row=0),
        _rating_menu("guild_ceiling", ceiling, page="setup", row=1),
        _channel_menu(facts, "gallery_channel_id", page="setup", row=2),
        _channel_menu(facts, "log_channel_id", page="setup", row=3),
        _button("go", "done", row=4, style=discord.ButtonStyle.success),
    ]


def _button(
    deed: Literal["go", "toggle", "form", "file"],
    name: str,
    *,
    row: int,
    role_id: int = 0,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> Button:
    return discord.ui.Button(
        label=text(f"settings.{deed}_{name}"),
        custom_id=f"ekaki:set:{deed}:{name}:{role_id}",
        style=style,
        row=row,
    )


def pages_of(names: Sequence[str]) -> Page:
    """The page that a menu's values name."""
    found: list[Page] = [page for page in PAGES if page in names]
    return found[0] if found else "here"
