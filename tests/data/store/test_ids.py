"""Discord's ids, read from text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.store.ids import MAX_SNOWFLAKE, snowflake


@given(st.integers(0, MAX_SNOWFLAKE))
def test_every_id_is_read(number: int) -> None:
    assert snowflake(str(number)) == number


@given(
    st.one_of(
        st.text(), st.integers(MAX_SNOWFLAKE + 1).map(str), st.integers(max_value=-1).map(str)
    )
)
def test_nothing_else_is(text: str) -> None:
    found = snowflake(text)
    assert found is None or (text.isascii() and int(text) == found)


@pytest.mark.parametrize(
    "text", ["", " 1", "1_0", "+1", "١", "²", "9" * 5000, "9223372036854775808"]
)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert snowflake(text) is None
