"""Checks of what signs the pictures."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.common.wording import words
from bot.config.settings import Settings
from bot.config.signing import signer_of
from bot.doctor.values import Check, fail, ok, warn
from pipeline.errors import InputError
from pipeline.metadata.credentials import Signer

NAME: Final = "Signatures"
_SOON: Final = timedelta(days=30)
_OTHERS: Final = 0o077
_RENEW: Final = "Get a new certificate, set C2PA_CERTIFICATE and C2PA_KEY, and restart the bot."


def check_signing(settings: Settings, *, now: datetime | None = None) -> Iterator[Check]:
    """Whether pictures are signed, by whom, and until when. Nothing if they are not to be."""
    now = now or datetime.now(UTC)
    if not settings.c2pa_certificate and not settings.c2pa_key:
        return
    try:
        signer = signer_of(settings)
    except InputError as error:
        yield fail(NAME, words(error), "See docs/operations.md, or leave both empty.")
        return
    assert isinstance(signer, Signer), "both are set"
    until = f"{signer.expires:%Y-%m-%d}"
    if not signer.is_valid(now):
        yield fail(NAME, f"the certificate expired on {until}: pictures are not signed", _RENEW)
    elif now > signer.expires - _SOON:
        yield warn(NAME, f"the certificate expires on {until}", _RENEW)
    else:
        yield ok(NAME, f"pictures are signed by {signer.holder} until {until}")
    key = Path(settings.c2pa_key)
    if key.stat().st_mode & _OTHERS:
        yield warn(NAME, f"others on this machine may read {key}", f"chmod 600 {key}")
