"""`speed: balanced` reuses deep features, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.card import Sampler, Speed
from pipeline.engine.own import OwnEngine
from pipeline.engine.rows import Row
from pipeline.engine.savings import BALANCED, NOTHING_SAVED, Savings
from pipeline.engine.unet import open_unet
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.prompt.drawn_texts import texts_of
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.own_model import Quiet, make_request, open_own
from tests.pipeline.preparing import Shared

STEPS = 12


def drawn(engine: OwnEngine, savings: Savings) -> NDArray[np.float32]:
    row = engine.begin(make_request(num_inference_steps=STEPS), 0)
    row.savings = savings
    while not row.done:
        engine.step([row])
    return row.latents


@pytest.mark.parametrize("variant", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("model", ["tiny", "tiny_v", "tiny_2024"])
def test_the_shallow_graph_computes_what_the_whole_one_does(
    model: str,
    variant: Variant,
    shared: Shared,
    cpu: SessionFactory,
    request: pytest.FixtureRequest,
) -> None:
    folder = ModelFolder.open(shared(request.getfixturevalue(model), variant).path)
    unet = open_unet(cpu, folder)
    assert unet.can_reuse
    rng = np.random.default_rng(1)
    widths = {name: port.shape[-1] for name, port in unet.session.inputs.items() if port.shape}
    sample = rng.normal(size=(1, folder.latent_channels, 12, 8)).astype(np.float32)
    inputs = {
        "sample": sample,
        "timesteps": np.array([481], np.float32),
        "prompt_embeds": rng.normal(size=(1, 77, _number(widths["encoder_hidden_states"]))),
        "pooled": rng.normal(size=(1, _number(widths["text_embeds"]))),
        "time_ids": np.array([[96, 64, 0, 0, 96, 64]]),
    }
    typed = {name: value.astype(np.float32) for name, value in inputs.items()}
    plain = unet.predict(**typed)  # pyright: ignore[reportArgumentType]
    whole, deep = unet.predict_deep(**typed)  # pyright: ignore[reportArgumentType]
    shallow = unet.predict_shallow(deep, **typed)  # pyright: ignore[reportArgumentType]
    assert np.array_equal(plain, whole)
    assert np.abs(shallow - whole).max() <= (2e-3 if variant == "fp16" else 1e-5)


def _number(side: int | str | None) -> int:
    assert isinstance(side, int)
    return side


@pytest.fixture(scope="module")
def engine(tiny: ModelFolder, shared: Shared) -> OwnEngine:
    return open_own(shared(tiny, "fp32").path)


def test_a_balanced_picture_is_close_to_the_full_one(engine: OwnEngine) -> None:
    full, balanced = (drawn(engine, each) for each in (NOTHING_SAVED, BALANCED))
    error = np.linalg.norm(balanced - full) / np.linalg.norm(full)
    assert 0 < error < 0.2


def test_beside_others_it_is_the_picture_that_it_is_alone(engine: OwnEngine) -> None:
    requests = [
        make_request(num_inference_steps=STEPS, seed=1),
        make_request(num_inference_steps=STEPS - 3, seed=2, sampler=Sampler.DDIM),
        make_request(num_inference_steps=STEPS, seed=3, guidance_scale=1.0),
    ]
    policies = [BALANCED, Savings(every=2, guided_share=0.5), NOTHING_SAVED]
    rows: list[Row] = []
    for request, savings in zip(requests, policies, strict=True):
        rows.append(engine.begin(request, 0))
        rows[-1].savings = savings
    while any(not row.done for row in rows):
        engine.step([row for row in rows if not row.done])
    for row, request, savings in zip(rows, requests, policies, strict=True):
        alone = engine.begin(request, 0)
        alone.savings = savings
        while not alone.done:
            engine.step([alone])
        assert np.array_equal(alone.latents, row.latents)


def test_the_request_says_so(engine: OwnEngine) -> None:
    full = engine.draw(make_request(num_inference_steps=STEPS), 0, Quiet()).image
    request = make_request(num_inference_steps=STEPS, speed=Speed.BALANCED)
    balanced, again = (engine.draw(request, 0, Quiet()).image for _ in range(2))
    assert full.tobytes() != balanced.tobytes()
    assert balanced.tobytes() == again.tobytes()


@pytest.mark.parametrize("prompt", ["[cat|dog|bird]", "[cat:dog:5]", "[[cat:dog:4]|bird], hat"])
def test_a_prompt_that_changes_is_drawn_with_features_of_its_own(
    engine: OwnEngine, prompt: str
) -> None:
    request = make_request(prompt=prompt, num_inference_steps=STEPS, speed=Speed.BALANCED)
    row, texts = engine.begin(request, 0), texts_of(request)
    kept, reused = None, 0
    while not row.done:
        if row.reuses:
            reused += 1
            assert texts[row.steps_done] == kept
        else:
            kept = texts[row.steps_done]
        engine.step([row])
    assert reused == BALANCED.reused(STEPS, texts)


def test_a_model_without_a_shallow_graph_draws_in_full(tiny_path: Path) -> None:
    engine = open_own(tiny_path)
    pictures = [
        engine.draw(make_request(speed=speed), 0, Quiet()).image.tobytes()
        for speed in (Speed.FULL, Speed.BALANCED)
    ]
    assert pictures[0] == pictures[1]
