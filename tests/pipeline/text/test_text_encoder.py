"""Prompt embeddings equal the stock pipeline's, and A1111's where stock has no such thing."""

import inspect
from typing import Any

import numpy as np
import pytest

from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.request import DECIDED
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.embeds import EmbedsCache, TextEmbeds
from pipeline.text.text_encoder import PromptEncoder, weigh
from tests.pipeline.own_model import make_request

# diffusers 0.39 hands torch tensors to numpy.array, which numpy 2.4 warns about
# and reads the encoders' config in a way it deprecates itself
pytestmark = [
    pytest.mark.usefixtures("stock_libraries"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Accessing config attribute:FutureWarning"),
]

NAMES = (
    "prompt_embeds",
    "negative_prompt_embeds",
    "pooled_prompt_embeds",
    "negative_pooled_prompt_embeds",
)


def _stock(folder: ModelFolder, prompts: PromptEncoder, cpu: SessionFactory) -> Any:
    from optimum.onnxruntime import ORTStableDiffusionXLPipeline

    from pipeline.engine.stock_pipelines import open_sessions, pipeline_over

    sessions = open_sessions(folder, cpu, prompts)
    return pipeline_over(sessions, folder, ORTStableDiffusionXLPipeline)


@pytest.mark.parametrize("negative", ["nsfw, lowres", ""])
@pytest.mark.parametrize("model", ["tiny", "tiny_v"])
def test_plain_prompts_equal_the_stock_pipeline(
    model: str, negative: str, cpu: SessionFactory, request: pytest.FixtureRequest
) -> None:
    folder: ModelFolder = request.getfixturevalue(model)
    prompts = PromptEncoder(folder, cpu)
    prompt = "1girl, souryuu asuka langley, looking at viewer, masterpiece"
    ours = prompts.encode(prompt, negative)
    reference = _stock(folder, prompts, cpu).encode_prompt(
        prompt=prompt,
        negative_prompt=negative or None,
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
    )
    for name, theirs in zip(NAMES, reference, strict=True):
        np.testing.assert_array_equal(getattr(ours, name), theirs.numpy(), err_msg=name)


@pytest.mark.parametrize(
    ("field", "value"),
    [(each.field, bound) for each in DECIDED if each.low is not None
     for bound in (each.low, each.high)],
)  # fmt: skip
def test_options_reach_the_encoders_as_in_the_stock_pipeline(
    field: str, value: float, tiny: ModelFolder, cpu: SessionFactory
) -> None:
    """Those that the stock pipeline's `encode_prompt` knows, by the same name; others change
    nothing here."""
    prompts = PromptEncoder(tiny, cpu)
    ours = prompts.encode_request(make_request(prompt="1girl", **{field: value}))
    stock = _stock(tiny, prompts, cpu)
    known = inspect.signature(stock.encode_prompt).parameters
    reference = stock.encode_prompt(
        prompt="1girl",
        negative_prompt="bad",
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        **{name: value for name in (field,) if name in known},
    )
    for name, theirs in zip(NAMES, reference, strict=True):
        np.testing.assert_array_equal(getattr(ours, name), theirs.numpy(), err_msg=name)


def test_an_empty_negative_is_zeros(tiny: ModelFolder, cpu: SessionFactory) -> None:
    embeds = PromptEncoder(tiny, cpu).encode("1girl", " ")
    assert not embeds.negative_prompt_embeds.any()
    assert not embeds.negative_pooled_prompt_embeds.any()


def test_long_prompts_are_chunks_one_by_one(tiny: ModelFolder, cpu: SessionFactory) -> None:
    prompts = PromptEncoder(tiny, cpu)
    embeds = prompts.encode("1girl, smile BREAK night sky", "nsfw")
    assert embeds.prompt_embeds.shape == embeds.negative_prompt_embeds.shape
    assert embeds.prompt_embeds.shape[1] == 2 * 77
    first, second = prompts.encode("1girl, smile", ""), prompts.encode("night sky", "")
    joined = np.concatenate([first.prompt_embeds, second.prompt_embeds], axis=1)
    np.testing.assert_allclose(embeds.prompt_embeds, joined, atol=1e-5)
    np.testing.assert_allclose(embeds.pooled_prompt_embeds, first.pooled_prompt_embeds, atol=1e-5)


def test_weights_multiply_and_restore_the_mean() -> None:
    noise = np.random.default_rng(1)
    hidden = noise.standard_normal((2, 77, 8)).astype(np.float32) + 1
    weights = np.ones((2, 77, 1), np.float32)
    weights[0, 3:5] = 1.5
    weighed = weigh(hidden, weights)
    assert weighed[0].mean() == pytest.approx(float(hidden[0].mean()), rel=1e-5)
    ratio = weighed[0] / hidden[0]
    np.testing.assert_allclose(ratio[3:5] / ratio[0, 0], 1.5, rtol=1e-5)
    np.testing.assert_array_equal(weighed[1], hidden[1])


def test_weights_act_on_their_words_only(tiny: ModelFolder, cpu: SessionFactory) -> None:
    prompts = PromptEncoder(tiny, cpu)
    plain, strong = prompts.encode("1girl, smile", ""), prompts.encode("1girl, (smile:1.4)", "")
    ratio = strong.prompt_embeds[0] / plain.prompt_embeds[0]
    width = ratio.shape[1] // 2  # each encoder restores its own mean
    words = len(
        prompts.chunks("1girl, ")[0].tokens[
            : prompts.chunks("1girl, ")[0].tokens.index(prompts.chunks("")[0].tokens[1])
        ]
    )
    np.testing.assert_allclose(ratio[words, :width] / ratio[0, :width], 1.4, rtol=1e-3)
    np.testing.assert_array_equal(strong.pooled_prompt_embeds, plain.pooled_prompt_embeds)


def test_weights_of_nothing_stay_finite(tiny: ModelFolder, cpu: SessionFactory) -> None:
    prompts = PromptEncoder(tiny, cpu)
    for prompt in ("(1girl:0)", "(1girl:-1)", "(1girl:99)", "((((", "\x00😀" * 300):
        embeds = prompts.encode(prompt, "[[[[")
        assert np.isfinite(embeds.prompt_embeds).all(), prompt


class _Counting(SessionFactory):
    opened = 0

    def open_ort(self, folder: ModelFolder, component: Any) -> Any:
        self.opened += 1
        return super().open_ort(folder, component)


def test_sessions_come_and_go_where_memory_is_small(tiny: ModelFolder) -> None:
    factory = _Counting(provider="cpu", threads=1)
    prompts = PromptEncoder(tiny, factory, keep_sessions=False)
    assert factory.opened == 0
    first = prompts.encode("1girl", "nsfw")
    assert factory.opened == 2
    again = prompts.encode("1girl", "nsfw")
    assert factory.opened == 2
    np.testing.assert_array_equal(first.prompt_embeds, again.prompt_embeds)
    prompts.encode("1boy", "nsfw")
    assert factory.opened == 4


def test_the_cache_keeps_the_newest_within_its_bytes() -> None:
    def entry(value: float) -> TextEmbeds:
        return TextEmbeds(
            embeds=np.full((1, 10), value, np.float32), pooled=np.zeros((0,), np.float32)
        )

    cache = EmbedsCache(limit_bytes=80)
    cache.put(("a",), entry(1))
    cache.put(("b",), entry(2))
    assert cache.get(("a",)) is not None
    cache.put(("c",), entry(3))
    assert cache.get(("b",)) is None
    assert cache.get(("a",)) is not None
    assert cache.size_bytes == 80
    cache.put(
        ("huge",), TextEmbeds(embeds=np.zeros((1, 99), np.float32), pooled=np.zeros(0, np.float32))
    )
    assert cache.get(("huge",)) is None


def test_a_prompt_of_too_many_tokens_is_refused_and_the_longest_usual_one_is_not(
    tiny: ModelFolder, cpu: SessionFactory
) -> None:
    prompts = PromptEncoder(tiny, cpu)
    with pytest.raises(EngineError, match="prompt_too_many_tokens"):
        prompts.encode("🎨" * 4000, "")
    usual = ("1girl, long hair, " * 223)[:4000]
    assert prompts.encode(usual, "").prompt_embeds.shape[1] % 77 == 0
