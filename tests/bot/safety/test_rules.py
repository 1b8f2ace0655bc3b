"""The hard rules: which rule fires when, in what words, and never an exception."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.safety import harmless, terms
from bot.safety.rules import Rule, Violation, check_prompt, refusal
from data.shipped.text import text
from pipeline.rating import Rating

ABOVE_SAFE = (Rating.SENSITIVE, Rating.NSFW, Rating.EXPLICIT)
ADULT_RATINGS = (Rating.NSFW, Rating.EXPLICIT)


def _rule(prompt: str, negative: str = "", rating: Rating = Rating.SAFE) -> Rule | None:
    violation = check_prompt(prompt, negative, rating=rating)
    return violation and violation.rule


@pytest.mark.parametrize("term", [*terms.MINOR_CODED, *sorted(terms.MINOR_CODED_TAGS)])
def test_minor_coded_words_are_refused_at_every_rating(term: str) -> None:
    for rating in Rating:
        assert _rule(f"1girl, {term}, smile", rating=rating) is Rule.MINOR_CODED


@pytest.mark.parametrize("term", [*terms.MINOR, *sorted(terms.MINOR_TAGS)])
def test_minors_are_refused_above_safe_and_welcome_at_safe(term: str) -> None:
    assert _rule(f"1girl, {term}, smile", rating=Rating.SAFE) is None
    for rating in ABOVE_SAFE:
        assert _rule(f"1girl, {term}, smile", rating=rating) is Rule.MINOR_SEXUAL


@pytest.mark.parametrize("term", terms.SEXUAL)
def test_sexual_words_count_as_above_safe_whatever_the_rating_says(term: str) -> None:
    assert _rule(f"child, {term}", rating=Rating.SAFE) is Rule.MINOR_SEXUAL
    assert _rule(f"{term}, 1girl, adult", rating=Rating.SAFE) is None


@pytest.mark.parametrize("phrase", [*harmless.HARMLESS, *harmless.THINGS])
def test_harmless_phrases_pass_but_cover_nothing_beside_them(phrase: str) -> None:
    assert _rule(phrase, rating=Rating.EXPLICIT) is None
    assert _rule(f"{phrase}, child", rating=Rating.EXPLICIT) is Rule.MINOR_SEXUAL
    assert _rule(f"{phrase} loli", rating=Rating.SAFE) is Rule.MINOR_CODED


def test_what_the_vocabulary_knows_of_the_words_counts() -> None:
    told = check_prompt("child, odd_tag", "", rating=Rating.SAFE, words_rating=Rating.NSFW)
    assert told is not None
    assert told.rule is Rule.MINOR_SEXUAL


@pytest.mark.parametrize(
    "prompt",
    [
        "real person",
        "celebrity",
        "deepfake of a singer",
        "photo of Jane Doe",
        "nude photo of Jane Doe",
        "a picture of the Jane Doe",
        "photo of my classmate",
        "selfie of my ex",
        "my coworker, nude",
        "irl, 1girl",
        "real_life",
        "実在の人物",
        "r3al p3rson",
        "d e e p f a k e",
        "celеbrity",
        "真人",
        "знаменитость",
        "реальная девушка",
        "c&#101;lebrity",
    ],
)
def test_no_sexual_pictures_of_real_people(prompt: str) -> None:
    for rating in ADULT_RATINGS:
        assert _rule(f"1girl, {prompt}", rating=rating) is Rule.REAL_PERSON
    assert _rule(f"1girl, {prompt}, sex", rating=Rating.SAFE) is Rule.REAL_PERSON


@pytest.mark.parametrize("prompt", ["photo of Jane Doe", "real person", "celebrity"])
def test_harmless_pictures_of_people_are_not_this_rules_business(prompt: str) -> None:
    assert _rule(prompt, rating=Rating.SENSITIVE) is None


@pytest.mark.parametrize(
    "negative",
    [
        "adult",
        "lowres, adult, bad",
        "(adult:1.5)",
        "a(du)lt",
        "ad\u200bult",
        "аdult",
        "4dult",
        "a d u l t",
        "mature",
        "mature_female",
        "mature male",
        "aged_up",
        "old",
        "(old:1.2)",
        "old woman",
        "grown-up",
        "milf",
        "18+",
        "25 years old",
        "over 20yo",
        "大人",
        "成人女性",
        "熟女",
    ],
)
def test_negatives_may_not_remove_adults_from_adult_pictures(negative: str) -> None:
    for rating in ADULT_RATINGS:
        assert _rule("1girl", negative, rating) is Rule.ADULT_REMOVED
    for rating in (Rating.SAFE, Rating.SENSITIVE):
        assert _rule("1girl", negative, rating) is None
    assert _rule("1girl, nude", negative, Rating.SAFE) is Rule.ADULT_REMOVED


@pytest.mark.parametrize(
    "negative",
    [
        "",
        "nsfw, lowres, (bad), text, error, fewer, extra, missing, worst quality, jpeg artifacts, "
        "low quality, watermark, unfinished, displeasing, oldest, early, chromatic aberration, "
        "signature, extra digits, artistic error, username, scan, [abstract]",
        "loli, shota, child",
        "child, baby, teen, 15 years old, aged down",
        "oldest, old fashioned, immature, premature",
        "woman, female, lady, mother",
        "未成年",
    ],
)
def test_usual_negatives_pass_at_every_rating(negative: str) -> None:
    for rating in Rating:
        assert _rule("1girl, adult", negative, rating) is None


def test_a_negative_weight_turns_the_prompt_into_the_other_one() -> None:
    assert _rule("1girl", "(loli:-1)") is Rule.MINOR_CODED
    assert _rule("1girl", "(loli:1)") is None
    assert _rule("1girl, (adult:-1.2)", "", Rating.NSFW) is Rule.ADULT_REMOVED
    assert _rule("1girl, (adult:1.2)", "", Rating.NSFW) is None
    assert _rule("1girl, (child: -.5)", "", Rating.NSFW) is Rule.MINOR_SEXUAL


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_a_text_that_names_the_word(rule: Rule) -> None:
    error = refusal(Violation(rule=rule, term="a word"))
    shown = text(f"errors.{error.key}", **{key: str(value) for key, value in error.data.items()})
    assert "`a word`" in shown


@pytest.mark.parametrize("code", [r"\u006coli", r"\x6coli", r"\u{6c}oli", r"\U0000006coli"])
def test_letters_in_programs_codes_are_read(code: str) -> None:
    assert _rule(code) is Rule.MINOR_CODED


@pytest.mark.parametrize(
    "prompt", ["(adult:0)", "(mature female:0.0)", "[adult : +0.]", "1girl --no adult", "—no adult"]
)
def test_what_the_prompt_itself_takes_away_counts_as_removed(prompt: str) -> None:
    for rating in ADULT_RATINGS:
        assert _rule(f"1girl, {prompt}", rating=rating) is Rule.ADULT_REMOVED


def test_the_term_shown_is_ours_and_never_the_users_text() -> None:
    violation = check_prompt("@everyone **l\u200b0l1** `x`", "", rating=Rating.SAFE)
    assert violation == Violation(rule=Rule.MINOR_CODED, term="loli")


@given(
    prompt=st.text(st.characters(exclude_categories=[])),
    negative=st.text(),
    rating=st.sampled_from(Rating),
)
def test_nothing_raises(prompt: str, negative: str, rating: Rating) -> None:
    check_prompt(prompt, negative, rating=rating)


@given(before=st.text("abc ,.()[]:1", max_size=20), after=st.text("abc ,.()[]:1", max_size=20))
def test_a_word_that_stands_as_a_tag_is_found_whatever_surrounds_it(
    before: str, after: str
) -> None:
    assert _rule(f"{before}, shota, {after}") is Rule.MINOR_CODED


@given(
    st.lists(st.sampled_from(["", " ", ".", "-", "_", "\u200b", "(", ")", "\\", "(("]), min_size=4)
)
def test_no_glue_between_letters_hides_the_word(glue: list[str]) -> None:
    disguised = "".join(
        letter + part for letter, part in zip("shota", [*glue[:4], ""], strict=True)
    )
    assert _rule(disguised) is Rule.MINOR_CODED


HOSTILE = [
    "l ", "lo", "i", "1 ", ":1", "(", "<", "<a:", "l,", "a,b,", "age ", "one hundred and ",
    "twenty ", "baby blue ", "kid icarus ", "十", "under the age of ", "photo of A", "lol! ", "()",
    "lo,", "&#1", "%4", "--no ", "(a:0",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_time_grows_with_the_length_and_not_with_its_square(part: str) -> None:
    def seconds(length: int) -> float:
        prompt = (part * length)[:length]
        runs: list[float] = []
        for _ in range(4):
            start = time.thread_time()  # of the processor: others may have it meanwhile
            check_prompt(prompt, prompt, rating=Rating.NSFW)
            runs.append(time.thread_time() - start)
        return min(runs)

    # Eight times the text: 64 times the time if it were quadratic.
    assert seconds(16_000) < 24 * max(seconds(2_000), 0.000_3)


@settings(max_examples=30)
@given(st.text("lohitas 10,()", min_size=3_900, max_size=4_000))
def test_long_hostile_text_is_read_to_its_end(noise: str) -> None:
    assert _rule(f"{noise}, toddlercon") is Rule.MINOR_CODED
