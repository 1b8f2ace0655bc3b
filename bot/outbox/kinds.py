"""The kinds of items in the outbox, and the lanes in which they are sent."""

from enum import StrEnum


class Kind(StrEnum):
    """What an item is about. Triggers of the schema also write some of these names."""

    MESSAGE_REMOVAL = "message_removal"  # key: channel and message, or channel and job
    GALLERY_CHECK = "gallery_check"  # key: the server
    GALLERY_ENTRY = "gallery_entry"  # key: the entry
    GALLERY_REFUSED = "gallery_refused"  # key: the entry; to whoever shared it
    AUDIT_LOG = "audit_log"  # key: the server; all its entries that wait
    REPORT_ANSWER = "report_answer"  # key: the report and who reported
    WELCOME = "welcome"  # key: the server
    ANNOUNCEMENT = "announcement"  # key: the announcement and its channel or person
    MAKER_NEWS = "maker_news"  # key: the maker; all stars and remixes that wait
    WEEKLY_REPORT = "weekly_report"  # key: when it was due, and the operator
    JOB_END = "job_end"  # key: the job whose place was closed when it ended


def person_lane(user_id: int) -> str:
    """The lane of direct messages to a person."""
    return f"person:{user_id}"


def guild_lane(subject: str, guild_id: int) -> str:
    """The lane of one subject in a server."""
    return f"{subject}:{guild_id}"


def channel_lane(subject: str, channel_id: int) -> str:
    """The lane of one subject in a channel, so that a channel that rejects us delays no other."""
    return f"{subject}:{channel_id}"


def removal_lane(channel_id: int) -> str:
    """The lane for removing messages from a channel."""
    return channel_lane("removal", channel_id)
