"""Prompt embeddings, and a cache of them bounded in bytes."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEmbeds:
    """One text, encoded: embeds (1, 77 * chunks, width of both encoders), pooled (1, width_2).
    Several of them: one after another in the first axis."""

    embeds: FloatArray
    pooled: FloatArray

    @classmethod
    def joined(cls, texts: "Sequence[TextEmbeds]") -> "TextEmbeds":
        """`texts`, which have the same number of chunks, as one."""
        return cls(
            embeds=np.concatenate([each.embeds for each in texts]),
            pooled=np.concatenate([each.pooled for each in texts]),
        )

    @property
    def size_bytes(self) -> int:
        return self.embeds.nbytes + self.pooled.nbytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptEmbeds:
    """A prompt (or one for each region) and its negative, padded to the same length, float32.

    `prompt_embeds` and `negative_prompt_embeds`: (1, 77 * chunks, width of both encoders);
    `pooled_prompt_embeds` and `negative_pooled_prompt_embeds`: (1, width of the second encoder).
    Those of the prompt: (regions, ...) if there are any.
    """

    prompt_embeds: FloatArray
    negative_prompt_embeds: FloatArray
    pooled_prompt_embeds: FloatArray
    negative_pooled_prompt_embeds: FloatArray


class EmbedsCache:
    """The most recently used texts, up to `limit_bytes`. Not thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[tuple[object, ...], TextEmbeds] = OrderedDict()
        self.size_bytes = 0

    def get(self, key: tuple[object, ...]) -> TextEmbeds | None:
        """The value of `key`, which becomes the newest."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: tuple[object, ...], value: TextEmbeds) -> None:
        """Store `value`, dropping the oldest; a value larger than the whole cache is not stored."""
        if key in self._kept or value.size_bytes > self._limit_bytes:
            return
        self._kept[key] = value
        self.size_bytes += value.size_bytes
        while self.size_bytes > self._limit_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.size_bytes -= dropped.size_bytes
