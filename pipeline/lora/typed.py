"""LoRAs as people type them: `ink:0.8, other` in an option, `<lora:ink:0.8>` in a prompt."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from pipeline.errors import InputError
from pipeline.lora.use import MAX_STRENGTH, MIN_STRENGTH, LoraUse

MAX_TYPED: Final = 400
"""Characters of the option: three of the longest names with strengths take less than half of it."""
NO_LORA: Final = ""
"""The option's value where none is wanted, not even one of the prompt, a preset or the person's
own."""
_MAX_SHOWN: Final = 60  # characters that an error repeats

_COLON: Final = "[:\uff1a]"
_COMMA: Final = "[,\uff0c\u3001\\n]"
_SEPARATOR: Final = re.compile(rf"\s*{_COMMA}\s*")
_DECIMAL_COMMA: Final = re.compile(
    rf"([^,\uff0c\u3001:\uff1a\n]+){_COLON}\s*([+-]?[0-9]+[,\uff0c][0-9]+)"
    rf"(?=\s*(?:{_COMMA}|\Z))"
)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})")
_OPEN, _CLOSE = "<\uff1c\u300a\u3008\u2039\u00ab", ">\uff1e\u300b\u3009\u203a\u00bb"
_TAG: Final = re.compile(
    rf"(?:(?<![ \t])[ \t]+)?[{_OPEN}]\s?(?:lora|lyco|locon|loha|lokr|dora)\s?{_COLON}"
    rf"(?P<inside>[^{_OPEN}{_CLOSE}\n]{{1,300}})[{_CLOSE}]",
    re.IGNORECASE,
)
_NARROW: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
"""Full-width ASCII, which a Japanese keyboard types: a character for each."""
_COMMAS: Final = re.compile(r"(?:\s*,){2,}")


class TypedLora(NamedTuple):
    """A LoRA as somebody named it. `strength`: None if they did not say."""

    name: str
    strength: float | None = None


class CutPrompt(NamedTuple):
    """A prompt without its `<lora:...>` of known names, and those LoRAs."""

    text: str
    loras: tuple[TypedLora, ...] = ()


def parse_loras(text: str) -> tuple[TypedLora, ...]:
    """Read `ink:0.8, other`, also `<lora:ink:0.8>`. InputError for a strength that can't be used, a
    missing name, and for text that is too long."""
    if len(text) > MAX_TYPED:
        raise InputError("loras_too_long", length=len(text), limit=MAX_TYPED)
    found: list[TypedLora] = []
    text = _replaced(text, lambda inside: found.append(_read(inside)) or ",")
    if (wrong := _DECIMAL_COMMA.search(text)) is not None:
        raise _strength_error(wrong[1], wrong[2])
    parts = (part.strip() for part in _SEPARATOR.split(text))
    return (*found, *(_read(part) for part in parts if part))


def cut_loras(prompt: str, is_known: Callable[[str], bool]) -> CutPrompt:
    """Take each `<lora:name:0.8>` whose name is known out of `prompt`. InputError for a strength
    that can't be used. Others stay: reading the prompt reports them."""
    found: list[TypedLora] = []

    def cut(inside: str) -> str | None:
        if not is_known(_parts(inside)[0]):
            return None
        found.append(_read(inside))
        return ""

    text = _replaced(prompt, cut)
    if not found:
        return CutPrompt(prompt)
    return CutPrompt(_COMMAS.sub(",", text).strip(" ,"), tuple(found))


def find_loras(prompt: str) -> list[TypedLora]:
    """Those that a stranger's prompt names. A strength that can't be used here is left open."""
    found: list[TypedLora] = []

    def note(inside: str) -> None:
        try:
            found.append(_read(inside))
        except InputError:
            name = _parts(inside)[0]
            found.extend([TypedLora(name)] if name else [])

    _replaced(prompt, note)
    return found


def lora_named_in(typed: str) -> str:
    """The name in a `<lora:name:0.8>`, also in one that is damaged; "" if it is none."""
    found = re.search(
        rf"(?:lora|lyco|locon|loha|lokr|dora)\s?{_COLON}\s*([^:\uff1a{_OPEN}{_CLOSE},]+)",
        typed,
        re.IGNORECASE,
    )
    return "" if found is None else found[1].strip()


def loras_text(loras: Iterable[LoraUse]) -> str:
    """As `parse_loras` reads it."""
    return ", ".join(f"{each.name}:{strength_text(each.strength)}" for each in loras)


def typed_text(loras: Iterable[TypedLora]) -> str:
    """As `parse_loras` reads it, without strengths that nobody said."""
    return ", ".join(
        each.name if each.strength is None else f"{each.name}:{strength_text(each.strength)}"
        for each in loras
    )


def lora_tags(loras: Iterable[LoraUse]) -> str:
    """As A1111 writes them into a prompt: `<lora:ink:0.8>`."""
    return " ".join(f"<lora:{each.name}:{strength_text(each.strength)}>" for each in loras)


def strength_text(strength: float) -> str:
    """As it is read back: `1e-05` would be no strength."""
    return f"{strength:.9f}".rstrip("0").rstrip(".")


def check_strength(name: str, strength: float, typed: str = "") -> float:
    """`strength`, if it can be used. InputError, also for one that is not a number."""
    if not MIN_STRENGTH <= strength <= MAX_STRENGTH:
        raise _strength_error(name, typed or f"{strength:g}")
    return strength


def _replaced(text: str, by: Callable[[str], str | None]) -> str:
    """`text` with its tags replaced. `by` gets what is inside one; None leaves it as it is."""
    made, end = "", 0
    for tag in _TAG.finditer(text.translate(_NARROW)):
        new = by(text[tag.start("inside") : tag.end("inside")])
        if new is not None:
            made += text[end : tag.start()] + new
            end = tag.end()
    return made + text[end:]


def _parts(inside: str) -> list[str]:
    return [part.strip() for part in re.split(_COLON, inside)]


def _read(typed: str) -> TypedLora:
    """`name`, `name:0.8` or A1111's `name:0.8:0.6`, whose second number is the UNet's."""
    name, *said = _parts(typed)
    if not name:
        raise InputError("lora_nameless", typed=_shown(typed))
    return TypedLora(name, _strength(name, said))


def _strength(name: str, said: list[str]) -> float | None:
    """The strength of the UNet, or else the only one. What other programs write behind the numbers,
    such as weights of blocks, has no equivalent."""
    numbers: dict[str, str] = {}
    for index, part in enumerate(said):
        key, equals, value = part.partition("=")
        if equals:
            numbers.setdefault(key.strip().casefold(), value.strip())
        elif index == 0 or _NUMBER.fullmatch(_plain(part)):
            numbers.setdefault(("te", "unet")[min(index, 1)], part)
    unet, encoders = numbers.get("unet", ""), numbers.get("te", "")
    for typed in (unet, encoders):  # also what is not used: `ink:0.5 other:1` lacks a comma
        if typed and _NUMBER.fullmatch(_plain(typed)) is None:
            raise _strength_error(name, typed)
    typed = unet or encoders
    return check_strength(name, float(_plain(typed)), typed) if typed else None


def _plain(number: str) -> str:
    """Full-width digits and signs as ASCII."""
    return unicodedata.normalize("NFKC", number).replace("\u2212", "-").strip()


def _strength_error(name: str, typed: str) -> InputError:
    return InputError(
        "lora_strength_typed",
        name=_shown(name.strip()),
        value=_shown(typed),
        low=f"{MIN_STRENGTH:g}",
        high=f"{MAX_STRENGTH:g}",
    )


def _shown(typed: str) -> str:
    return typed[:_MAX_SHOWN].replace("`", "'")
