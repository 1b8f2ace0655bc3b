"""How much one address may ask for. Pure, in memory: who restarts the page begins anew."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

MAX_ADDRESSES: Final = 50_000  # remembered at once, the least recent go first
_MAX_NAME: Final = 64
_BRACKETED: Final = re.compile(r"\[(?P<host>[^\]]*)\](?::\d*)?")
_WITH_PORT: Final = re.compile(r"(?P<host>[^:]*):\d*")  # IPv6 has more than one colon
BURST_S: Final = 20.0  # of what is allowed, at once: a page full of pictures asks for forty


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
        """0: go on, `cost` was taken. Else: how long until it can be. `now`: monotonic s. What
        costs more than an address ever has takes all that it has."""
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
    """What counts as one: an address, of IPv6 its /64, which is one household. What is no address
    counts by itself: a proxy of the operator's may have names of its own for visitors."""
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
    """Who asks. `forwarded`: all X-Forwarded-For headers. `proxies` of the operator's own each add
    one address at the end; what stands before those, anybody may have written."""
    hops = [hop.strip() for header in forwarded for hop in header.split(",") if hop.strip()]
    if proxies == 0 or len(hops) < proxies:
        return peer
    return _host(hops[-proxies])


def _host(hop: str) -> str:
    """The address in what a proxy writes: some add the port, or quote as `Forwarded` does."""
    hop = hop.strip('"').strip()
    if match := _BRACKETED.fullmatch(hop) or _WITH_PORT.fullmatch(hop):
        return match["host"]
    return hop
