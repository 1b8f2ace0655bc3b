"""`/settings` as those who manage a server use it, and what it shows and changes."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import groupby

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import RefusedByClient
from bot.playground.simulator.permissions import EMBED_LINKS
from data.guilds import audit
from data.guilds.audit import AuditEntry
from data.guilds.server_settings import GuildSettings, LimitSet, Setting, settings_by
from data.shipped.text import text
from pipeline.rating import Rating
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.patience import until
from tests.support.views import MessageView


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


@pytest.fixture
def owner(place: Discord) -> Visitor:
    return Visitor(place, IDS.owner)


async def settings(running: Running) -> GuildSettings:
    return await running.services.servers.settings(IDS.guild)


async def changes(running: Running) -> list[tuple[object, object, object]]:
    """(setting, old, new) of all changes, the oldest first."""
    async with running.services.database.reader() as reader:
        found: list[AuditEntry] = await audit.page(
            reader, guild_id=IDS.guild, kinds=["setting_changed"], offset=0, limit=100
        )
    return [(e.details["setting"], e.details["old"], e.details["new"]) for e in found[::-1]]


async def choose(visitor: Visitor, panel: MessageView, menu: str, *values: object) -> MessageView:
    """Use the menu whose `custom_id` begins so; the panel as it is then."""
    (found,) = [m for m in panel.selects if m["custom_id"].startswith(f"ekaki:set:{menu}")]
    sent = await visitor.member.select(panel, found["custom_id"], [str(each) for each in values])
    if sent.message is not None and sent.message.id != panel.id:
        return sent.message  # a refusal
    if sent.followups:
        return sent.followups[-1]
    return visitor.member.message(panel.id)


async def says(visitor: Visitor, panel: MessageView, label: str) -> None:
    """Until a button of the panel says so."""
    await until(lambda: label in labels(visitor.member.message(panel.id)))


async def opened(visitor: Visitor, page: str, *, channel: int = IDS.general) -> MessageView:
    panel = await visitor.answer("settings", channel=channel)
    if panel.buttons and panel.buttons[-1].get("custom_id") == "ekaki:set:go:done:0":
        await visitor.member.press(panel, "Done")
        panel = visitor.member.message(panel.id)
    return await choose(visitor, panel, "page", page)


async def test_a_new_server_is_led_through_the_first_steps(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await moderator.answer("settings")
    assert panel.ephemeral
    assert "First steps" in panel.text
    assert "Nothing is missing" in panel.text
    panel = await choose(moderator, panel, "channel:allowed", IDS.general, IDS.art)
    panel = await choose(moderator, panel, "rating:guild_ceiling", "sensitive")
    panel = await choose(moderator, panel, "channel:gallery_channel", IDS.gallery)
    panel = await choose(moderator, panel, "channel:log", IDS.art)
    assert f"<#{IDS.general}>" in panel.text
    assert "`sensitive`" in panel.text
    await moderator.member.press(panel, "Done")
    await until(lambda: "The rules of #general" in moderator.member.message(panel.id).text)
    panel = moderator.member.message(panel.id)
    assert "Up to `sensitive`" in panel.text
    made = await settings(running)
    assert made.set_up
    assert made.allowed_channels == {IDS.general, IDS.art}
    assert (made.gallery_channel_id, made.log_channel_id) == (IDS.gallery, IDS.art)
    again = await moderator.answer("settings")
    assert "First steps on this server" not in again.text
    assert [name for name, *_ in await changes(running)] == [
        "allowed_channels", "guild_ceiling", "gallery_channel_id", "log_channel_id", "set_up",
    ]  # fmt: skip


async def test_missing_permissions_are_named_by_channel(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    place.world.channel(IDS.gallery).overwrites = [
        {"id": str(IDS.bot_role), "type": 0, "allow": "0", "deny": str(EMBED_LINKS)}
    ]
    place.loopback.changes.set_age_restricted(IDS.gallery, on=False)  # tells the bot of both
    panel = await moderator.answer("settings")
    panel = await choose(moderator, panel, "channel:gallery_channel", IDS.gallery)
    assert f"<#{IDS.gallery}>: missing Embed Links" in panel.text


async def test_the_panel_says_what_holds_here_and_why(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await opened(moderator, "here")
    assert "Up to `safe`: no moderator has allowed more here" in panel.text
    panel = await choose(moderator, panel, "page", "ratings")
    panel = await choose(moderator, panel, "rating:guild_ceiling", "explicit")
    assert "Up to `sensitive`: this channel is not age-restricted" in panel.text
    panel = await choose(moderator, panel, "rating:channel_ceiling", "safe")
    assert "Up to `safe`: this channel's setting" in panel.text
    panel = await choose(moderator, panel, "rating:channel_ceiling", "-")
    panel = await choose(moderator, panel, "rating:guild_default", "sensitive")
    panel = await choose(moderator, panel, "page", "here")
    assert "names no rating gets `sensitive`" in panel.text
    assert ("channel_ceiling", None, "safe") in await changes(running)
    assert ("channel_ceiling", "safe", None) in await changes(running)


async def test_defaults_and_ceilings_reach_imagine(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    panel = await opened(moderator, "ratings")
    await choose(moderator, panel, "rating:guild_ceiling", "sensitive")
    await choose(moderator, panel, "rating:guild_default", "sensitive")
    job = await alice.draw(running, "1girl")
    assert job.rating is Rating.SENSITIVE
    assert "sensitive" in job.request.prompt
    assert "nsfw" in job.request.negative_prompt
    panel = await opened(moderator, "ratings", channel=IDS.thread)  # counts as its channel
    await choose(moderator, panel, "rating:channel_ceiling", "safe")
    refused = await alice.answer("imagine", channel=IDS.art, prompt="1girl", rating="sensitive")
    assert "`safe` at most" in refused.text


async def test_panels_of_before_a_restart_work(place: Discord, moderator: Visitor) -> None:
    async with open_bot(place):
        panel = await opened(moderator, "channels")
    async with open_bot(place) as running:
        await choose(moderator, panel, "channel:log", IDS.art)
        await moderator.member.press(panel, "Review: off")
        assert (await settings(running)).log_channel_id == IDS.art
        panel = await choose(moderator, panel, "channel:log", IDS.art)  # once more
        assert (await settings(running)).log_channel_id is None


async def test_who_may_not_manage_the_server_changes_nothing(
    place: Discord, running: Running, moderator: Visitor, alice: Visitor
) -> None:
    with pytest.raises(RefusedByClient):
        await alice.answer("settings")
    panel = await opened(moderator, "ratings")
    before = await changes(running)
    place.loopback.changes.set_roles(IDS.guild, IDS.moderator, [])  # in the middle
    refused = await choose(moderator, panel, "rating:guild_ceiling", "explicit")
    assert "may manage this server" in refused.text
    refused = await choose(moderator, panel, "page", "words")
    assert "may manage this server" in refused.text
    assert await changes(running) == before


async def test_a_form_of_somebody_who_lost_the_role_meanwhile_changes_nothing(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await opened(moderator, "words")
    form = await moderator.member.press(panel, "ekaki:set:form:blocked")
    place.loopback.changes.set_roles(IDS.guild, IDS.moderator, [])
    sent = await moderator.member.submit_modal(form, {"words": "spider"})
    assert "may manage this server" in sent.text
    assert not (await running.services.servers.words(IDS.guild)).blocked


async def test_words_are_edited_in_a_form_and_two_editors_keep_each_others(
    running: Running, moderator: Visitor, owner: Visitor, alice: Visitor
) -> None:
    panels = [await opened(each, "words") for each in (moderator, owner)]
    forms = [
        await each.member.press(panel, "ekaki:set:form:blocked")
        for each, panel in zip((moderator, owner), panels, strict=True)
    ]
    await moderator.member.submit_modal(forms[0], {"words": "Spider\ngore, blood"})
    await owner.member.submit_modal(forms[1], {"words": "snake"})
    words = await running.services.servers.words(IDS.guild)
    assert words.blocked == {"spider", "gore", "blood", "snake"}
    allowed = await moderator.member.press(panels[0], "ekaki:set:form:allowed")
    await moderator.member.submit_modal(allowed, {"words": "spider lily"})
    panel = moderator.member.message(panels[0].id)
    assert "`spider lily`" in panel.text
    assert "do not allow `snake`" in (await alice.imagine("1girl, snake")).text
    assert "not allow" not in (await alice.imagine("1girl, spider lily")).text
    log = await moderator.answer("moderate log", kind="words_changed")
    assert "spider" in log.text


async def test_a_word_is_blocked_from_the_first_page(running: Running, moderator: Visitor) -> None:
    panel = await opened(moderator, "here")
    form = await moderator.member.press(panel, "Blocked words and tags: 0")
    await moderator.member.submit_modal(form, {"words": "spider"})
    await says(moderator, panel, "Blocked words and tags: 1")
    assert (await running.services.servers.words(IDS.guild)).blocked == {"spider"}


async def test_a_list_comes_and_goes_as_a_file(running: Running, moderator: Visitor) -> None:
    text = "# ours\nSpider\n" + "\n".join(
        f"bad{a}{b}{'x' * 10}" for a in "abcdefghijklm" for b in "abcdefghijklmnopqrstuvwxyz"
    )
    taken = await moderator.answer("settings", file=("words.txt", text.encode("utf-8-sig")))
    assert "339 words" in taken.text
    panel = await opened(moderator, "words")
    too_long = await whole(await moderator.member.press(panel, "ekaki:set:form:blocked"))
    assert "too long for a form" in too_long.text
    sent = await whole(await moderator.member.press(panel, "ekaki:set:file:blocked"))
    (file,) = sent.attachments
    assert file.data.decode().splitlines()[-1] == "spider"
    replaced = await moderator.answer("settings", file=("words.txt", b"gore"), words="allowed")
    assert "Exceptions: 1 word." in replaced.text
    assert len((await running.services.servers.words(IDS.guild)).blocked) == 339


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00g", "not a text file"),
        (b"fine\n69\n", "no letter"),
        (b"x" * 101, "at most 100"),
        (b"x" * (2**20 + 1), "too large"),
    ],
)
async def test_a_file_that_can_not_be_used_changes_nothing(
    running: Running, moderator: Visitor, content: bytes, words: str
) -> None:
    await moderator.answer("settings", file=("words.txt", b"spider"))
    refused = await moderator.answer("settings", file=("words.txt", content))
    assert words in refused.text
    assert (await running.services.servers.words(IDS.guild)).blocked == {"spider"}


def placeholders(panel: MessageView) -> list[str]:
    """What the menus of channels and roles say."""
    return [menu["placeholder"] for menu in panel.selects if not menu.get("options")]


async def test_menus_keep_their_labels_and_show_what_is_set(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await opened(moderator, "channels")
    assert placeholders(panel) == [
        "Where I draw: all channels", "Log channel: none", "Review channel: none",
    ]  # fmt: skip
    panel = await choose(moderator, panel, "channel:allowed", IDS.general, IDS.art)
    panel = await choose(moderator, panel, "channel:log", IDS.art)
    assert placeholders(panel)[:2] == [
        "Where I draw: #general and #art", "Log channel: #art",
    ]  # fmt: skip
    assert not any(menu.get("default_values") for menu in panel.selects)
    panel = await choose(moderator, panel, "channel:allowed", IDS.art, IDS.gallery)
    assert (await settings(running)).allowed_channels == {IDS.general, IDS.gallery}
    panel = await choose(moderator, panel, "channel:log", IDS.gallery)
    assert (await settings(running)).log_channel_id == IDS.gallery
    panel = await choose(moderator, panel, "page", "ratings")
    panel = await choose(moderator, panel, "rating:guild_ceiling", "sensitive")
    chosen = [
        option["label"] for menu in panel.selects for option in menu["options"]
        if option.get("default")
    ]  # fmt: skip
    assert chosen[1] == "Server's highest rating: sensitive"
    long = place.loopback.changes.add_role(IDS.guild, "R" * 100)
    panel = await choose(moderator, panel, "page", "limits")
    panel = await choose(moderator, panel, "role", long.id)
    assert placeholders(panel) == [f"Limits of @{'R' * 100} (choose a role)"]
    panel = await choose(moderator, panel, "role", long.id)  # once more: everyone
    assert placeholders(panel) == ["Limits of @everyone (choose a role)"]
    assert "How many: @everyone" in labels(panel)


async def test_a_menu_of_an_earlier_version_replaces_what_is_set(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await opened(moderator, "channels")
    await choose(moderator, panel, "channel:allowed", IDS.general, IDS.art)
    (menu,) = [
        menu for row in place.world.messages[panel.id].components for menu in row["components"]
        if menu["custom_id"].startswith("ekaki:set:channel:allowed_channels:")
    ]  # fmt: skip
    menu["custom_id"] = "ekaki:set:channels:allowed_channels:channels"
    await choose(moderator, moderator.member.message(panel.id), "channels:allowed", IDS.art)
    assert (await settings(running)).allowed_channels == {IDS.art}


async def test_bounds_of_the_operator_are_shown_as_numbers(
    place: Discord, moderator: Visitor
) -> None:
    async with open_bot(place, pictures_per_hour=20, pictures_per_day=0, max_steps=40):
        panel = await opened(moderator, "here")
        assert "Bot maximum: 20 pictures per hour, " in panel.text
        panel = await choose(moderator, panel, "page", "limits")
        assert "Bot maximum\n20 pictures per hour, " in panel.text
        assert "40 steps" in panel.text
        form = await moderator.member.press(panel, "How many: @everyone")
        assert form.modal is not None
        about = {each["label"]: each.get("description") for each in form.modal["components"]}
        assert about["Pictures per hour"] == "Bot maximum: 20 pictures per hour"
        assert about["Pictures per day"] is None


async def test_limits_are_set_by_role_within_the_owners_bounds(
    place: Discord, moderator: Visitor, alice: Visitor
) -> None:
    role = place.loopback.changes.add_role(IDS.guild, "Artists")
    async with open_bot(place, pictures_per_day=100, max_steps=40) as running:
        panel = await opened(moderator, "limits")
        form = await moderator.member.press(panel, "ekaki:set:form:amounts")
        await moderator.member.submit_modal(
            form, {"pictures_per_day": "5", "waiting_jobs": "2", "upscales_per_day": "0"}
        )
        panel = await choose(moderator, moderator.member.message(panel.id), "role", role.id)
        assert f"<@&{role.id}>" in panel.text
        form = await moderator.member.press(panel, "ekaki:set:form:requests")
        await moderator.member.submit_modal(form, {"max_pixels": "1024x1024", "max_steps": "30"})
        panel = moderator.member.message(panel.id)
        for shown in ("5 pictures per day", "0 upscales", "1.048576 megapixels", "30 steps"):
            assert shown in panel.text, shown
        again = await moderator.member.press(panel, "ekaki:set:form:requests")
        await moderator.member.submit_modal(again, {})  # what it is filled with changes nothing
        limits = await running.services.servers.limits(IDS.guild)
        assert limits[IDS.guild] == LimitSet(pictures_per_day=5, waiting_jobs=2, upscales_per_day=0)
        assert limits[role.id] == LimitSet(max_pixels=1024 * 1024, max_steps=30)
        for name, typed, words in (
            ("amounts", {"pictures_per_day": "101"}, "0 to 100"),
            ("amounts", {"pictures_per_day": "-1"}, "not a valid number"),
            ("amounts", {"pictures_per_day": "many"}, "not a valid number"),
            ("requests", {"max_steps": "41"}, "1 to 40"),
            ("requests", {"max_steps": "0"}, "1 to 40"),
            ("requests", {"max_pixels": "9" * 19}, "1 to 1000000000"),
            ("requests", {"max_pixels": "inf"}, "not a valid number"),
        ):
            form = await moderator.member.press(panel, f"ekaki:set:form:{name}")
            sent = await moderator.member.submit_modal(form, typed)
            assert words in sent.text, typed
        assert await running.services.servers.limits(IDS.guild) == limits
        form = await moderator.member.press(panel, "ekaki:set:form:requests")
        place.loopback.changes.delete_role(IDS.guild, role.id)
        await running.heard()
        sent = await moderator.member.submit_modal(form, {"max_steps": "20"})
        assert "does not exist any more" in sent.text


@pytest.mark.parametrize(
    ("form", "typed", "words"),
    [
        ("retention", "0", "1 to 3650"),
        ("retention", "99999", "1 to 3650"),
        ("retention", "ten", "not a valid number"),
        ("threshold", "0", "1 to 1000"),
    ],
)
async def test_numbers_out_of_bounds_change_nothing(
    running: Running, moderator: Visitor, form: str, typed: str, words: str
) -> None:
    panel = await opened(moderator, "channels" if form == "retention" else "gallery")
    before = await settings(running)
    asked = await moderator.member.press(panel, f"ekaki:set:form:{form}")
    sent = await moderator.member.submit_modal(asked, {"number": typed})
    assert words in sent.text
    assert await settings(running) == before


async def test_the_gallery_page_sets_everything_of_it(running: Running, moderator: Visitor) -> None:
    panel = await opened(moderator, "gallery")
    refused = await choose(moderator, panel, "channel:gallery_adult", IDS.gallery)
    assert "not age-restricted" in refused.text
    await choose(moderator, panel, "channel:gallery_adult", IDS.age_restricted)
    await choose(moderator, panel, "channel:gallery_channel", IDS.gallery)
    await choose(moderator, panel, "channel:gallery_excluded", IDS.art)
    for button in ("Own stars count", "Approval by moderators", "On the web page"):
        await moderator.member.press(panel, f"{button}: off")
        await says(moderator, panel, f"{button}: on")
    form = await moderator.member.press(panel, "Stars needed: 3")
    await moderator.member.submit_modal(form, {"number": "7"})
    await says(moderator, panel, "Stars needed: 7")
    assert {
        "Stars needed: 7", "Own stars count: on", "Approval by moderators: on",
        "On the web page: on",
    } <= labels(moderator.member.message(panel.id)).keys()  # fmt: skip
    made = await settings(running)
    assert made.gallery_channel_id == IDS.gallery
    assert made.gallery_adult_channel_id == IDS.age_restricted
    assert made.gallery_excluded == {IDS.art}
    assert (made.gallery_self_votes, made.gallery_approval, made.gallery_web) == (True, True, True)
    assert made.gallery_threshold == 7
    assert made.gallery_kind == "text"
    await moderator.member.press(panel, "On the web page: on")
    await says(moderator, panel, "On the web page: off")
    assert not (await settings(running)).gallery_web


async def test_every_declared_setting_is_changed_on_its_page_shown_and_logged(
    running: Running, moderator: Visitor
) -> None:
    rows = sorted(settings_by("channel", "channels", "number", "switch"), key=lambda row: row.page)
    for page, its in groupby(rows, key=lambda row: row.page):
        panel = await opened(moderator, page)
        for row in sorted(its, key=lambda row: row.control == "switch"):  # review needs a channel
            panel, value = await changed(moderator, panel, row)
            assert getattr(await settings(running), row.name) == value, row.name
            if row.control == "number":
                assert text(f"settings.{row.key}", value=value) in panel.text
            log = await moderator.answer("moderate log", kind="setting_changed")
            assert f"**{text(f'settings.{row.title}')}**" in log.text.splitlines()[1], row.name


async def changed(visitor: Visitor, panel: MessageView, row: Setting) -> tuple[MessageView, object]:
    """Change a setting with its control; the panel as it is then, and what must be set."""
    value: object = IDS.age_restricted
    match row.control:
        case "switch":
            value = not row.default
            await visitor.member.press(panel, f"ekaki:set:toggle:{row.key}:0")
        case "number":
            value = row.high
            form = await visitor.member.press(panel, f"ekaki:set:form:{row.key}:0")
            await visitor.member.submit_modal(form, {"number": str(value)})
        case _:
            await choose(visitor, panel, f"channel:{row.key}:", value)
            value = {value} if row.control == "channels" else value
    return visitor.member.message(panel.id), value


async def test_review_needs_an_age_restricted_channel(running: Running, moderator: Visitor) -> None:
    panel = await opened(moderator, "channels")
    refused = await whole(await moderator.member.press(panel, "Review: off"))
    assert "Choose a review channel first" in refused.text
    refused = await choose(moderator, panel, "channel:review", IDS.art)
    assert "not age-restricted" in refused.text
    await choose(moderator, panel, "channel:review", IDS.age_restricted)
    await moderator.member.press(panel, "Review: off")
    await says(moderator, panel, "Review: on")
    made = await settings(running)
    assert (made.review, made.review_channel_id) == (True, IDS.age_restricted)


async def test_a_deleted_channel_is_shown_as_such_and_can_be_replaced(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    panel = await opened(moderator, "channels")
    panel = await choose(moderator, panel, "channel:allowed", IDS.art)
    panel = await choose(moderator, panel, "channel:log", IDS.art)
    place.loopback.changes.delete_channel(IDS.art)
    await running.heard()
    panel = await choose(moderator, panel, "page", "channels")
    assert "a channel that was deleted" in panel.text
    panel = await choose(moderator, panel, "channel:log", IDS.gallery)
    assert f"<#{IDS.gallery}>" in panel.text
    assert (await settings(running)).allowed_channels == {IDS.art}


async def test_two_managers_at_once_both_stand_in_the_log(
    running: Running, moderator: Visitor, owner: Visitor
) -> None:
    panels = {each: await opened(each, "ratings") for each in (moderator, owner)}
    await asyncio.gather(
        choose(moderator, panels[moderator], "rating:guild_ceiling", "sensitive"),
        choose(owner, panels[owner], "rating:guild_ceiling", "nsfw"),
    )
    made = await running.services.servers.ratings(IDS.guild, IDS.general)
    first, last = [change for change in await changes(running) if change[0] == "guild_ceiling"]
    assert first[1] is None
    assert last[1] == first[2]
    assert made.guild_ceiling is not None
    assert last[2] == made.guild_ceiling.label
