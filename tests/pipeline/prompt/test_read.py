"""What people paste: known tags inside weights, full-width signs, odd weights, foreign syntax."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hints import MAX_HINTS, Hint, HintKind
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.faces import FACES
from pipeline.prompt.names import escape_name
from pipeline.prompt.pieces import split_pieces
from pipeline.prompt.read import ReadPrompt, read_prompt
from pipeline.prompt.weights import KAOMOJI, Break, parse_weights
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, readable, resolve
from tests.support.vocabulary import vocabulary

VOCABULARY = vocabulary()
NAMES = [tag.name for tag in VOCABULARY]
ODD_NAMES = [name for name in NAMES if not name.replace(" ", "").isalnum()]


def is_known(name: str) -> bool:
    return VOCABULARY.category_of(name) is not None


def read(typed: str) -> ReadPrompt:
    return read_prompt(clean_prompt(typed), is_known)


def weighed(typed: str) -> list[tuple[str, float]]:
    """The words of a prompt with their weights, as the text encoder gets them."""
    return [
        ("BREAK", 0.0) if isinstance(part, Break) else (part.text, round(part.weight, 4))
        for part in parse_weights(read(typed).text)
    ]


def kinds(typed: str) -> list[str]:
    return [hint.kind.value for hint in read(typed).hints]


def test_every_known_tag_is_itself_wherever_it_stands() -> None:
    for name in [*ODD_NAMES, *sorted(KAOMOJI), r"\m/", r"\(^o^)/", ":>=", "(o)_(o)"]:
        for typed in {name, name.replace(" ", "_"), escape_name(name)}:
            assert weighed(f"({typed}:1.2)") == [(name, 1.2)], typed
            assert weighed(f"({typed})") == [(name, 1.1)], typed
            assert weighed(f"[{typed}]") == [(name, 0.9091)], typed
            assert weighed(f"((smile, {typed}:1.2))") == [(f"smile, {name}", 1.32)], typed
            assert weighed(f"{typed},smile,{typed}") == [(f"{name},smile,{name}", 1.0)], typed
            assert read(f"({typed}:1.2), ({typed}, hat:0.5)").hints == (), typed


@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=6),
    weights=st.lists(st.sampled_from(["0.5", "1.2", "1.35", "2"]), min_size=6, max_size=6),
)
def test_any_tags_keep_their_weights_beside_each_other(
    names: list[str], weights: list[str]
) -> None:
    made = read(", ".join(f"({n}:{w})" for n, w in zip(names, weights, strict=False)))
    expected = [f"({escape_name(n)}:{w})" for n, w in zip(names, weights, strict=False)]
    assert [piece.text for piece in split_pieces(made.text)] == expected
    assert made.hints == ()


@pytest.mark.parametrize(
    ("typed", "text"),
    [(":(, smile", r":\(, smile"), ("smile, >:(", r"smile, >:\("), ("a :-) b", r"a :-\) b"),
     ("(smile, :)", r"(smile, :\))"), ("(wink ;), hat", r"(wink ;\)), hat"),
     ("(:3)", "(:3:1.1)"), ("(smile :3)", "(smile:3)"), (":), :d", r":\), :d"),
     ("(T_T:1.3)", "(T_T:1.3)")],
)  # fmt: skip
def test_faces_are_no_brackets(typed: str, text: str) -> None:
    assert read(typed) == ReadPrompt(text)
    assert all(face == face.lower() for face in FACES)


FULL_WIDTH = str.maketrans(
    {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"}
)


@given(st.text(alphabet="abc12 ,.:;()[]{}|\\_+-<>\"'&", max_size=60))
def test_a_full_width_prompt_reads_as_its_ascii_form(typed: str) -> None:
    assert read(typed.translate(FULL_WIDTH)).text == read(typed).text
    assert kinds(typed.translate(FULL_WIDTH)) == kinds(typed)


@pytest.mark.parametrize(
    ("typed", "text"),
    [("1girl、長い髪", "1girl,長い髪"), ("1girl，smile､hat﹐cat", "1girl,smile,hat,cat"),
     ("（笑顔：１．２）", "(笑顔:1.2)"), ("［帽子］（（猫））", "[帽子]((猫))"),
     ("｛猫耳｝", "(猫耳:1.05)"),
     ("a\u3000b", "a b"), ("（smile：1，2）", "(smile:1.2)"), ("笑顔。空！", "笑顔。空!")],
)  # fmt: skip
def test_japanese_punctuation_separates_brackets_and_weighs(typed: str, text: str) -> None:
    assert read(typed) == ReadPrompt(text)


@pytest.mark.parametrize(
    "typed",
    ["(smile: 1.2)", "(smile :1.2)", "(smile : 1.2 )", "(smile:1,2)", "(smile:+1.2)",
     "(smile:1.20)", "(smile∶1.2)", "(smile︰1.2)", "(smile:1.2\u00ad)", "(smile\u200f:1.2\u200f)"],
)  # fmt: skip
def test_weights_with_blanks_or_a_comma_are_weights(typed: str) -> None:
    assert weighed(typed) == [("smile", 1.2)]
    assert read(typed).hints == ()


@pytest.mark.parametrize(
    ("typed", "parts", "kind"),
    [("(smile:1.2", [("smile", 1.2)], "weight_read"),
     ("(smile:1,2", [("smile", 1.2)], "weight_read"),
     ("(smile:1.2, hat", [("smile", 1.2), (", hat", 1.0)], "weight_read"),
     ("(smile:1, 2)", [("smile", 1.2)], "weight_read"),
     ("(smile;1.2)", [("smile", 1.2)], "weight_read"),
     ("smile:1.2", [("smile", 1.2)], "weight_read"),
     ("(a:1.2, b:1.3)", [("a", 1.2), (", ", 1.0), ("b", 1.3)], "weight_read"),
     ("(smile:1.2:1.3)", [("smile", 1.3)], "weight_read"),
     ("[smile:-1]", [("smile", 0.9091)], "weight_read"),
     ("(smile:)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:1e9)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:1..2)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:1.2.3)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:120%)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:999)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:.)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:", [("smile", 1.1)], "weight_wrong"),
     ("smile:1.2)", [("smile", 1.2)], "weight_read"),
     ("smile:2), hat", [("smile", 2.0), (", hat", 1.0)], "weight_read"),
     ("hat, blue eyes:1,2) x", [("hat, ", 1.0), ("blue eyes", 1.2), (" x", 1.0)], "weight_read"),
     ("hat BREAK smile: 1.2)",
      [("hat", 1.0), ("BREAK", 0.0), ("smile", 1.2)], "weight_read"),
     ("(hat), smile :.5)", [("hat", 1.1), (", ", 1.0), ("smile", 0.5)], "weight_read"),
     ("[smile:1.2)]", [("smile", 1.0909)], "weight_read"),
     ("smile:1.2], hat", [("smile", 1.2), (", hat", 1.0)], "weight_read"),
     ("(smile:1.2], hat", [("smile", 1.2), (", hat", 1.0)], "weight_read"),
     ("1,2::smile::", [("smile", 1.2)], "weight_read"),
     ("(smile:*1.2)", [("smile", 1.1)], "weight_wrong"),
     ("(smile:x1.2)", [("smile", 1.1)], "weight_wrong"),
     ("(smile*1.2)", [("smile*1.2", 1.1)], "weight_word"),
     ("(smile=1.2)", [("smile=1.2", 1.1)], "weight_word"),
     ("(smile:1.2 hat)", [("smile:1.2 hat", 1.1)], "weight_word"),
     ("hat, smile:1.2 cat", [("hat, smile:1.2 cat", 1.0)], "weight_word"),
     ("【smile:1.2】", [("【smile:1.2】", 1.0)], "weight_word"),
     ('{"steps": 20}', [('"steps"  20', 1.1)], "weight_word"),
     ("(smile:abc)", [("smile:abc", 1.1)], "weight_word"),
     ("(smile:nan)", [("smile:nan", 1.1)], "weight_word")],
)  # fmt: skip
def test_a_weight_that_is_not_clear_is_told(
    typed: str, parts: list[tuple[str, float]], kind: str
) -> None:
    assert weighed(typed) == parts
    assert kinds(typed) == [kind]


@pytest.mark.parametrize(
    "typed",
    ["(smile:-1)", "(smile:.5)", "(smile:0)", "(artist:wlop)", "(rem (re:zero):1.1)",
     "16:9, 12:30",
     "(smile, hat:1.2)", "((a)), [[b]]", "a (b:1.2) c", "a BREAK b", r"x \(y\)",
     "1:1.5, 12:30.5", "a–b, 10–20", "c++ hat, girl -- hat, dora: explorer", "Prompt engineering",
     "1girl, (a [b) c]", "smile)", "12:30)", "smile :3)", ":3)", "1), 2)"],
)  # fmt: skip
def test_what_a1111_understands_is_told_of_in_no_way(typed: str) -> None:
    assert read(typed).hints == ()


@pytest.mark.parametrize(
    ("typed", "text", "hints"),
    [("<lora:x:0.8>, 1girl", "1girl", [("lora", "<lora:x:0.8>", "")]),
     ("1girl <lyco:a b:1>", "1girl", [("lora", "<lyco:a b:1>", "")]),
     ("<lora:ganyu_(genshin_impact):1>", "", [("lora", "<lora:ganyu_(genshin_impact):1>", "")]),
     ("a, <lora:x:0.8", "a", [("lora", "<lora:x:0.8", "")]),
     ("<hypernet:x:1>", "", [("hypernet", "<hypernet:x:1>", "")]),
     ("<cat-toy>, a", "a", [("unknown", "<cat-toy>", "")]),
     ("(embedding:easy:1.2), a", "a", [("embedding", "embedding:easy", "")]),
     ("EasyNegative, a", "a", [("embedding", "EasyNegative", "")]),
     ("[a:b:0.2,0.8]", "[:[a:b:0.8]:0.2]",
      [("editing", "[a:b:0.2,0.8]", "[:[a:b:0.8]:0.2]")]),
     ("[a:b:c:0.1,0.9]", "[a:[b:c:0.9]:0.1]",
      [("editing", "[a:b:c:0.1,0.9]", "[a:[b:c:0.9]:0.1]")]),
     ("[a:b:0.2:0.8]", "[a:[b::0.8]:0.2]", [("editing", "[a:b:0.2:0.8]", "[a:[b::0.8]:0.2]")]),
     ("[a:0.2:0.8]", "[:[a::0.8]:0.2]", [("editing", "[a:0.2:0.8]", "[:[a::0.8]:0.2]")]),
     ("[a:b:SECOND_PASS]", "a", [("editing", "[a:b:SECOND_PASS]", "a")]),
     ("[SEQ:a:0.1:b:0.8:c:1]", "[a:[b:c:0.8]:0.1]",
      [("editing", "[SEQ:a:0.1:b:0.8:c:1]", "[a:[b:c:0.8]:0.1]")]),
     ("[CUT:white cat:white:0.5]", "white cat",
      [("editing", "[CUT:white cat:white:0.5]", "white cat")]),
     ("[a:b:0.7, hat", "[a:b:0.7], hat", [("editing", "[a:b:0.7", "[a:b:0.7]")]),
     ("hat, a:b:0.7]", "hat, [a:b:0.7]", [("editing", "a:b:0.7]", "[a:b:0.7]")]),
     ("[smile:1.2]", "smile", [("editing", "[smile:1.2]", "smile")]),
     ("[a:b:1.5]", "a", [("editing", "[a:b:1.5]", "a")]),
     ("[a|b:0.1]", "[a|b]", [("alternating", "[a|b:0.1]", "[a|b]")]),
     ("[a:1.2|b]", "[(a:1.2)|b]", [("weight_read", "a:1.2", "(a:1.2)")]),
     ("{a|b}", "a", [("variants", "{a|b}", "a")]),
     ("{2$$a|b|c}", "a, b", [("variants", "{2$$a|b|c}", "a, b")]),
     ("{0.5::a|0.1::b}", "a", [("variants", "{0.5::a|0.1::b}", "a")]),
     ("{a:1.2|b}", "(a:1.2)",
      [("weight_read", "a:1.2", "(a:1.2)"), ("variants", "{a:1.2|b}", "(a:1.2)")]),
     ("__hair/**__, a", "a", [("wildcard", "__hair/**__", "")]),
     ("__{a|b}-hair__", "",
      [("variants", "{a|b}", "a"), ("wildcard", "__{a|b}-hair__", "")]),
     ("a, < lora:x:1 >", "a", [("lora", "< lora:x:1 >", "")]),
     ("a, 《lora:x:1》", "a", [("lora", "《lora:x:1》", "")]),
     ("a, <<lora:x:1>>", "a", [("lora", "<lora:x:1>", "")]),
     ("a, &lt;lora:x:1&gt;", "a", [("lora", "<lora:x:1>", "")]),
     ("(lora:x:0.8), a", "a", [("lora", "lora:x:0.8", "")]),
     ("a, <lora:x:<random:1|2>>", "a",
      [("wildcard", "<random:1|2>", ""), ("lora", "<lora:x:>", "")]),
     ("a, bad-hands-5:1.2", "a", [("embedding", "bad-hands-5:1.2", "")]),
     ("<embed:easynegative>, a", "a", [("embedding", "<embed:easynegative>", "")]),
     ("cat :1 AND dog :2", "cat, dog",
      [("composed", ":1 AND", ""), ("composed", ":2", "")]),
     ("TE(l=cat (x:1.1)) a, SDXL(1024 1024, 0 0)", "a",
      [("unknown", "TE(l=cat (x:1.1))", ""), ("unknown", "SDXL(1024 1024, 0 0)", "")]),
     ("a STYLE(A1111)", "a", [("unknown", "STYLE(A1111)", "")]),
     ("/imagine prompt: a, b", "a, b", [("unknown", "/imagine prompt:", "")]),
     ("Positive prompt: a", "a", [("unknown", "Positive prompt:", "")]),
     ("__hair/colour__, a", "a", [("wildcard", "__hair/colour__", "")]),
     ("a AND b", "a, b", [("composed", "AND", "")]),
     ("hot::2 dog", "hot, dog", [("parts", "::2", "")]),
     ("a | b", "a, b", [("parts", "|", "")]),
     ('("a", "b").and()', "a, b", [("composed", ".and()", "")]),
     ("cat.swap(dog)", "dog", [("swap", "cat.swap(dog)", "dog")]),
     ("a /* note */ b", "a b", [("comment", "/* note */", "")]),
     ("a, https://x.y/z_(1).png", "a", [("link", "https://x.y/z_(1).png", "")]),
     ("a <:smile:123> <@1>", "a", [("discord", "<:smile:123>", ""), ("discord", "<@1>", "")]),
     ("a ADDCOL b", "a, b", [("region", "ADDCOL", "")]),
     ("a FILL() b", "a, b", [("region", "FILL()", "")]),
     ("a, SHIFT(1)", "a", [("unknown", "SHIFT(1)", "")]),
     ("SHIFT(0.5, 1) a", "a", [("unknown", "SHIFT(0.5, 1)", "")]),
     ("a PROMPT_SEP b", "a, b", [("composed", "PROMPT_SEP", "")]),
     ("a AVG(0.5) b", "a, b", [("composed", "AVG(0.5)", "")]),
     ("<|endoftext|>", "", [("unknown", "<|endoftext|>", "")]),
     ("cat <|im_end|> dog", "cat dog", [("unknown", "<|im_end|>", "")]),
     ("a, <｜end of sentence｜>, b", "a, b", [("unknown", "<|end of sentence|>", "")]),
     ("a --niji 6 --tile", "a", [("flag", "--niji 6", ""), ("flag", "--tile", "")])],
)  # fmt: skip
def test_syntax_that_is_not_ours_is_told_and_reaches_no_model(
    typed: str, text: str, hints: list[tuple[str, str, str]]
) -> None:
    assert read(typed) == ReadPrompt(text, tuple(Hint(HintKind(k), t, u) for k, t, u in hints))


@pytest.mark.parametrize(
    ("typed", "text"),
    [("[a:b:0.7]", "[a:b:0.7]"), ("[a:b:0,2]", "[a:b:0.2]"), ("[x:5]", "[x:5]"),
     ("[x::0.3]", "[x::0.3]"), ("a [ b : c : 1 ] d", "a [ b : c :1] d"), ("[fe|]male", "[fe|]male"),
     ("［a：b：0.5］", "[a:b:0.5]"), ("[[a|b]:c:0.5]", "[[a|b]:c:0.5]"),
     ("tree[ in fog::0.6][ at night:0.25]", "tree[ in fog::0.6][ at night:0.25]"),
     ("(cat [sits:runs:5]:1.3)", "(cat [sits:runs:5]:1.3)"), ("[(a:1.2)|b]", "[(a:1.2)|b]"),
     ("[:d:smile:0.5]", r"[\:d:smile:0.5]"), (r"[\:d:0.5]", r"[\:d:0.5]"),
     ("[artist:wlop:sky:0.5]", r"[artist\:wlop:sky:0.5]"), ("[|_||smile]", r"[\|_\||smile]"),
     ("[|]", ""), ("[:0.5]", ""), ("[::3], a", "a")],
)  # fmt: skip
def test_changes_are_read_as_a1111_reads_them(typed: str, text: str) -> None:
    assert read(typed) == ReadPrompt(text)
    assert read(text) == ReadPrompt(text)


@pytest.mark.parametrize(
    ("typed", "parts"),
    [("{a}", [("a", 1.05)]), ("{{a}}", [("a", 1.1025)]),
     ("1.5::a, b::, c", [("a, b", 1.5), (", c", 1.0)]),
     ("a++", [("a", 1.21)]), ("(a b)++", [("a b", 1.21)]), ("(a)1.3", [("a", 1.3)]),
     ("a--", [("a", 0.81)]), ("k-on!++, a", [("k-on!", 1.21), (", a", 1.0)]),
     ("(a b)1.3 c", [("a b", 1.3), (" c", 1.0)]), ("(a)- b", [("a", 0.9), (" b", 1.0)]),
     ("hat++ b", [("hat", 1.21), (" b", 1.0)]),
     ("1.2::a::1.3::b::", [("a", 1.2), (" ", 1.0), ("b", 1.3)]),
     ("a <break> b", [("a", 1.0), ("BREAK", 0.0), ("b", 1.0)]), (r"a \{b\}", [("a {b}", 1.0)])],
)  # fmt: skip
def test_weights_of_other_programs_are_ours(typed: str, parts: list[tuple[str, float]]) -> None:
    assert weighed(typed) == parts
    assert read(typed).hints == ()


def test_comments_end_with_their_line() -> None:
    typed = "1girl, # who\nsmile, // how\n# all of this\nhat, #compass, \n#ff0000, x"
    made = read(typed)
    assert [p.text for p in split_pieces(made.text)] == [
        "1girl", "smile", "hat", "#compass", "#ff0000", "x",
    ]  # fmt: skip
    assert [hint.typed for hint in made.hints] == ["/* who */", "/* how */", "/* all of this */"]
    assert clean_prompt(clean_prompt(typed)) == clean_prompt(typed)
    assert read("#anime #girl").hints == ()


SIGNS = [
    "(", ")", "[", "]", "{", "}", "|", ":", "::", "1.2", ",", " ", "\\", "<", ">", "<lora:", "AND",
    "BREAK", "$$", "2$$", "__", "+", "-", "--niji", "/*", "*/", ".and()", "smile", ":d", ":)", "、",
    "（", "ganyu_(genshin_impact)", "\U00100000", "\U00100001", "nan", "#", "\n", ";", '"',
    ".swap(",
]  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(SIGNS), max_size=30).map("".join) | st.text(max_size=80))
def test_any_text_is_read_and_bounded(typed: str) -> None:
    made = read(typed)
    assert len(made.hints) <= MAX_HINTS
    assert "<lora:" not in made.text or "\\" in typed
    assert not any(0x100000 <= ord(letter) <= 0x10FFFD for letter in made.text)
    parse_weights(made.text)


def resolved(**said: str) -> ResolvedRequest:
    return resolve(
        readable(GenerationRequest(**said)),  # pyright: ignore[reportArgumentType]
        defaults=Defaults(),
        ceiling=Rating.SAFE,
        random_seed=lambda: 1,
        category_of=VOCABULARY.category_of,
    )


def test_hints_stay_with_the_request_and_the_words_with_the_original() -> None:
    made = resolved(prompt="1girl <lora:x:1>, (smile:1e9)", negative_prompt="EasyNegative, hat")
    assert [hint.kind for hint in made.hints] == ["lora", "weight_wrong", "embedding"]
    assert ResolvedRequest.from_json(made.to_json()) == made
    assert made.original.prompt == "1girl <lora:x:1>, (smile:1e9)"
    assert "easy" not in made.negative_prompt.lower()
    again = resolve(
        made.original, defaults=Defaults(), ceiling=Rating.SAFE, random_seed=lambda: 1,
        category_of=VOCABULARY.category_of,
    )  # fmt: skip
    assert again == made


def test_hints_of_another_version_are_passed_over() -> None:
    made = resolved(prompt="1girl <lora:x:1>")
    stored = made.to_json().replace('"lora"', '"of the future"')
    assert ResolvedRequest.from_json(stored).hints == ()


def test_a_complete_negative_gets_no_second_one() -> None:
    own = "lowres, bad anatomy, bad hands, text, error, missing fingers, cropped, worst quality"
    assert resolved(prompt="1girl", negative_prompt=own).negative_prompt == f"{own}, nsfw"
    assert "jpeg artifacts" in resolved(prompt="1girl", negative_prompt="hat, text").negative_prompt
