"""Prompts that change while they are drawn, against a plain loop and against plain prompts."""

import numpy as np
import pytest
from PIL import Image

from pipeline.card import Sampler
from pipeline.engine.own import OwnEngine
from pipeline.errors import EngineError
from pipeline.hints import HintKind
from pipeline.model.folder import ModelFolder
from pipeline.prompt.drawn_texts import StepTexts, with_first_texts
from pipeline.runtime.sessions import OrtSession, SessionFactory
from pipeline.text.embeds import TextEmbeds
from pipeline.text.text_encoder import PromptEncoder, Which
from tests.pipeline.engine.reference import latents_of
from tests.pipeline.own_model import Quiet, latents_drawn, make_request

CAT, DOG, BAD = "girl, (cat:1.3), sky", "girl, (dog:1.3), sky", "bad"
LONG = ", ".join(["sky"] * 60)


def test_a_prompt_that_changes_to_itself_is_the_plain_prompt(engine: OwnEngine) -> None:
    plain = latents_drawn(engine, make_request(prompt=CAT))
    for prompt in ("girl, [(cat:1.3)|(cat:1.3)], sky", "girl, [(cat:1.3):(cat:1.3):2], sky"):
        np.testing.assert_array_equal(latents_drawn(engine, make_request(prompt=prompt)), plain)
    late = "girl, [(cat:1.3):(dog:1.3):40], sky"
    np.testing.assert_array_equal(latents_drawn(engine, make_request(prompt=late)), plain)


@pytest.mark.parametrize("sampler", [*Sampler])
@pytest.mark.parametrize(
    "change",
    [
        ("girl, (cat:1.3), sky", BAD, "CCCCC"),
        ("girl, [(cat:1.3):(dog:1.3):2], sky", BAD, "CCDDD"),
        ("girl, [(cat:1.3)|(dog:1.3)], sky", "[bad:bad:0.5]", "CDCDC"),
    ],
)
def test_a_change_is_a_loop_that_goes_on_with_the_other_prompt(
    folder: ModelFolder,
    engine: OwnEngine,
    prompts: PromptEncoder,
    sampler: Sampler,
    change: tuple[str, str, str],
) -> None:
    """The first `k` steps with one prompt, and the rest with the other."""
    prompt, negative, by_step = change
    request = make_request(
        prompt=prompt, negative_prompt=negative, num_inference_steps=5, sampler=sampler
    )
    embeds = {"C": prompts.encode(CAT, BAD), "D": prompts.encode(DOG, BAD)}
    texts = {
        name: TextEmbeds(embeds=each.prompt_embeds, pooled=each.pooled_prompt_embeds)
        for name, each in embeds.items()
    }
    avoided = TextEmbeds(
        embeds=embeds["C"].negative_prompt_embeds, pooled=embeds["C"].negative_pooled_prompt_embeds
    )
    wanted = latents_of(
        engine,
        folder,
        request,
        wanted=lambda step: [(texts[by_step[step]], 1.0)],
        negative=lambda _step: avoided,
    )
    np.testing.assert_allclose(latents_drawn(engine, request), wanted, rtol=1e-4, atol=1e-4)


def test_the_negative_changes_too(engine: OwnEngine) -> None:
    changing = latents_drawn(engine, make_request(negative_prompt="[bad:sky:2]"))
    row, other = (engine.begin(make_request(negative_prompt=each), 0) for each in ("bad", "sky"))
    for step in range(row.steps):
        if step == 2:
            row.conditioning = other.conditioning
        engine.step([row])
    np.testing.assert_array_equal(changing, row.latents)


def test_texts_of_other_lengths_are_padded_with_empty_chunks(prompts: PromptEncoder) -> None:
    """As in A1111, which encodes all texts of a schedule together."""
    steps = prompts.encode_steps([StepTexts(("cat",), BAD), StepTexts((LONG,), BAD)])
    assert [each.prompt_embeds.shape[1] for each in steps] == [2 * 77, 2 * 77]
    padded = prompts.encode("cat BREAK BREAK", BAD)
    assert padded.prompt_embeds.shape[1] == 2 * 77
    np.testing.assert_array_equal(steps[0].prompt_embeds, padded.prompt_embeds)
    np.testing.assert_array_equal(steps[0].pooled_prompt_embeds, padded.pooled_prompt_embeds)


def test_a_negative_that_is_empty_for_a_while_is_encoded(prompts: PromptEncoder) -> None:
    """As in A1111: zeros only if it is never anything."""
    steps = prompts.encode_steps([StepTexts(("cat",), ""), StepTexts(("cat",), "bad")])
    assert all(each.negative_prompt_embeds.any() for each in steps)
    steps = prompts.encode_steps([StepTexts(("cat",), ""), StepTexts(("dog",), " ")])
    assert not any(each.negative_prompt_embeds.any() for each in steps)


def test_each_text_is_encoded_once(prompts: PromptEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    session = prompts.session

    def counted(which: Which) -> OrtSession:
        runs.append(which)
        return session(which)

    monkeypatch.setattr(prompts, "session", counted)
    texts = [StepTexts(("one",), "none"), StepTexts(("two",), "none")] * 10
    steps = prompts.encode_steps(texts)
    assert runs.count("text_encoder") == 3
    assert len({id(each) for each in steps}) == 2


def test_too_many_long_texts_are_refused(prompts: PromptEncoder) -> None:
    texts = [StepTexts((" BREAK ".join(["sky"] * 20) + str(n),), BAD) for n in range(16)]
    with pytest.raises(EngineError, match="prompt_too_many_tokens"):
        prompts.encode_steps(texts)


def test_a_picture_to_start_from_takes_the_first_texts(engine: OwnEngine) -> None:
    """As in A1111: steps are counted from the first that is run."""
    image = Image.new("RGB", (64, 96), "teal")
    start = {"init_picture": "a", "strength": 0.5, "num_inference_steps": 8}
    late = make_request(prompt="[cat:dog:4]", **start)
    plain = make_request(prompt="cat", **start)
    np.testing.assert_array_equal(
        latents_drawn(engine, late, image), latents_drawn(engine, plain, image)
    )
    early = latents_drawn(engine, make_request(prompt="[cat:dog:2]", **start), image)
    assert not np.array_equal(early, latents_drawn(engine, plain, image))


def test_an_upscale_takes_the_last_texts(engine: OwnEngine) -> None:
    """As A1111's second pass."""
    image = Image.new("RGB", (64, 96), "teal")
    start = {"init_picture": "a", "strength": 0.5, "upscale_factor": 1.5}
    late = make_request(prompt="[cat:dog:0.9]", **start)
    plain = make_request(prompt="dog", **start)
    np.testing.assert_array_equal(
        latents_drawn(engine, late, image), latents_drawn(engine, plain, image)
    )


def test_rows_that_change_share_runs(engine: OwnEngine) -> None:
    requests = [
        make_request(prompt="[cat|dog]", seed=1),
        make_request(prompt="cat", seed=2),
        make_request(prompt="[cat:dog:0.5]", negative_prompt="[bad|sky]", seed=3),
    ]
    alone = [latents_drawn(engine, each) for each in requests]
    rows = [engine.begin(each, 0) for each in requests]
    while not rows[0].done:
        engine.step(rows)
    for row, latents in zip(rows, alone, strict=True):
        np.testing.assert_array_equal(row.latents, latents)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_stock_engine_draws_the_first_text(folder: ModelFolder, cpu: SessionFactory) -> None:
    from pipeline.engine.stock import StockEngine
    from tests.pipeline.own_model import describe

    stock = StockEngine(
        folder, cpu, prompts=PromptEncoder(folder, cpu), description=describe(folder)
    )
    request = make_request(prompt="girl, [cat:dog:2]", negative_prompt="[bad|sky]")
    plain = make_request(prompt="girl, cat", negative_prompt="bad")
    changing, first = (stock.draw(each, 0, Quiet()).image for each in (request, plain))
    assert changing.tobytes() == first.tobytes()
    told = with_first_texts(request)
    assert (told.prompt, told.negative_prompt) == ("girl, cat", "bad")
    assert [(each.kind, each.typed, each.used) for each in told.hints] == [
        (HintKind.UNCHANGING, "[cat:dog:2]", "cat"),
        (HintKind.UNCHANGING, "[bad|sky]", "bad"),
    ]
    assert with_first_texts(plain) is plain
