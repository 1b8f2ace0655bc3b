"""Prompts in A1111's syntax to SDXL's embeddings: both text encoders, weights, chunks, cache."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np

from pipeline.errors import EngineError
from pipeline.lora.adapter import LoraSet
from pipeline.model.folder import Component, ModelFolder
from pipeline.plan.memory import give_back_heap
from pipeline.prompt.chunks import CHUNK_TOKENS, Chunk, lay_out, pad_to
from pipeline.prompt.drawn_texts import StepTexts, texts_of
from pipeline.prompt.weights import parse_weights
from pipeline.request import ResolvedRequest
from pipeline.runtime.adapters import combine
from pipeline.runtime.ports import Array, Session
from pipeline.runtime.sessions import OrtSession, SessionFactory
from pipeline.text.embeds import EmbedsCache, FloatArray, PromptEmbeds, TextEmbeds
from pipeline.text.tokenizer import ClipTokenizer

MAX_CHUNKS: Final = 40
"""4,000 characters of tags are about 15 chunks; 4,000 emoji would be over a hundred, each of which
makes every step of the UNet slower for everybody."""

MAX_CHANGING_CHUNKS: Final = 160
"""Of all texts of a prompt that changes while it is drawn: with SDXL 200 MB with the negatives."""

CACHE_BYTES: Final = 64 * 2**20
"""About a hundred prompts of one chunk (SDXL: 77 x 2048 float32 = 631 kB)."""

Which = Literal["text_encoder", "text_encoder_2"]


class PromptEncoder:
    """Encodes prompts and caches the last ones. Not thread-safe: the engine's thread owns it.

    With `keep_sessions=False` the encoders (3.3 GB for SDXL) are loaded for each new prompt and
    freed again. `instead`: weights to use in place of the folder's own.
    """

    def __init__(
        self,
        folder: ModelFolder,
        factory: SessionFactory,
        *,
        keep_sessions: bool = True,
        cache_bytes: int = CACHE_BYTES,
        instead: Mapping[Component, Mapping[str, Array]] | None = None,
    ) -> None:
        self._folder = folder
        self._factory = factory
        self._keep_sessions = keep_sessions
        self._tokenizer = ClipTokenizer(folder.tokenizer_folder(1))
        self._pads: dict[Which, int] = {
            "text_encoder": self._tokenizer.pad,
            "text_encoder_2": ClipTokenizer(folder.tokenizer_folder(2)).pad,
        }
        self._cache = EmbedsCache(cache_bytes)
        self._open: dict[Which, OrtSession] = {}
        self._instead = instead or {}
        if keep_sessions:
            self.session("text_encoder")
            self.session("text_encoder_2")

    def encode_request(
        self, request: ResolvedRequest, loras: LoraSet | None = None
    ) -> PromptEmbeds:
        """Embeddings of the texts of the first step of `request`, whose open LoRAs are `loras`.
        Raises as `encode`."""
        return self.encode_steps(texts_of(request)[:1], loras)[0]

    def encode(
        self, prompt: str, negative_prompt: str, loras: LoraSet | None = None
    ) -> PromptEmbeds:
        """Embeddings of both. See `encode_steps`."""
        return self.encode_steps([StepTexts((prompt,), negative_prompt)], loras)[0]

    def encode_steps(
        self, steps: Sequence[StepTexts], loras: LoraSet | None = None
    ) -> tuple[PromptEmbeds, ...]:
        """Embeddings of the texts of each step, by encoders with `loras`; the same object for the
        same texts. All are padded to the same number of chunks with empty ones, as in A1111.

        Empty negatives are all zeros where the model says so (`force_zeros_for_empty_prompt`), as
        in diffusers without a negative and in A1111. Raises ModelError, EngineError, the latter
        also for a prompt of more than MAX_CHUNKS chunks, or MAX_CHANGING_CHUNKS in all its texts,
        InputError as `combine`.
        """
        loras = loras or LoraSet()
        different = dict.fromkeys(steps)
        texts = {text for each in different for text in (*each.prompts, each.negative_prompt)}
        count = max(len(self.chunks(text)) for text in texts)
        most = min(MAX_CHUNKS, MAX_CHANGING_CHUNKS // sum(len(e.prompts) for e in different))
        if count > most:
            raise EngineError("prompt_too_many_tokens", limit=most * CHUNK_TOKENS)
        zeros = self._folder.force_zeros_for_empty_prompt and not any(
            each.negative_prompt.strip() for each in different
        )
        try:
            found = {each: self._encode_both(each, count, loras, zeros=zeros) for each in different}
        finally:
            if not self._keep_sessions and self._open:
                self._open.clear()
                give_back_heap()
        return tuple(found[each] for each in steps)

    def _encode_both(
        self, texts: StepTexts, count: int, loras: LoraSet, *, zeros: bool
    ) -> PromptEmbeds:
        """`zeros`: instead of the negative."""
        drawn = [
            self._encode(self._padded(self.chunks(text), count), loras) for text in texts.prompts
        ]
        positive = drawn[0] if len(drawn) == 1 else TextEmbeds.joined(drawn)
        if zeros:
            negative = TextEmbeds(
                embeds=np.zeros_like(drawn[0].embeds), pooled=np.zeros_like(drawn[0].pooled)
            )
        else:
            negative = self._encode(self._padded(self.chunks(texts.negative_prompt), count), loras)
        return PromptEmbeds(
            prompt_embeds=positive.embeds,
            negative_prompt_embeds=negative.embeds,
            pooled_prompt_embeds=positive.pooled,
            negative_pooled_prompt_embeds=negative.pooled,
        )

    def chunks(self, prompt: str) -> tuple[Chunk, ...]:
        """The chunks that `prompt` fills, at least one.

        Laid out with the first tokenizer for both encoders, as A1111 does. The second one of SDXL
        reads "!" as padding, which makes a difference only to stock diffusers.
        """
        parts = parse_weights(prompt)
        return lay_out(parts, tokenize=self._tokenizer.encode, special=self._tokenizer.special)

    def session(self, which: Which) -> OrtSession:
        """The open session of an encoder, loaded now if it was not."""
        if which not in self._open:
            weights = self._instead.get(which, {})
            self._open[which] = (
                self._factory.open_with(self._folder, which, weights)
                if weights
                else self._factory.open_ort(self._folder, which)
            )
        return self._open[which]

    def close(self) -> None:
        """Free the sessions. Idempotent."""
        self._open.clear()

    def _padded(self, chunks: Sequence[Chunk], count: int) -> tuple[Chunk, ...]:
        return pad_to(chunks, count, special=self._tokenizer.special)

    def _encode(self, chunks: Sequence[Chunk], loras: LoraSet) -> TextEmbeds:
        texts = tuple((chunk.tokens, chunk.weights) for chunk in chunks)
        key = (loras.key(*self._pads), *texts)
        found = self._cache.get(key)
        if found is None:
            found = self._run(chunks, loras)
            self._cache.put(key, found)
        return found

    def _run(self, chunks: Sequence[Chunk], loras: LoraSet) -> TextEmbeds:
        end = self._tokenizer.special.end
        weights = np.array([chunk.weights for chunk in chunks], np.float32)[:, :, None]
        hidden: list[FloatArray] = []
        pooled = np.empty(0, np.float32)
        for which, pad in self._pads.items():
            ids = np.array([chunk.padded(end=end, pad=pad) for chunk in chunks], np.int64)
            session = self.session(which)
            layer = penultimate(session)
            wanted = [layer, "text_embeds"] if which == "text_encoder_2" else [layer]
            adapter = session.place(combine(loras, which, session.branch))
            outputs = session.run({"input_ids": ids}, wanted, adapter)
            hidden.append(weigh(outputs[layer].astype(np.float32, copy=False), weights))
            if which == "text_encoder_2":
                pooled = outputs["text_embeds"][:1].astype(np.float32, copy=False)
        joined = np.concatenate(hidden, axis=-1)  # (chunks, 77, width of both)
        return TextEmbeds(embeds=joined.reshape(1, -1, joined.shape[-1]), pooled=pooled)


def penultimate(session: Session) -> str:
    """The output that SDXL uses: the penultimate hidden state (`hidden_states[-2]`)."""
    states = [name for name in session.outputs if name.startswith("hidden_states.")]
    return sorted(states, key=lambda name: int(name.rpartition(".")[2]))[-2]


def weigh(hidden: FloatArray, weights: FloatArray) -> FloatArray:
    """A1111's emphasis: multiply each token, then restore each chunk's mean.

    hidden (chunks, 77, width), weights (chunks, 77, 1). Weights of 1 change nothing, to the bit.
    A mean of zero after weighing (all weights 0) is left as it is.
    """
    weighed = hidden.copy()
    for index in range(len(hidden)):
        if (weights[index] == 1).all():
            continue
        changed = hidden[index] * weights[index]
        before, after = hidden[index].mean(), changed.mean()
        weighed[index] = changed if after == 0 else changed * (before / after)
    return weighed
