import pytest

from pipeline.rating import Rating
from pipeline.tags.nearest import nearest
from tests.support.vocabulary import vocabulary


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("hastune miku", "hatsune miku"),
        ("long hiar", "long hair"),
        ("a girl with long hair smiling at the beach", "long hair"),
        ("a girl with long hair smiling at the beach", "beach"),
        ("空を飛ぶ 猫耳 の少女", "cat ears"),
    ],
)
def test_near_tags(typed: str, found: str) -> None:
    assert found in nearest(vocabulary(), typed, Rating.SAFE)


@pytest.mark.parametrize("typed", ["", "qxzzkwv", "(" * 300, "💥", "x " * 2000])
def test_nothing_is_near(typed: str) -> None:
    assert len(nearest(vocabulary(), typed, Rating.SAFE)) <= 3


def test_only_what_the_place_allows_is_named() -> None:
    assert "nude" not in nearest(vocabulary(), "a nude by the sea", Rating.SAFE)
    assert "nude" in nearest(vocabulary(), "a nude by the sea", Rating.NSFW)
    assert nearest(vocabulary(), "a loli", Rating.EXPLICIT) == []
