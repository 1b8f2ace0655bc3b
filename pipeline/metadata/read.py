"""Reads how a foreign file was made. Pure; takes some milliseconds: use a thread."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from pipeline.card import MAX_SEED
from pipeline.errors import InputError
from pipeline.lora.typed import TypedLora, find_loras
from pipeline.metadata.bounds import names_of
from pipeline.metadata.chunks import is_png, pixels_begun, text_chunks
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.programs import KEYS, Program, readings
from pipeline.metadata.removal import remove_embeddings, remove_networks, remove_words
from pipeline.metadata.samplers import choose_sampler

_NO_LETTER = re.compile("[\ud800-\udfff\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]")
_MAX_NAME: Final = 60
_MAX_LORAS: Final = 20
_MAX_PROMPT: Final = 64 * 1024  # characters of each text


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMetadata:
    """What a file says, and which program wrote it."""

    program: Program
    parameters: Parameters


def read_metadata(data: bytes) -> PictureMetadata:
    """What the PNG `data` (or its start) says about how it was made; never reads pixels.

    Raises InputError `metadata_missing` if it says nothing, `metadata_unreadable` with the
    program's name if that is recognised but the text can't be read.
    """
    unreadable: Program | None = None
    for program, said in readings(text_chunks(data)):
        if said is not None and (said.prompt or said.negative_prompt or said.pairs):
            return PictureMetadata(program=program, parameters=_finished(_clean(said)))
        unreadable = unreadable or program
    if unreadable is None:
        raise InputError("metadata_missing")
    raise InputError("metadata_unreadable", program=unreadable.value)


def is_decided(data: bytes) -> bool:
    """Whether the rest of the file is not needed: it is no PNG, or texts precede its pixels."""
    if len(data) < 8:
        return False
    return not is_png(data) or (pixels_begun(data) and not KEYS.isdisjoint(text_chunks(data)))


def _finished(said: Parameters) -> Parameters:
    """Without names of files that we can't load, which a model would read as words, and with a list
    of everything that is missing here."""
    words = said.left_out.get(LeftOut.EMBEDDING, ())
    names: dict[LeftOut, list[str]] = {LeftOut.LORA: [], LeftOut.EMBEDDING: []}
    texts: list[str] = []
    for text in (said.prompt[:_MAX_PROMPT], said.negative_prompt[:_MAX_PROMPT]):
        bare, networks = remove_networks(text)
        bare, embeddings = remove_embeddings(bare)
        texts.append(remove_words(bare, words))
        names[LeftOut.LORA] += networks
        names[LeftOut.EMBEDDING] += embeddings
    left_out = {**said.left_out, **_settings_left_out(said)}
    for kind, found in names.items():
        if found:
            left_out[kind] = names_of([*said.left_out.get(kind, ()), *found])
    prompt, negative = texts
    loras = _loras(said.prompt[:_MAX_PROMPT], left_out.get(LeftOut.LORA, ()))
    if not prompt:
        left_out.setdefault(LeftOut.PROMPT, ())
    return replace(said, prompt=prompt, negative_prompt=negative, loras=loras,
                   left_out=MappingProxyType(left_out))  # fmt: skip


def _loras(prompt: str, names: Iterable[str]) -> tuple[TypedLora, ...]:
    """Those that the prompt names, with strengths, and those that only `names` have."""
    found = {each.name: each for each in find_loras(prompt)}
    return tuple(({name: TypedLora(name) for name in names} | found).values())[:_MAX_LORAS]


def _clean(said: Parameters) -> Parameters:
    """Without characters that no message can contain: JSON may contain lone surrogates."""
    texts = {each.name: getattr(said, each.name) for each in fields(said)}
    cleaned: dict[str, Any] = {
        name: _NO_LETTER.sub("", value) for name, value in texts.items() if type(value) is str
    }
    pairs = {_NO_LETTER.sub("", k): _NO_LETTER.sub("", v) for k, v in said.pairs.items()}
    names = {kind: tuple(_NO_LETTER.sub("", name) for name in found)
             for kind, found in said.left_out.items()}  # fmt: skip
    return replace(said, **cleaned, pairs=MappingProxyType(pairs), left_out=MappingProxyType(names))


def _settings_left_out(said: Parameters) -> dict[LeftOut, tuple[str, ...]]:
    found: dict[LeftOut, tuple[str, ...]] = {}
    chosen = choose_sampler(said.sampler_name, said.schedule_type)
    if said.sampler_name and chosen.sampler is None:
        found[LeftOut.SAMPLER] = (said.sampler_name[:_MAX_NAME],)
    if chosen.missing_schedule:
        found[LeftOut.SCHEDULE] = (chosen.missing_schedule[:_MAX_NAME],)
    if said.seed is not None and said.seed > MAX_SEED:
        found[LeftOut.SEED] = (str(said.seed),)
    if said.variation_strength:
        found[LeftOut.VARIATION] = ()
    return found
