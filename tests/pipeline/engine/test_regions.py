"""Regions against a plain loop that runs one row after another and blends."""

from typing import Unpack

import numpy as np
import pytest

from pipeline.card import Sampler
from pipeline.engine.loop import UNetInputs
from pipeline.engine.own import OwnEngine
from pipeline.engine.region_shares import region_shares
from pipeline.engine.rows import Floats
from pipeline.engine.unet import UNetSession
from pipeline.errors import InputError
from pipeline.model.folder import ModelFolder
from pipeline.prompt.drawn_texts import StepTexts, texts_of
from pipeline.regions import Place, Region
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.embeds import TextEmbeds
from pipeline.text.text_encoder import PromptEncoder
from tests.pipeline.engine.reference import latents_of
from tests.pipeline.own_model import Quiet, describe, latents_drawn, make_request


def regions(*texts: str, places: tuple[Place, ...] = ()) -> tuple[Region, ...]:
    usual = {2: (Place.LEFT, Place.RIGHT), 3: (Place.LEFT, Place.CENTER, Place.RIGHT)}
    named = zip(places or usual[len(texts)], texts, strict=True)
    return tuple(Region(place=place, prompt=text) for place, text in named)


TWO = regions("girl, cat", "girl, (dog:1.3)")
CHANGING = regions("girl, [cat:dog:2]", "sky", "[cat|dog]")
STACKED = regions("girl", "sky", places=(Place.TOP, Place.BOTTOM))


@pytest.mark.parametrize("case", [(Sampler.EULER_A, 7.0), (Sampler.DPM_2M_KARRAS, 1.0)], ids=str)
@pytest.mark.parametrize("parts", [TWO, CHANGING, STACKED], ids=["two", "changing", "stacked"])
def test_regions_are_predictions_blended_by_their_shares(
    folder: ModelFolder,
    engine: OwnEngine,
    prompts: PromptEncoder,
    parts: tuple[Region, ...],
    case: tuple[Sampler, float],
) -> None:
    sampler, guidance_scale = case
    request = make_request(width=128, regions=parts, sampler=sampler, guidance_scale=guidance_scale)
    factor = folder.vae_scale_factor
    shares = region_shares(parts, height=request.height // factor, width=request.width // factor)

    def encoded(text: str) -> TextEmbeds:
        found = prompts.encode(text, "bad")
        return TextEmbeds(embeds=found.prompt_embeds, pooled=found.pooled_prompt_embeds)

    steps = texts_of(request)
    wanted = latents_of(
        engine,
        folder,
        request,
        wanted=lambda step: [
            (encoded(text), share) for text, share in zip(steps[step].prompts, shares, strict=True)
        ],
        negative=lambda _step: encoded("bad"),
    )
    np.testing.assert_allclose(latents_drawn(engine, request), wanted, rtol=1e-4, atol=1e-4)


def test_equal_regions_are_the_plain_prompt(engine: OwnEngine) -> None:
    plain = latents_drawn(engine, make_request(prompt="girl, cat", width=128))
    same = latents_drawn(engine, make_request(regions=regions("girl, cat", "girl, cat"), width=128))
    np.testing.assert_allclose(same, plain, rtol=1e-4, atol=1e-4)


def test_far_from_the_border_a_region_has_its_own_share_only() -> None:
    shares = region_shares(regions("a", "b", "c"), height=8, width=96)
    assert (shares[0, 0, :, :26] == 1).all()
    assert (shares[1, 0, :, 38:58] == 1).all()
    assert (shares[2, 0, :, 70:] == 1).all()


def test_regions_share_runs_with_plain_pictures(engine: OwnEngine) -> None:
    requests = [
        make_request(width=128, regions=TWO, seed=1),
        make_request(width=128, seed=2),
        make_request(width=128, regions=CHANGING, guidance_scale=1.0, seed=3),
    ]
    alone = [latents_drawn(engine, each) for each in requests]
    rows = [engine.begin(each, 0) for each in requests]
    assert [row.copies for row in rows] == [each.copies for each in requests] == [3, 2, 3]
    while not rows[0].done:
        engine.step(rows)
    for row, latents in zip(rows, alone, strict=True):
        np.testing.assert_allclose(row.latents, latents, rtol=1e-5, atol=1e-5)


def test_on_a_cpu_no_more_rows_than_those_of_a_plain_picture_run_at_once(
    engine: OwnEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    predict = UNetSession.predict

    def counted(unet: UNetSession, **inputs: Unpack[UNetInputs]) -> Floats:
        seen.append(len(inputs["sample"]))
        return predict(unet, **inputs)

    monkeypatch.setattr(UNetSession, "predict", counted)
    latents_drawn(engine, make_request(width=128, regions=CHANGING, num_inference_steps=2))
    assert seen == [2, 2, 2, 2]


def test_regions_are_padded_to_one_length(prompts: PromptEncoder) -> None:
    (made,) = prompts.encode_steps([StepTexts(("cat", "sky, " * 60), "bad")])
    assert made.prompt_embeds.shape[:2] == (2, 2 * 77)
    assert made.pooled_prompt_embeds.shape[0] == 2
    assert made.negative_prompt_embeds.shape[:2] == (1, 2 * 77)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_stock_engine_refuses(folder: ModelFolder, cpu: SessionFactory) -> None:
    from pipeline.engine.stock import StockEngine

    stock = StockEngine(
        folder, cpu, prompts=PromptEncoder(folder, cpu), description=describe(folder)
    )
    with pytest.raises(InputError, match="regions_unavailable"):
        stock.draw(make_request(regions=TWO), 0, Quiet())
