"""Identifiers of our own rows."""

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters that look alike
LENGTH = 12  # 31**12 is about 2**59: not to be guessed, and short enough to be typed


def new_id() -> str:
    """A random identifier, safe in URLs and in a button's custom_id."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


PUBLIC_LENGTH = 26  # 31**26 is more than 2**128: of what the whole internet may ask for


def new_public_id() -> str:
    """A random identifier of what is shown on the web page."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_LENGTH))
