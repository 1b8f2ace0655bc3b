"""Who counts as one, and how much one may ask for."""

from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.signing_in import MAX_BACK, local
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
        (["[2001:db8::1]"], 1, "2001:db8::1"),
        (["2001:db8::1"], 1, "2001:db8::1"),
        (["1.1.1.1:4711"], 1, "1.1.1.1"),
        (["1.1.1.1:"], 1, "1.1.1.1"),
        (["6.6.6.6:1, 1.1.1.1:4711, 2.2.2.2:80"], 2, "1.1.1.1"),
        (['"[2001:db8::1]:4711"'], 1, "2001:db8::1"),
        (['"1.1.1.1:4711"'], 1, "1.1.1.1"),
        (["unknown"], 1, "unknown"),
        (["_hidden:_port"], 1, "_hidden:_port"),
    ],
)
def test_who_asks(forwarded: list[str], proxies: int, found: str) -> None:
    assert client_address("10.0.0.1", forwarded, proxies=proxies) == found


def test_a_household_of_ipv6_is_one() -> None:
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2:ffff::1")
    assert network("2001:db8:1:3::4") != network("2001:db8:1:2::4")
    assert network("::ffff:1.2.3.4") == "1.2.3.4"
    assert network("_one") != network("_two")
    assert len(network("x" * 8000)) < 100


@given(st.text(max_size=80), st.ip_addresses(), st.sampled_from(["{}", "{}:80", '"{}"', "[{}]:80"]))
def test_what_strangers_write_before_it_changes_nothing(
    before: str, address: IPv4Address | IPv6Address, written: str
) -> None:
    if address.version == 6 and written == "{}:80":
        written = "[{}]:80"
    hop = written.format(address)
    found = client_address("10.0.0.1", [before, f"{before},{hop}"], proxies=1)
    assert network(found) == network(str(address)) != network("10.0.0.1")


def test_tokens_come_back_with_time() -> None:
    throttle = Throttle(per_minute=60)
    assert [throttle.wait_s("1.1.1.1", cost=5, now=0) for _ in range(5)][:4] == [0, 0, 0, 0]
    assert throttle.wait_s("1.1.1.1", cost=5, now=0) == pytest.approx(5)
    assert throttle.wait_s("1.1.1.1", cost=5, now=5.1) == 0
    assert throttle.wait_s("2.2.2.2", cost=5, now=5.1) == 0


def test_what_costs_more_than_there_ever_is_only_waits() -> None:
    throttle = Throttle(per_minute=10)
    assert throttle.wait_s("1.1.1.1", cost=60, now=0) == 0
    assert throttle.wait_s("1.1.1.1", cost=60, now=1) == pytest.approx(59)
    assert throttle.wait_s("1.1.1.1", cost=60, now=61) == 0


@pytest.mark.parametrize(
    "address",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)",
     "/\tx", " /x", "", "/\nx", "//[", "/\x7f", "///evil.test", "/" + "x" * 6000],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(address: str) -> None:
    assert local(address) == "/"


@given(st.text())
def test_where_somebody_is_sent_is_a_path_of_this_page(address: str) -> None:
    found = local(address)
    parts = urlsplit(found)
    assert not parts.scheme
    assert not parts.netloc
    assert found.isascii()
    assert len(found) <= MAX_BACK
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))


def test_a_place_of_the_page_is_kept() -> None:
    assert local("/?q=絵&server=1") == "/?q=%E7%B5%B5&server=1"
    assert local("/p/abc?q=blue_eyes&order=top") == "/p/abc?q=blue_eyes&order=top"
