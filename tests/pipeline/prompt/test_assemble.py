import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.card import CARD_NEGATIVE, PRESETS, Aesthetic, QualityPreset, Style, Year
from pipeline.prompt.assemble import Craft, assemble_negative, assemble_prompt
from pipeline.prompt.pieces import Piece, close_brackets, first_pieces, join_pieces, split_pieces
from pipeline.prompt.read import read_request
from pipeline.prompt.tags import plain_key, plain_keys
from pipeline.prompt.weights import Fragment, parse_weights
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from pipeline.tag_category import TagCategory

KNOWN = {
    "souryuu asuka langley": TagCategory.CHARACTER,
    "ganyu (genshin impact)": TagCategory.CHARACTER,
    "hatsune miku": TagCategory.CHARACTER,
    "neon genesis evangelion": TagCategory.COPYRIGHT,
    "genshin impact": TagCategory.COPYRIGHT,
    "vocaloid": TagCategory.COPYRIGHT,
}
STANDARD = "masterpiece, best quality, very aesthetic, absurdres"


def craft(
    rating: Rating = Rating.SAFE,
    preset: QualityPreset = QualityPreset.STANDARD_31,
    *,
    quality_first: bool = False,
) -> Craft:
    return Craft(preset=preset, rating=rating, quality_first=quality_first, category_of=KNOWN.get)


def bare(prompt: str, **options: str) -> str:
    """The final prompt without quality and rating, to see the order alone."""
    request = GenerationRequest(prompt=prompt, **options)  # type: ignore[arg-type]
    read = read_request(request, lambda name: KNOWN.get(plain_key(name)) is not None).request
    made = assemble_prompt(read, craft(preset=QualityPreset.NONE))
    return made.removesuffix(", safe")


def prompt_of(request: GenerationRequest, how: Craft | None = None) -> str:
    return assemble_prompt(request, how or craft())


def negative_of(request: GenerationRequest, how: Craft | None = None) -> str:
    how = how or craft()
    return assemble_negative(request, how, prompt=assemble_prompt(request, how))


def test_the_order_is_the_cards() -> None:
    assert (
        bare("night, vocaloid, smile, hatsune miku, solo, 1girl")
        == "1girl, hatsune miku, vocaloid, night, smile, solo"
    )


@pytest.mark.parametrize(
    "subject", ["1girl", "2girls", "6+girls", "multiple boys", "1boy", "1other", "(1girl:1.2)"]
)
def test_who_is_in_the_picture_stands_first(subject: str) -> None:
    assert bare(f"smile, {subject}") == f"{subject}, smile"


def test_options_join_the_typed_prompt_in_their_places() -> None:
    assert bare(
        "smile, 1girl", character="ganyu_(genshin_impact)", series="genshin impact", tags="snow"
    ) == (r"1girl, ganyu \(genshin impact\), genshin impact, smile, snow")


def test_a_name_with_brackets_is_escaped_once_and_stands_once() -> None:
    escaped = r"ganyu \(genshin impact\)"
    for typed in (escaped, "ganyu_(genshin_impact)", "ganyu (genshin impact)"):
        assert bare(f"smile, {typed}") == f"{escaped}, smile"
        assert bare(f"{typed}, smile", character=typed) == f"{escaped}, smile"
    assert bare("smile, cat (weight me)") == "smile, cat (weight me)"


def test_known_tags_pasted_from_danbooru_are_written_as_the_model_learned_them() -> None:
    assert (
        bare("hatsune_miku, blue_sky, (Vocaloid:1.2)") == "hatsune miku, (Vocaloid:1.2), blue_sky"
    )
    assert bare("(hatsune_miku:1.1), ^_^") == "(hatsune miku:1.1), ^_^"


def test_a_weighted_group_moves_whole_and_only_before_the_first_break() -> None:
    assert bare("(smile, night:1.2), 1girl") == "1girl, (smile, night:1.2)"
    assert bare("smile BREAK night, 1girl") == "smile BREAK night, 1girl"
    assert bare("a, (b BREAK c), 1girl") == "a, (b BREAK c), 1girl"


def test_a_tag_stands_once_in_its_first_place_and_first_weight() -> None:
    assert bare("long hair, smile, Long_Hair") == "long hair, smile"
    assert bare("smile, night, (smile:1.3), [smile]") == "(smile:1.3), night"
    assert bare("smile, hat", tags="hat, snow") == "smile, hat, snow"
    assert bare("smile BREAK smile") == "smile BREAK smile"


def test_brackets_left_open_do_not_swallow_what_is_added() -> None:
    made = prompt_of(GenerationRequest(prompt="smile, (night, [[rain"))
    assert made == f"smile, (night, [[rain)]], safe, {STANDARD}"
    assert parse_weights(made)[-1] == Fragment(f", safe, {STANDARD}", 1.0)
    assert prompt_of(GenerationRequest(prompt="(smile\\")) == f"(smile), safe, {STANDARD}"


def test_the_added_words_come_last_in_the_cards_order_or_first() -> None:
    request = GenerationRequest(
        prompt="1girl", year=Year.NEWEST, aesthetic=Aesthetic.AESTHETIC, style=Style.PIXEL_ART
    )
    style = "pixel art, sprite, 8-bit, dithering, limited palette"
    assert prompt_of(request) == (
        f"1girl, {style}, safe, newest, aesthetic, masterpiece, best quality, absurdres"
    )
    assert prompt_of(GenerationRequest(prompt="1girl"), craft(quality_first=True)) == (
        f"{STANDARD}, 1girl, safe"
    )


@pytest.mark.parametrize("preset", QualityPreset)
def test_presets_are_appended_as_the_card_and_the_demo_write_them(preset: QualityPreset) -> None:
    request = GenerationRequest(prompt="1girl")
    added = PRESETS[preset].positive
    expected = f"1girl, safe, {added}" if added else "1girl, safe"
    assert prompt_of(request, craft(preset=preset)) == expected
    assert negative_of(request, craft(preset=preset)) == PRESETS[preset].negative


def test_words_of_the_card_that_were_typed_keep_their_kind_out() -> None:
    quality = prompt_of(GenerationRequest(prompt="1girl, worst quality"))
    assert quality == "1girl, worst quality, safe, very aesthetic, absurdres"
    year = prompt_of(GenerationRequest(prompt="1girl, oldest", year=Year.NEWEST))
    assert year == f"1girl, oldest, safe, {STANDARD}"
    aesthetic = prompt_of(GenerationRequest(prompt="1girl, (displeasing)"))
    assert aesthetic == "1girl, (displeasing), safe, masterpiece, best quality, absurdres"
    rating = prompt_of(GenerationRequest(prompt="1girl, nsfw"), craft(Rating.NSFW))
    assert rating == f"1girl, nsfw, {STANDARD}"
    other = prompt_of(GenerationRequest(prompt="1girl, safe"), craft(Rating.NSFW))
    assert other == f"1girl, safe, {STANDARD}"
    explicit = prompt_of(GenerationRequest(prompt="1girl, explicit"), craft(Rating.EXPLICIT))
    assert explicit == f"1girl, explicit, nsfw, {STANDARD}"


def test_we_add_nothing_that_the_user_refused_or_asked_for_on_the_other_side() -> None:
    assert "absurdres" not in prompt_of(
        GenerationRequest(prompt="1girl", negative_prompt="absurdres")
    )
    negative = negative_of(GenerationRequest(prompt="1girl, Signature, worst quality, text"))
    assert not plain_keys(negative) & {"signature", "worst quality", "text"}
    assert "low quality" in plain_keys(negative)


def test_the_negative_is_the_users_then_the_styles_then_the_cards() -> None:
    request = GenerationRequest(
        prompt="1girl", negative_prompt="hat, (lowres:1.4)", style=Style.ANIME
    )
    assert negative_of(request) == (
        "hat, (lowres:1.4), photorealistic, realistic, 3d, sketch, "
        + CARD_NEGATIVE.replace("lowres, ", "")
    )


def test_the_places_negative_joins_the_users_and_yields_to_the_prompt() -> None:
    place = "lowres, blood, (text:1.3), masterpiece"
    request = GenerationRequest(
        prompt="1girl, blood", negative_prompt="hat, text", place_negative=place
    )
    none = craft(preset=QualityPreset.NONE)
    assert negative_of(request, none) == "lowres, masterpiece, hat, text, nsfw"
    both = negative_of(request).split(", ")
    assert both[:3] == ["lowres", "masterpiece", "hat"]
    assert len(both) == len(set(both))
    assert "masterpiece" not in prompt_of(request)


def test_nobody_is_told_of_what_the_place_wrote() -> None:
    request = GenerationRequest(prompt="1girl", place_negative="{lowres}, hat --stylize 50")
    read = read_request(request, lambda _: False)
    assert read.hints == ()
    assert "--" not in read.request.place_negative
    assert negative_of(read.request, craft(preset=QualityPreset.NONE)) == "(lowres:1.05), hat, nsfw"


@pytest.mark.parametrize("preset", QualityPreset)
def test_nsfw_leaves_the_negative_only_with_the_rating_and_minors_join_it(
    preset: QualityPreset,
) -> None:
    request = GenerationRequest(prompt="1girl")
    for rating in Rating:
        keys = plain_keys(negative_of(request, craft(rating, preset)))
        adult = rating > Rating.SENSITIVE
        assert ("nsfw" not in keys) == adult
        assert ({"loli", "shota", "child"} <= keys) == adult
    kept = negative_of(
        GenerationRequest(prompt="child", negative_prompt="nsfw"), craft(Rating.NSFW)
    )
    assert {"nsfw", "loli", "shota", "child"} <= plain_keys(kept)


WORDS = ("a", "1girl", "smile", "hatsune miku", "vocaloid", "long_hair", "Long Hair", "nsfw")
MORE = ("masterpiece", "oldest", "^_^", "笑顔", "مرحبا", "🎨", "safe", "ganyu (genshin impact)")
SIGNS = ("(", ")", "[", "]", ":1.5)", "\\", "\\(", ",", ", ", " ", " BREAK ", "BREAK", ":")
TEXT = st.lists(st.sampled_from((*WORDS, *MORE, *SIGNS)), max_size=30).map("".join)


@given(
    prompt=TEXT,
    tags=TEXT,
    negative=TEXT,
    preset=st.sampled_from(QualityPreset),
    rating=st.sampled_from(Rating),
    first=st.booleans(),
)
def test_nothing_typed_is_lost(
    *, prompt: str, tags: str, negative: str, preset: QualityPreset, rating: Rating, first: bool
) -> None:
    request = GenerationRequest(prompt=prompt, tags=tags, negative_prompt=negative)
    how = craft(rating, preset, quality_first=first)
    made = plain_keys(assemble_prompt(request, how))
    lost = (plain_keys(prompt) | plain_keys(tags)) - made
    # a pasted name gets its brackets escaped, so its key gains them
    assert {key for key in lost if "genshin" not in key} == set()
    assert plain_keys(negative) <= plain_keys(negative_of(request, how))


@given(TEXT)
def test_cutting_and_joining_keeps_the_meaning(prompt: str) -> None:
    pieces = split_pieces(prompt)
    assert plain_keys(join_pieces(pieces)) == plain_keys(prompt)
    assert [p.text for p in split_pieces(join_pieces(pieces))] == [p.text for p in pieces]
    assert close_brackets(close_brackets(prompt)) == close_brackets(prompt)


@given(TEXT)
def test_no_tag_stands_twice_between_two_breaks(prompt: str) -> None:
    made = assemble_prompt(GenerationRequest(prompt=prompt), craft())
    for section in _sections(made):
        keys = [piece.key for piece in section if piece.key]
        assert len(keys) == len(set(keys))


def _sections(prompt: str) -> list[list[Piece]]:
    sections: list[list[Piece]] = [[]]
    for piece in split_pieces(prompt):
        if piece.is_break:
            sections.append([])
        else:
            sections[-1].append(piece)
    return sections


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [("a, b, (c, d:1.2), e", "a, b, (c, d:1.2)"), ("a, b, cdefgh, (f, g, h)", "a, b, cdefgh"),
     ("aaaaaaa, bb, [c, d, e, f]", "aaaaaaa, bb"), (r"a, b, \\(c, de, f, g", r"a, b, \\(c, de"),
     ("(a, b, c, d, e, f, g)", "(a, b, c, d, e"), ("a" * 20, "a" * 17), ("a, b", "a, b")],
)  # fmt: skip
def test_a_long_prompt_is_cut_outside_of_brackets(prompt: str, kept: str) -> None:
    assert first_pieces(prompt, 17) == kept
