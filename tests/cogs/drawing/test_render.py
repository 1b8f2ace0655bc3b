"""Messages made from jobs and events."""

from dataclasses import replace

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.values import Progress, Queued
from cogs.common.messages import MAX_ALT_TEXT, Outgoing
from cogs.drawing import render
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from pipeline.card import DEFAULT_PRESET, DEFAULT_SAMPLER
from pipeline.errors import EngineError, RefusedError
from pipeline.hints import Hint, HintKind
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest

LONG = "*" * 4000


def job(prompt: str = "1girl, smile", *, count: int = 1) -> JobRecord:
    request = ResolvedRequest(
        prompt=prompt,
        negative_prompt="lowres",
        width=832,
        height=1216,
        preset=DEFAULT_PRESET,
        rating=Rating.SAFE,
        sampler=DEFAULT_SAMPLER,
        num_inference_steps=28,
        guidance_scale=7.0,
        seed=42,
        count=count,
        private=False,
        original=GenerationRequest(prompt=prompt),
    )
    return JobRecord(
        id="abcdefghjkmn",
        user_id=1,
        guild_id=2,
        channel_id=3,
        private=False,
        rating=Rating.SAFE,
        request=request,
        weight=1,
        locale="en-US",
        state="queued",
        error=None,
        delivery="pending",
        application_id=4,
        interaction_token="secret",
        token_expires_at=0.0,
        message_id=None,
        accepted_at=0.0,
        started_at=None,
        ended_at=None,
    )


PICTURE = PictureRecord(
    id="p", job_id="abcdefghjkmn", position=0, seed=42, width=832, height=1216,
    rating=Rating.SAFE, content_hash="0" * 64, size_bytes=1, model_name="Animagine XL 3.1",
    model_repository="r", model_revision="v", model_hash="h", precision="fp32", provider="cpu",
    engine="own", elapsed_s=1.0, made_at=0.0,
)  # fmt: skip


def described(message: Outgoing) -> str:
    return message.content or message.embeds[0].description or ""


def test_waiting_says_place_and_time_and_can_be_cancelled() -> None:
    message = render.waiting(job(), Queued(position=2, eta_s=95))
    assert "2 requests are ahead of yours" in described(message)
    assert "about 2 minutes" in described(message)
    assert message.view is not None
    assert [getattr(item, "custom_id", None) for item in message.view.children] == [
        "ekaki:cancel:abcdefghjkmn"
    ]


@pytest.mark.parametrize(
    ("position", "words"), [(0, "Your picture is next"), (1, "1 request is ahead of yours")]
)
def test_small_numbers_have_their_own_words(position: int, words: str) -> None:
    assert words in described(render.waiting(job(), Queued(position=position, eta_s=None)))


def test_progress_counts_over_all_pictures() -> None:
    event = Progress(picture=2, pictures=2, step=14, steps=28, eta_s=None)
    message = render.progress(job(count=2), event, None)
    assert "72%, step 14 of 28." in described(message)
    assert "Picture 2 of 2" in described(message)


def test_previews_are_shown_inside_the_embed() -> None:
    event = Progress(picture=1, pictures=1, step=1, steps=2, eta_s=None)
    message = render.progress(job(), event, b"jpeg")
    assert message.embeds[0].image.url == "attachment://preview.jpg"
    assert [attachment.name for attachment in message.attachments] == ["preview.jpg"]


def test_a_result_is_what_was_typed_and_one_grey_line() -> None:
    message = render.completed(job(), [PICTURE], [], notice="random")
    assert (message.content or "").splitlines() == [
        "1girl, smile",
        "-# 832 × 1216 · seed 42 · random",
    ]
    assert message.embeds == ()


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((42, 43), "seeds 42 to 43"),
        ((42, 42), "seed 42"),
        ((7, 9, 2), "seeds 7, 9, 2"),
        ((2**32 - 1, 0), "seeds 4294967295, 0"),
    ],
)
def test_seeds_are_told_in_short(seeds: tuple[int, ...], words: str) -> None:
    pictures = [replace(PICTURE, position=n, seed=seed) for n, seed in enumerate(seeds)]
    message = render.completed(job(count=len(seeds)), pictures, [], notice="")
    assert message.content == f"1girl, smile\n-# 832 × 1216 · {words}"


@pytest.mark.parametrize("typed", ["1girl, " * 100, "猫耳の女の子、" * 60, "x" * 4000])
def test_what_was_typed_is_cut_after_two_lines_of_a_phone(typed: str) -> None:
    first = (render.completed(job(typed), [PICTURE], [], notice="").content or "").splitlines()[0]
    assert first.endswith("…")
    assert sum(2 if ord(each) > 0x2E80 else 1 for each in first) <= 77


@given(st.text(max_size=300), st.lists(st.text(max_size=90), max_size=12))
def test_no_prompt_and_no_hints_are_too_long_for_discord(typed: str, names: list[str]) -> None:
    made = job(typed)
    hints = tuple(Hint(HintKind.LORA, name, name * 3) for name in names)
    made = replace(made, request=replace(made.request, hints=hints))
    message = render.completed(made, [PICTURE], [], notice="n" * 3000, withheld=2)
    content = message.content or ""
    assert 0 < len(content) <= 1970
    assert content.count("832 × 1216") == 1


@given(
    st.integers(1, 4).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_the_bar_never_says_that_all_is_done(
    picture: tuple[int, int], step: tuple[int, int]
) -> None:
    event = Progress(
        picture=picture[0], pictures=picture[1], step=step[0], steps=step[1], eta_s=None
    )
    words = described(render.progress(job(count=picture[1]), event, None))
    assert "▱" in words
    assert "100%" not in words
    assert ("finishing and checking" in words) == (step[0] == step[1])


def test_file_names_tell_the_job_and_alt_text_the_prompt() -> None:
    attachment = render.picture_attachment(job("1girl, @everyone"), PICTURE, b"png", "png")
    assert attachment.name == "ekaki-abcdefghjkmn-1.png"
    assert attachment.description == "Generated anime picture. Prompt: 1girl, @everyone"
    long = render.picture_attachment(job(LONG), PICTURE, b"png", "png")
    assert len(long.description) <= MAX_ALT_TEXT


def test_files_can_be_sent_again() -> None:
    attachment = render.picture_attachment(job(), PICTURE, b"png", "png")
    message = Outgoing(embeds=(), attachments=(attachment,))
    assert [file.fp.read() for _ in range(2) for file in message.files()] == [b"png", b"png"]


def all_messages(made_of: JobRecord) -> list[Outgoing]:
    step = Progress(picture=1, pictures=1, step=1, steps=2, eta_s=3.0)
    error = RefusedError("job_expired")
    return [
        render.waiting(made_of, Queued(position=0, eta_s=None, loading=True)),
        render.progress(made_of, step, b"jpeg"),
        render.completed(made_of, [PICTURE], [], notice="n" * 3000),
        render.failed(made_of, error, now=0.0),
        render.cancelled(made_of),
    ]


def test_the_longest_prompt_fits_every_message() -> None:
    for message in all_messages(job(LONG)):
        assert sum(len(embed) for embed in message.embeds) <= 6000
        for embed in message.embeds:
            assert len(embed.description or "") <= 4096


def test_prompts_are_shown_as_typed_and_never_formatted() -> None:
    for message in all_messages(job("**bold** @everyone <@1> [x](http://a.b)")):
        words = described(message)
        assert "\\*\\*bold\\*\\*" in words
        assert "@everyone" not in words
        assert "\\<@1>" in words


def test_what_ended_without_a_picture_can_be_tried_again_and_edited() -> None:
    for message in all_messages(job())[3:]:
        assert message.view is not None
        assert [getattr(item, "custom_id", None) for item in message.view.children] == [
            "ekaki:again:abcdefghjkmn",
            "ekaki:edit:abcdefghjkmn",
        ]


def test_a_failure_says_that_nothing_is_counted() -> None:
    message = render.failed(job(), EngineError("engine_failed"), now=0.0)
    assert "does not count" in described(message)
    assert message.embeds[0].colour == discord.Colour.red()
