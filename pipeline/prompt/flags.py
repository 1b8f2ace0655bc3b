"""Midjourney's habit: `1girl, smile --ar 3:2 --seed 5 --no hat, gloves` at the end of a prompt.

The first ` --word` starts the flags; what precedes it is the prompt. A dash pair that no letter
follows (`--_--`) or no blank precedes (`a--b`) is text. A dash, which telephones make of two
hyphens, counts before a known flag, and so do full-width hyphens.

Flags that only Midjourney has (`--niji 6`) stay at the end of the prompt; reading it removes and
reports them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from enum import Enum
from typing import Final, NamedTuple

from pipeline.errors import InputError
from pipeline.options import written
from pipeline.prompt.infotext import PASTED, fold_infotext
from pipeline.prompt.width import as_ascii
from pipeline.rating import Rating
from pipeline.request import OPTIONS, GenerationRequest


def _choice(kind: type[Enum]) -> Callable[[str], object]:
    """Reads a member of `kind` by its value, case and spaces apart (`digitalart`)."""

    def read(value: str) -> object:
        wanted = _squeeze(value)
        for member in kind:
            if _squeeze(written(member)) == wanted:
                return member
        raise ValueError(value)

    return read


def _squeeze(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()


def _number(value: str) -> float:
    if re.fullmatch(r"[+-]?\d{1,9}(\.\d{0,9})?", value) is None:
        raise ValueError(value)
    return float(value)


def _integer(value: str) -> int:
    if re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII) is None:
        raise ValueError(value)
    return int(value)


def _words(value: str) -> str:
    if not value:
        raise ValueError(value)
    return value


_YES: Final = {"": True, "true": True, "yes": True, "on": True,
               "false": False, "no": False, "off": False}  # fmt: skip


def _switch(value: str) -> bool:
    """A flag without a value is switched on."""
    try:
        return _YES[value.casefold()]
    except KeyError:
        raise ValueError(value) from None


_READERS: Final[Mapping[type, Callable[[str], object]]] = {
    str: _words,
    bool: _switch,
    int: _integer,
    float: _number,
    Rating: Rating.from_label,
}
_FIRST: Final = (
    "aspect", "num_inference_steps", "guidance_scale", "sampler", "seed", "count",
    "negative_prompt", "preset", "style",
)  # fmt: skip
FLAGGED: Final = sorted(
    (option for option in OPTIONS if option.flags),
    key=lambda option: _FIRST.index(option.field) if option.field in _FIRST else len(_FIRST),
)
"""Options that have a flag, in the order of reading: what people change most comes first."""

KNOWN_FLAGS: Final = tuple(f"--{option.flags[0]}" for option in FLAGGED)
"""For messages: every flag by its short name."""

_OPTION_OF: Final = {flag: option for option in FLAGGED for flag in option.flags}

_FOREIGN: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern)
    for names, pattern in (
        ("v version niji q quality s stylize c chaos weird iw cw sw ow exp stop r repeat seeds "
         "sameseed sref cref oref p profile sv bs motion end w h width height scale",
         r"[^\s,]*(?:\s+(?:https?://\S+|[\d.:]+))*"),
        ("tile fast relax turbo draft raw stealth public video test testp creative beta hd hq loop "
         "uplight upbeta upanime", ""),
        (PASTED.removeprefix("--"), r"[^-]*"),
        ("personalize", r"[^\s,]*"),
    )
    for name in names.split()
}  # fmt: skip
"""Flags of Midjourney and similar bots, with what may follow them."""

_FOREIGN_STYLES: Final = re.compile(
    r"(?:raw|cute|scenic|expressive|original|4[abc]|random(?:-\d+)?)(?:-\w+)*", re.IGNORECASE
)
"""Values of `--style` that are Midjourney's and none of ours."""

_LONGEST_FIRST = "|".join(sorted(_OPTION_OF, key=len, reverse=True))
_FLAG = re.compile(
    rf"(?<![^\s,，、])(?:(?:--|－－)([A-Za-z][\w-]*)|[—–]({_LONGEST_FIRST})\b)", re.IGNORECASE
)


class ParsedFlags(NamedTuple):
    """The prompt without flags, fields of GenerationRequest that they fill, and Midjourney's own
    flags as typed."""

    prompt: str
    values: dict[str, object]
    foreign: tuple[str, ...] = ()

    @property
    def rest(self) -> str:
        """The prompt with the flags that fill no field at its end."""
        return " ".join((self.prompt, *self.foreign)) if self.foreign else self.prompt


def fold_flags(request: GenerationRequest) -> GenerationRequest:
    """`request` with the flags of its prompt turned into fields, the prompt without them; also
    what A1111 writes about a picture, pasted as a whole.

    An option that was filled in wins over a flag; `--no` adds to the negative prompt; of a flag
    given twice the last counts (`--no` adds up).
    Raises InputError `flag_unknown` or `flag_value`, each naming the flag.
    """
    request = fold_infotext(request)
    parsed = parse_flags(request.prompt)
    typed = parsed.values
    if not typed and parsed.rest == request.prompt:
        return request
    added = str(typed.get("negative_prompt", ""))
    negative = ", ".join(words for words in (request.negative_prompt, added) if words)
    unset = {f.name for f in fields(request) if getattr(request, f.name) is None}
    values = {name: value for name, value in typed.items() if name in unset}
    return replace(request, **values, prompt=parsed.rest, negative_prompt=negative)


def parse_flags(prompt: str) -> ParsedFlags:
    """The values of the flags at the end of `prompt`. Raises as `fold_flags`."""
    values: dict[str, object] = {}
    foreign: list[str] = []
    body, flags = _cut(prompt)
    for name, value in flags:
        if _is_foreign(name, value):
            foreign.append(f"--{name} {value}".rstrip())
            continue
        field, read = _read(name, value)
        if field == "negative_prompt" and field in values:
            read = f"{values[field]}, {read}"
        values[field] = read
    return ParsedFlags(body, values, tuple(foreign))


def cut_foreign_flags(prompt: str) -> tuple[str, tuple[str, ...]]:
    """A prompt whose other flags are folded: without Midjourney's own ones, and those. Never
    fails: what is none of them is text."""
    body, flags = _cut(prompt)
    if not flags or not all(_is_foreign(name, value) for name, value in flags):
        return prompt, ()
    typed = (f"--{name} {value}".rstrip() for name, value in flags)
    return body, tuple(flag.removeprefix(f"{PASTED} ") for flag in typed)


def _cut(prompt: str) -> tuple[str, list[tuple[str, str]]]:
    """The prompt before its flags; of each flag the name and the value."""
    flags = list(_FLAG.finditer(prompt))
    if not flags:
        return prompt, []
    ends = [flag.start() for flag in flags[1:]] + [len(prompt)]
    cut = [
        ((flag[1] or flag[2]).lower(), prompt[flag.end() : end].strip(" \t\r\n\u3000,=，、＝"))
        for flag, end in zip(flags, ends, strict=True)
    ]
    return prompt[: flags[0].start()].rstrip(" \t\r\n,，、"), cut


def _is_foreign(name: str, value: str) -> bool:
    if name == "style":
        return _FOREIGN_STYLES.fullmatch(value) is not None
    pattern = None if name in _OPTION_OF else _FOREIGN.get(name)
    return pattern is not None and pattern.fullmatch(value) is not None


def _read(flag: str, value: str) -> tuple[str, object]:
    wrong = InputError("flag_value", flag=f"--{flag}", value=value[:60].replace("`", "'"))
    option = _OPTION_OF.get(flag)
    if option is None:
        if flag in _FOREIGN:
            raise wrong
        raise InputError("flag_unknown", flag=f"--{flag[:30]}", known=", ".join(KNOWN_FLAGS))
    read = _READERS.get(option.kind) or _choice(option.kind)
    try:
        return option.field, read(value if option.default == "" else as_ascii(value))
    except ValueError:
        raise wrong from None
