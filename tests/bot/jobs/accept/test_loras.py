"""Which LoRAs a request is drawn with: what is said, what may be used, and the words they need."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.accept.decide import JobRules, decide
from bot.jobs.accept.gather import Circumstances
from bot.jobs.accept.loras import checked_default
from bot.jobs.values import Origin
from bot.loras.library import LoraLibrary
from bot.loras.names import key_of
from bot.moderation.loras import LoraRule, rule_for_member
from bot.safety.ceiling import Place, PlaceKind
from data.guilds.server_settings import Words
from data.people.presets import Preset
from data.shipped.text import keys
from pipeline.errors import EkakiError, InputError, RefusedError
from pipeline.hints import HintKind
from pipeline.lora.files import adapter_path
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest, decided
from pipeline.resolve import Defaults
from tests.bot.jobs.accept.test_aliases import KNOWN, NO_LIMITS
from tests.bot.loras.making import put
from tests.support.fake_engine import FAKE_MODEL

ORIGIN = Origin(
    user_id=1, guild_id=2, channel_id=3, place=Place(kind=PlaceKind.GUILD_TEXT), application_id=4,
    interaction_token="", token_expires_at=0,
)  # fmt: skip


@pytest.fixture
def library(tmp_path: Path) -> LoraLibrary:
    put(tmp_path, "ink", triggers=("ink wash", "sumi_e (style)"), strength=0.7)
    put(tmp_path, "水彩", b"watercolour")
    put(tmp_path, "lamp", b"lamp", rating=Rating.SENSITIVE)
    put(tmp_path, "bold lines", b"bold")
    put(tmp_path, "gore_pack", b"gore")
    put(tmp_path, "lost", b"lost")
    found = LoraLibrary(tmp_path)
    asyncio.run(found.refresh())
    lost = found.get("lost")
    assert lost is not None
    adapter_path(tmp_path, lost.digest).unlink()
    asyncio.run(found.refresh())
    return found


def drawn(
    library: LoraLibrary, prompt: str = "1girl", *, known: Circumstances = KNOWN, **said: Any
) -> ResolvedRequest:
    rules = JobRules(
        defaults=Defaults(), limits=NO_LIMITS, category_of=lambda _: None,
        rating_of=lambda _: None, max_age_s=1, loras=library,
    )  # fmt: skip
    request = GenerationRequest(prompt=prompt, **said)
    return decide(request, ORIGIN, known, rules, model=None).request


def test_a_model_without_the_branch_takes_none(library: LoraLibrary) -> None:
    rules = JobRules(
        defaults=Defaults(), limits=NO_LIMITS, category_of=lambda _: None,
        rating_of=lambda _: None, max_age_s=1, loras=library,
    )  # fmt: skip
    plain = replace(FAKE_MODEL, loras=False)
    request = GenerationRequest(prompt="1girl", lora="ink")
    with pytest.raises(EkakiError, match="lora_no_branch"):
        decide(request, ORIGIN, KNOWN, rules, model=plain)
    assert decide(request, ORIGIN, KNOWN, rules, model=FAKE_MODEL).request.loras
    assert decide(replace(request, lora=None), ORIGIN, KNOWN, rules, model=plain)


def refused(library: LoraLibrary, prompt: str = "1girl", **said: Any) -> EkakiError:
    with pytest.raises(EkakiError) as error:
        drawn(library, prompt, **said)
    assert f"errors.{error.value.key}" in keys()
    return error.value


def uses(made: ResolvedRequest) -> list[tuple[str, float]]:
    return [(each.name, each.strength) for each in made.loras]


def test_what_the_option_says_is_drawn_with_the_file_of_that_moment(library: LoraLibrary) -> None:
    made = drawn(library, lora="INK, 水彩:-0.5")
    assert uses(made) == [("ink", 0.7), ("水彩", -0.5)]
    assert [each.digest for each in made.loras] == [
        entry.digest for name in ("ink", "水彩") if (entry := library.get(name)) is not None
    ]
    assert made.original.lora == "ink:0.7, 水彩:-0.5"


def test_a_prompt_may_name_them_as_a1111_does(library: LoraLibrary) -> None:
    made = drawn(library, "1girl, <lora:ink:0.5>, smile <lora:水彩>", tags="hat <lyco:lamp:1>",
                 known=replace(KNOWN, ceiling=Rating.SENSITIVE))  # fmt: skip
    assert uses(made) == [("lamp", 1.0), ("ink", 0.5), ("水彩", 1.0)]
    assert "<" not in made.prompt
    assert "lora" not in made.prompt
    assert (made.original.prompt, made.original.tags) == ("1girl, smile", "hat")


def test_the_option_and_a_flag_win_over_the_prompt(library: LoraLibrary) -> None:
    assert uses(drawn(library, "1girl <lora:ink:0.5>", lora="ink:1")) == [("ink", 1.0)]
    assert uses(drawn(library, "1girl <lora:ink:0.5> --lora ink:1, 水彩")) == [
        ("ink", 1.0),
        ("水彩", 1.0),
    ]
    assert uses(drawn(library, "1girl --lora ink:1", lora="水彩:1")) == [("水彩", 1.0)]


def test_a_strength_of_nothing_leaves_one_out(library: LoraLibrary) -> None:
    made = drawn(library, "1girl <lora:ink:1>", lora="ink:0")
    assert made.loras == ()
    assert made.original.lora is None
    assert "ink wash" not in made.prompt


def test_a_preset_fills_in_what_was_not_said(library: LoraLibrary) -> None:
    preset = Preset(name="p", request=GenerationRequest(prompt="hat <lora:水彩:1>", lora="ink"))
    known = replace(KNOWN, presets=(preset,))
    assert uses(drawn(library, known=known)) == [("ink", 0.7), ("水彩", 1.0)]
    assert uses(drawn(library, known=known, lora="ink:2")) == [("水彩", 1.0), ("ink", 2.0)]
    made = drawn(library, "1girl <lora:ink:2> <lora:水彩:0.5>", known=known)
    assert dict(uses(made)) == {"ink": 2.0, "水彩": 0.5}  # typed wins over saved


def test_what_was_decided_is_drawn_again(library: LoraLibrary) -> None:
    first = drawn(library, "1girl <lora:ink>, hat", lora="水彩:0.4")
    again = drawn(library, first.original.prompt, known=KNOWN, **decided(first))
    assert again.loras == first.loras
    assert again.prompt == first.prompt


def test_trigger_words_are_added_once_and_reported(library: LoraLibrary) -> None:
    made = drawn(library, lora="ink")
    assert made.prompt.startswith(r"1girl, ink wash, sumi_e \(style\)")
    (hint,) = [each for each in made.hints if each.kind is HintKind.TRIGGER]
    assert hint.typed == r"ink wash, sumi_e \(style\)"
    for typed in ("1girl, (Ink_Wash:1.2)", "1girl in ink wash, hat", "ink wash 1girl"):
        assert drawn(library, typed, lora="ink").prompt.casefold().count("ink") == 1
    assert "ink wash" in drawn(library, "pink washing", lora="ink").prompt.split(", ")


def test_trigger_words_alone_are_enough_to_draw(library: LoraLibrary) -> None:
    assert drawn(library, "<lora:ink:1>").prompt.startswith("ink wash")
    assert refused(library, "<lora:水彩:1>").key == "prompt_empty"


def test_an_unknown_name_answers_with_the_nearest(library: LoraLibrary) -> None:
    error = refused(library, lora="bold line:1")
    assert error.key == "lora_similar"
    assert error.data["similar"] == "bold lines"
    assert refused(library, lora="completely else").key == "lora_unknown"
    for name in ("../ink", "/etc/passwd", "ink.json", "C:\\ink", "墨", "a" * 300, "`@everyone`"):
        key = refused(library, lora=name).key
        assert key in {"lora_unknown", "lora_similar", "lora_strength_typed"}, name


def test_an_unknown_one_in_a_prompt_is_left_out_with_a_hint(library: LoraLibrary) -> None:
    made = drawn(library, "1girl, <lora:bold line:1>, " + "<lora:zzz:1>" * 20)
    hints = [each for each in made.hints if each.kind is HintKind.LORA]
    assert [(each.typed, each.used) for each in hints] == [
        ("<lora:bold line:1>", "bold lines"),
        ("<lora:zzz:1>", ""),
    ]
    assert made.loras == ()
    assert "bold" not in made.prompt


def test_known_ones_where_they_do_not_count_say_so(library: LoraLibrary) -> None:
    made = drawn(library, "1girl, <lora:ink:1", negative_prompt="hat <lora:水彩:1>")
    kinds = {(each.kind, each.typed) for each in made.hints}
    assert (HintKind.LORA_PLACE, "<lora:水彩:1>") in kinds
    assert made.loras == ()


def test_similar_names_are_only_those_that_may_be_used(library: LoraLibrary) -> None:
    assert refused(library, lora="lamps").key == "lora_unknown"  # rated sensitive
    rule = LoraRule(names=frozenset({"ink"}))
    known = replace(KNOWN, loras=rule)
    assert refused(library, lora="bold line", known=known).key == "lora_unknown"
    assert refused(library, lora="los").key == "lora_unknown"  # lost


def test_at_most_three(library: LoraLibrary) -> None:
    four = "ink, 水彩, bold lines, gore_pack"
    assert refused(library, lora=four).key == "loras_too_many"
    assert refused(library, "1girl <lora:gore_pack:1>", lora=four[:-11]).key == "loras_too_many"
    assert len(drawn(library, lora=four + ":0").loras) == 3
    assert len(drawn(library, "1girl" + "<lora:ink:1>" * 20).loras) == 1


def test_what_can_not_be_used_here_is_refused(library: LoraLibrary) -> None:
    assert refused(library, lora="lost").key == "lora_unusable"
    known = replace(KNOWN, loras=LoraRule(names=frozenset({key_of("水彩")})))
    assert refused(library, lora="ink", known=known).key == "lora_not_allowed"
    assert uses(drawn(library, lora="水彩", known=known)) == [("水彩", 1.0)]


@pytest.mark.parametrize("prompt", ["1girl", "1girl <lora:lamp:1>, hat", "1girl <lora: LAMP :9>"])
@pytest.mark.parametrize("negative", ["", "<lora:lamp:1>"])
@pytest.mark.parametrize("lora", [None, "lamp", "Lamp:0", "lamp:0.5, ink"])
@pytest.mark.parametrize("rule", [LoraRule(), LoraRule(names=frozenset({"ink"}))])
def test_one_above_the_ceiling_is_told_of_as_if_it_did_not_exist(
    library: LoraLibrary, prompt: str, negative: str, lora: str | None, rule: LoraRule
) -> None:
    """The same for a name of which there is none: refusals, prompts, hints, and own defaults."""
    known = replace(KNOWN, loras=rule, person=replace(KNOWN.person, lora="ink:0.4"))

    def said(name: str) -> object:
        def named(text: str) -> str:
            return text.replace("lamp", name).replace("LAMP", name.upper()).replace("Lamp", name)

        try:
            made = drawn(
                library, named(prompt), known=known, negative_prompt=named(negative),
                lora=None if lora is None else named(lora), seed=1,
            )  # fmt: skip
        except EkakiError as error:
            return error.key, str(error.data).replace(name, "*")
        return made.to_json().replace(name, "*").replace(name.upper(), "*")

    assert said("lamp") == said("zzzz")


def test_one_that_can_not_be_read_may_have_any_rating(library: LoraLibrary) -> None:
    (library.folder / "secret.json").write_text("{")
    asyncio.run(library.refresh())
    assert library.get("secret") is not None
    assert refused(library, lora="secret").key == "lora_unknown"
    known = replace(KNOWN, ceiling=Rating.EXPLICIT)
    assert refused(library, lora="secret", known=known).key == "lora_unusable"


def test_names_that_may_not_be_told_take_no_place_among_similar_ones(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, f"lamps{number}", bytes([number]), rating=Rating.NSFW)
    put(tmp_path, "lamp shade", b"shade")
    library = LoraLibrary(tmp_path)
    asyncio.run(library.refresh())
    assert refused(library, lora="lamps").data["similar"] == "lamp shade"


def test_an_own_default_is_not_told_of_one_above_the_ceiling(library: LoraLibrary) -> None:
    def kept(typed: str, ceiling: Rating, now: str = "") -> str:
        return checked_default(typed, library, ceiling=ceiling, now=now)

    for name in ("lamp", "zzzz"):
        with pytest.raises(InputError, match="lora_unknown"):
            kept(name, Rating.SAFE)
    assert kept("lamp:0.5", Rating.SENSITIVE) == "lamp:0.5"
    assert kept("lamp:0.3, ink", Rating.SAFE, now="lamp:0.5") == "lamp:0.3, ink"
    assert kept("", Rating.SAFE, now="lamp:0.5") == ""


def test_a_picture_is_rated_no_lower_than_its_loras(library: LoraLibrary) -> None:
    known = replace(KNOWN, ceiling=Rating.NSFW)
    assert drawn(library, lora="lamp", known=known).rating is Rating.SENSITIVE
    assert drawn(library, lora="lamp", known=known, rating=Rating.NSFW).rating is Rating.NSFW
    assert drawn(library, lora="ink", known=known).rating is Rating.SAFE


def test_a_servers_words_see_names_and_triggers(library: LoraLibrary) -> None:
    for word, lora in (("gore", "gore_pack"), ("wash", "ink"), ("ink", "ink")):
        known = replace(KNOWN, words=Words(blocked=frozenset({word})))
        assert refused(library, lora=lora, known=known).data["word"] == word
        assert drawn(library, lora="水彩", known=known).loras


def test_the_hard_rules_see_names_and_triggers(tmp_path: Path) -> None:
    put(tmp_path, "loli style", b"1")
    put(tmp_path, "plain", b"2", triggers=("loli",))
    library = LoraLibrary(tmp_path)
    asyncio.run(library.refresh())
    for name in ("loli style", "plain"):
        error = refused(library, lora=name)
        assert isinstance(error, RefusedError)
        assert error.key == "rule_minor_coded"


def test_of_several_roles_the_most_generous_counts() -> None:
    made = {2: frozenset({"ink"}), 5: frozenset({"lamp"}), 6: None, 7: frozenset[str]()}
    names = {
        roles: rule_for_member(made, guild_id=2, role_ids=roles).names
        for roles in ((), (2,), (5,), (5, 7), (5, 6), (7,), (9,))
    }
    assert names == {
        (): {"ink"}, (2,): {"ink"}, (5,): {"lamp"}, (5, 7): {"lamp"}, (5, 6): None,
        (7,): frozenset(), (9,): {"ink"},
    }  # fmt: skip
    assert rule_for_member({}, guild_id=2, role_ids=(5,)).names is None
