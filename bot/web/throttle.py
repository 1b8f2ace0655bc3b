"""Limits how much one address may request. Pure, in memory: it starts over with the process."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

MAX_ADDRESSES: Final = 50_000  # remembered at once, the least recent go first
_MAX_NAME: Final = 64
_BRACKETED: Final = re.compile(r"\[(?P<host>[^\]]*)\](?::\d*)?")
_WITH_PORT: Final = re.compile(r"(?P<host>[^:]*):\d*")  # IPv6 has more than one colon
BURST_S: Final = 20.0  # of what is allowed per minute, at once: a page of pictures needs forty


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Throttle:
    """A bucket of tokens for each address."""

    def __init__(self, *, per_minute: float) -> None:
        self._per_s = per_minute / 60
        self._burst = max(self._per_s * BURST_S, 10.0)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, address: str, *, cost: float, now: float) -> float:
        """Returns 0 if `cost` was taken, otherwise the seconds until it can be. `now`: monotonic
        seconds. A cost above the bucket's size takes the whole bucket."""
        cost = min(cost, self._burst)
        key = network(address)
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now)
        self._buckets[key] = bucket
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._per_s)
        bucket.at = now
        if bucket.tokens < cost:
            return (cost - bucket.tokens) / self._per_s
        bucket.tokens -= cost
        return 0.0


def network(address: str) -> str:
    """The key of an address: for IPv6 its /64, which is one household. Anything else is its own
    key, because an operator's proxy may use other names for visitors."""
    try:
        found = ip_address(address)
    except ValueError:
        return f"?{address[:_MAX_NAME]}"
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return found.exploded[:19]


def client_address(peer: str, forwarded: list[str], *, proxies: int) -> str:
    """The client's address. `forwarded`: all X-Forwarded-For headers. The operator's `proxies` each
    append one address; what precedes those can be forged."""
    hops = [hop.strip() for header in forwarded for hop in header.split(",") if hop.strip()]
    if proxies == 0 or len(hops) < proxies:
        return peer
    return _host(hops[-proxies])


def _host(hop: str) -> str:
    """The address in a proxy's entry: some add the port, or quote as `Forwarded` does."""
    hop = hop.strip('"').strip()
    if match := _BRACKETED.fullmatch(hop) or _WITH_PORT.fullmatch(hop):
        return match["host"]
    return hop
