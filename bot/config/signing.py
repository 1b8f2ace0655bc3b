"""Who signs the copies of pictures that leave."""

from importlib.metadata import version
from pathlib import Path

from bot.config.settings import Settings
from pipeline.errors import InputError
from pipeline.metadata.credentials import Sign, Signer, unsigned


def signer_of(settings: Settings) -> Sign:
    """What signs with the operator's certificate, or `unsigned` where there is none. Takes some
    tenths of a second. InputError if the files can't be used."""
    certificate, key = settings.c2pa_certificate, settings.c2pa_key
    if not certificate and not key:
        return unsigned
    if not certificate or not key:
        raise InputError("c2pa_incomplete")
    return Signer(Path(certificate), Path(key), version=version("ekaki"))
