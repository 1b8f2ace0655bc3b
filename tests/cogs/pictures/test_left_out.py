"""What of a stranger's picture can't be repeated, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.pictures.left_out import left_out_note
from cogs.pictures.settings_text import foreign_settings
from data.shipped.text import keys, languages, speaking
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.programs import Program
from pipeline.metadata.read import PictureMetadata
from pipeline.prompt.flags_line import request_of


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_kind_has_words_in_every_language(language: str) -> None:
    assert {f"left_out.{kind}" for kind in LeftOut} <= keys(language)
    said = Parameters(
        prompt="a, " * 3000, num_inference_steps=0, guidance_scale=99.5, left_out={LeftOut.LORA: ()}
    )
    with speaking(language):
        lines = left_out_note(said, request_of(said)).splitlines()
    assert len(lines) == 4
    assert any("99.5" in line and "20" in line for line in lines)


def test_nothing_is_said_where_everything_can_be_repeated() -> None:
    said = Parameters(prompt="1girl", num_inference_steps=20, guidance_scale=5.0, seed=1)
    assert left_out_note(said, request_of(said)) == ""


@given(
    st.dictionaries(st.sampled_from(LeftOut), st.lists(st.text(max_size=60)).map(tuple)),
    st.dictionaries(st.text(max_size=60), st.text(max_size=2000), max_size=30),
    st.text(max_size=5000),
)
def test_the_message_fits_whatever_the_file_says(
    left_out: dict[LeftOut, tuple[str, ...]], pairs: dict[str, str], prompt: str
) -> None:
    said = Parameters(prompt=prompt, left_out=left_out, pairs=pairs)
    found = PictureMetadata(program=Program.A1111, parameters=said)
    (embed,) = foreign_settings(found, request_of(said)).embeds
    assert len(embed) <= 6000
    assert len(embed.fields) <= 25
    assert all(0 < len(each.value or "") <= 1024 for each in embed.fields)
    assert all(0 < len(each.name or "") <= 256 for each in embed.fields)
