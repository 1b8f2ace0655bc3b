"""Who counts as one, and how much one may ask for."""

import pytest

from bot.web.site import local
from bot.web.throttle import Throttle, client_address, network


@pytest.mark.parametrize(
    ("forwarded", "proxies", "found"),
    [
        ([], 0, "10.0.0.1"),
        (["1.1.1.1"], 0, "10.0.0.1"),
        (["1.1.1.1"], 1, "1.1.1.1"),
        (["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),
        (["6.6.6.6", "1.1.1.1, 2.2.2.2"], 2, "1.1.1.1"),
        (["1.1.1.1"], 2, "10.0.0.1"),
        (["[2001:db8::1]:4711"], 1, "2001:db8::1"),
    ],
)
def test_who_asks(forwarded: list[str], proxies: int, found: str) -> None:
    assert client_address("10.0.0.1", forwarded, proxies=proxies) == found


def test_a_household_of_ipv6_is_one() -> None:
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2:ffff::1")
    assert network("2001:db8:1:3::4") != network("2001:db8:1:2::4")
    assert network("::ffff:1.2.3.4") == "1.2.3.4"
    assert network("nonsense") == ""


def test_tokens_come_back_with_time() -> None:
    throttle = Throttle(per_minute=60)
    assert [throttle.wait_s("1.1.1.1", cost=5, now=0) for _ in range(5)][:4] == [0, 0, 0, 0]
    assert throttle.wait_s("1.1.1.1", cost=5, now=0) == pytest.approx(5)
    assert throttle.wait_s("1.1.1.1", cost=5, now=5.1) == 0
    assert throttle.wait_s("2.2.2.2", cost=5, now=5.1) == 0


@pytest.mark.parametrize(
    "address",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)",
     "/\tx", " /x", "", "/\nx"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(address: str) -> None:
    assert local(address) == "/"


def test_a_place_of_the_page_is_kept() -> None:
    assert local("/p/abc?q=blue_eyes&order=top") == "/p/abc?q=blue_eyes&order=top"
