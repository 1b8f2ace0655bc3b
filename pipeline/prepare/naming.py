"""The name of a prepared model, and the hash of its weights."""

import hashlib
from collections.abc import Sequence

from pipeline.model.content_hash import HASH_DIGITS
from pipeline.model.folder import ModelFolder
from pipeline.plan.prepared import LoraNote


def hash_with(source: ModelFolder, loras: Sequence[LoraNote]) -> str:
    """Ten digits that identify the weights: the source's, or others if LoRAs are merged."""
    if not loras:
        return source.content_hash
    parts = [f"{note.sha256}:{note.strength:g}" for note in loras]
    text = "+".join([source.content_hash, *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def name_with(source: ModelFolder, loras: Sequence[LoraNote]) -> str:
    """The source's name, with the LoRAs and their strengths."""
    return " + ".join([source.name, *(f"{note.name}:{note.strength:g}" for note in loras)])
