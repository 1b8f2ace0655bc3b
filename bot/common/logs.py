"""Logging to standard error, with secrets taken out of every line, as text or as JSON.

Everything formatted is cleaned, which covers message, arguments, exception and stack, whoever
logged them. At DEBUG, discord.py logs payloads and addresses with interaction tokens, which can act
for the bot for 15 minutes.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Final, Literal, TextIO, TypeAlias

from bot.common.secret import Secret

LogFormat: TypeAlias = Literal["text", "json"]

HIDDEN: Final = "[hidden]"
FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

_SAID: Final = r"(?:token|secret|password|verifier|session_id|authorization)"
_QUOTE: Final = r"(?:['\"]|\\\")"

_PATTERNS: Final = (
    # Addresses: /webhooks/ID/TOKEN and /interactions/ID/TOKEN/callback, also inside others.
    re.compile(
        r"(?P<keep>(?:/|%2F)(?:webhooks|interactions)(?:/|%2F)\d+(?:/|%2F))[^/\s?&'\"%]+",
        re.IGNORECASE,
    ),
    # Payloads as Python or JSON, forms, and records, where the key says that it is a secret:
    # 'token': '...', interaction_token='...', HF_TOKEN=...
    re.compile(
        rf"(?P<keep>{_QUOTE}\w*{_SAID}{_QUOTE}\s*[:,]\s*b?{_QUOTE})[^'\"\\]+", re.IGNORECASE
    ),
    re.compile(rf"(?P<keep>\b\w*{_SAID}\s*[=:]\s*b?['\"])[^'\"]+", re.IGNORECASE),
    re.compile(rf"(?P<keep>\b\w*{_SAID}\s*=\s*)[\w.~+/%-]{{8,}}", re.IGNORECASE),
    re.compile(rf"(?P<keep>\b\w*{_SAID}:\s*)[\w.~+/%-]{{20,}}", re.IGNORECASE),
    # Headers.
    re.compile(r"(?P<keep>\b(?:Bot|[Bb]earer) )[\w.-]{20,}"),
    re.compile(r"(?P<keep>\bBasic )[\w+/=]{8,}"),
    # Addresses for signing in, signed links, files on Discord's CDN.
    re.compile(
        r"(?P<keep>[?&](?:code|state|hm|sig|signature|\w*token|client_secret|code_verifier|"
        r"code_challenge)=)[^&\s'\"]+",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<keep>\b(?:code|state|hm)['\"]?\s*[:=]\s*['\"]?)[\w-]{20,}"),
    re.compile(r"(?P<keep>(?:/|%2F)collection(?:/|%2F))[\w.-]{20,}", re.IGNORECASE),
    # A password in an address, as of a proxy.
    re.compile(r"(?P<keep>://[^\s:/@]*:)[^\s/@]+(?=@)"),
    # Cookies, whole headers and single ones.
    re.compile(r"(?P<keep>\b(?:set-)?cookie['\"]?\s*[:=,]\s*b?['\"]?)[^'\"\r\n]+", re.IGNORECASE),
    re.compile(r"(?P<keep>(?:\b|_)ekaki(?:[-_]\w+)?(?:=|['\"]\s*[:,]\s*['\"]))[\w.-]{20,}"),
    # A token of Hugging Face.
    re.compile(r"(?P<keep>)\bhf_[A-Za-z0-9]{16,}"),
    # A token of interactions: base64 of "interaction:".
    re.compile(r"(?P<keep>)aW50ZXJhY3Rpb246[\w-]+"),
    # A bot token anywhere: base64 of the id, a time, a signature.
    re.compile(r"(?P<keep>)\b[MNO][\w-]{22,27}\.[\w-]{6,7}\.[\w-]{27,}"),
)

_QUIET: Final = ("aiosqlite",)
"""At DEBUG they log every statement with its values: interaction tokens, prompts and link keys, in
no form that could be recognised."""

_log = logging.getLogger(__name__)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without tokens: the given ones and whatever looks like one of Discord's."""
    for secret in secrets:
        if secret:
            text = text.replace(secret.reveal(), HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<keep>{HIDDEN}", text)
    return text


_subject: ContextVar[Mapping[str, str]] = ContextVar("subject", default=MappingProxyType({}))


@contextmanager
def about(*, job: str | None = None, guild: int | None = None) -> Generator[None]:
    """Inside, and in tasks that start there, records in JSON name this job and server."""
    # As texts: JavaScript and jq would round Discord's ids.
    named = {"job": job, "guild": None if guild is None else str(guild)}
    known = {name: value for name, value in named.items() if value is not None}
    token = _subject.set({**_subject.get(), **known})
    try:
        yield
    finally:
        _subject.reset(token)


class RedactingFormatter(logging.Formatter):
    """A formatter whose result holds no secrets."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        super().__init__(FORMAT)
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        _complete(record)
        return redact(super().format(record), self._secrets)


class JsonFormatter(RedactingFormatter):
    """One JSON object per line: `ts` (ISO 8601, UTC), `level`, `logger`, `message`; where there is
    one, `exception`, `stack`, `job` and `guild`. All values are texts."""

    def format(self, record: logging.LogRecord) -> str:
        _complete(record)
        at = datetime.fromtimestamp(record.created, UTC)
        found = {
            "ts": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
            "stack": self.formatStack(record.stack_info) if record.stack_info else None,
            **_subject.get(),
        }
        # Cleaned before it becomes JSON, whose escapes would be cut apart.
        return json.dumps({
            name: redact(value, self._secrets) for name, value in found.items() if value
        })  # fmt: skip


_FORMATTERS: Final[Mapping[LogFormat, type[RedactingFormatter]]] = {
    "text": RedactingFormatter,
    "json": JsonFormatter,
}


def _complete(record: logging.LogRecord) -> None:
    """Make a record whose arguments don't fit its message readable. `logging` would write them to
    standard error itself, uncleaned."""
    try:
        record.getMessage()
    except Exception:  # noqa: BLE001 - whatever a foreign __str__ raises
        record.msg, record.args = f"{record.msg!r}, with other arguments: {record.args!r}", None


def set_up(
    level: str,
    secrets: Iterable[Secret],
    *,
    form: LogFormat = "text",
    stream: TextIO | None = None,
) -> None:
    """Log to `stream` (None: standard error) only, including warnings and exceptions that end a
    thread or the process."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_FORMATTERS[form](secrets))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _ended
    threading.excepthook = _thread_ended


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("Ended by an error", exc_info=(kind, error, trace))


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log.critical(
            "A thread ended by an error",
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )
