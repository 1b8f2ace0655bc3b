"""The language that a browser asks for."""

from data.shipped.text import DEFAULT_LANGUAGE, language_of, languages


def accepted(header: str) -> str:
    """The first language of Accept-Language that there is a catalogue for."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        name, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), name))
        except ValueError:
            continue
    for _, name in sorted(wanted, key=lambda pair: pair[0]):
        found = language_of(name)
        if found != DEFAULT_LANGUAGE or name.partition("-")[0] in languages():
            return found
    return DEFAULT_LANGUAGE
