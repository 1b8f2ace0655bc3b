"""What the bot sends in the background: each once, counted in the simulated Discord's messages."""

import re
from collections import Counter
from collections.abc import Iterator

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Channel, ChannelType, Message
from cogs.moderation.weekly import nonce_of as weekly_nonce
from cogs.moderation.welcome import nonce_of
from data.shipped.text import text
from tests.chaos.activity import Activity, Announcement
from tests.chaos.places import LOGS
from tests.chaos.sight import posted_pictures
from tests.chaos.stage import Stage

_FOOTER = re.compile(r"(?:#(?P<first>\d+)[-–])?#(?P<last>\d+)")


def notification_complaints(stage: Stage, activity: Activity) -> list[str]:
    """What was sent twice or never, and what is still to be sent."""
    # The result of a gallery check is seen in the gallery itself.
    waiting = stage.query("SELECT * FROM outbox WHERE kind <> 'gallery_check'")
    wrong = [f"outbox: {outbox_line(row)}" for row in waiting]
    for guild_id, channel_id in LOGS.items():
        wrong += _log(stage, guild_id, channel_id)
    by_nonce = Counter(str(each.nonce) for each in stage.world.messages.values() if each.nonce)
    for key, nonce in (*_answers(stage), *_greetings(stage), *_weeks(activity)):
        if by_nonce[nonce] > 1 or (by_nonce[nonce] == 0 and key not in activity.refused):
            wrong.append(f"{key}: told {by_nonce[nonce]} times")
    wrong += _news(stage)
    for announcement in activity.announcements:
        wrong += _announcement(stage, activity, announcement)
    return [*wrong, *_removals(stage, activity)]


def outbox_line(row: dict[str, object]) -> str:
    """A row of the outbox for a person."""
    names = ("kind", "key", "lane", "state", "attempts", "due_at", "last_error")
    return ", ".join(f"{name} {row[name]}" for name in names)


def _news(stage: Stage) -> Iterator[str]:
    """Stars that makers wanted to be told of."""
    end = text("news.settings")
    told = "\n".join(m.content for m in stage.world.messages.values() if m.content.endswith(end))
    for row in stage.query("SELECT * FROM maker_news WHERE state <> 'told'"):
        yield f"a maker was never told: {row}"
    for row in stage.query(
        "SELECT j.message_id AS shown, count(*) AS people FROM maker_news m"
        " JOIN jobs j ON j.id = m.job_id WHERE m.kind = 'star' GROUP BY j.id"
    ):
        counts = re.findall(rf"⭐ (\d+) .*/{row['shown']}>\)", told)
        if sum(map(int, counts)) > row["people"]:
            yield f"the stars of {row['people']} people were told as those of {counts}"


def _log(stage: Stage, guild_id: int, channel_id: int) -> Iterator[str]:
    """Entries since there is a log channel, each in one message."""
    shown: Counter[int] = Counter()
    rows = stage.query(
        "SELECT id, posted FROM audit_log WHERE guild_id = ? AND posted IS NOT NULL", guild_id
    )
    ids = [int(row["id"]) for row in rows]
    for message in stage.world.messages_in(channel_id):
        for embed in message.embeds:
            match = _FOOTER.fullmatch(embed.get("footer", {}).get("text", ""))
            if match:
                last = int(match["last"])
                first = int(match["first"] or last)
                shown.update(each for each in ids if first <= each <= last)
    for row in rows:
        if shown[row["id"]] != 1:
            yield (f"log of {guild_id}: entry {row['id']}, posted {row['posted']},"
                   f" stands there {shown[row['id']]} times")  # fmt: skip


def _answers(stage: Stage) -> Iterator[tuple[str, str]]:
    """(what, nonce) of each answer to whoever reported."""
    for row in stage.query(
        "SELECT report_id, user_id FROM reporters JOIN reports ON reports.id = report_id"
        " WHERE state <> 'open'"
    ):
        report_id, user_id = row["report_id"], row["user_id"]
        yield f"answer {report_id} to {user_id}", f"{report_id}-{user_id % 10**9}"[:25]


def _greetings(stage: Stage) -> Iterator[tuple[str, str]]:
    for row in stage.query("SELECT key FROM notes WHERE key LIKE 'welcomed:%'"):
        guild_id = row["key"].partition(":")[2]
        yield f"greeting of {guild_id}", nonce_of(int(guild_id))


def _weeks(activity: Activity) -> Iterator[tuple[str, str]]:
    for due in sorted(activity.weeks):
        yield f"report of {due}", weekly_nonce(due)


def _announcement(stage: Stage, activity: Activity, made: Announcement) -> Iterator[str]:
    """Everyone who waits once: in a channel, or directly. If the bot died while sending by token,
    it can't be known whether it arrived: then it may be sent twice."""
    found = [each for each in stage.world.messages.values() if made.mark in each.content
             and each.author_id == IDS.bot]  # fmt: skip
    told: Counter[int] = Counter()
    people: set[int] = set()
    for message in found:
        channel = stage.world.channel(message.channel_id)
        if message.ephemeral_for is not None:
            people.add(message.ephemeral_for)
            continue
        told[channel.id] += 1
        people |= set(message.mention_ids) | set(_direct(channel))
    yield from (f"announcement {made.mark}: {count} times in {channel_id}"
                for channel_id, count in told.items() if count > 1)  # fmt: skip
    answer = activity.shown(made.interaction)
    match = re.search(
        r"People who get the message: (\d+)", "" if answer is None else answer.content
    )
    wanted = len(people) if match is None else int(match[1])
    if len(people) != wanted and f"announcement {made.mark}" not in activity.refused:
        yield f"announcement {made.mark}: told {sorted(people)}, not {wanted}"


def _direct(channel: Channel) -> list[int]:
    return channel.recipient_ids if channel.type == ChannelType.DM else []


def _removals(stage: Stage, activity: Activity) -> Iterator[str]:
    """The messages of deleted pictures are gone, but private ones."""
    rows = {row["id"] for row in stage.query("SELECT id FROM jobs")}
    for job_id, messages in posted_pictures(stage).items():
        if job_id in rows or job_id not in activity.erased:
            continue
        for message in messages:
            if _removable(stage, message) and f"removal {message.id}" not in activity.refused:
                yield f"{job_id}: deleted, and message {message.id} still shows it"


def _removable(stage: Stage, message: Message) -> bool:
    """Whether it still exists and the bot can remove it."""
    channel = stage.world.channel(message.channel_id)
    private = message.ephemeral_for is not None or channel.type == ChannelType.DM
    return message.deleted_at is None and not private
