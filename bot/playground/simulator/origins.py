"""Checks who may connect: the page itself and the bot, never a page of another site.

A browser names the page's own address in `Host` and the asking page in `Origin`. A foreign name
that points here (DNS rebinding) is rejected by `Host`, because it is a name: if the server is bound
to more than this machine, it is addressed by IP address.
"""

from ipaddress import ip_address

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def is_allowed(host_header: str, origin: str | None, *, bound: str) -> bool:
    """Whether a request with these headers comes from this server's own page or from no page."""
    host = hostname(host_header)
    if host not in LOCAL_HOSTS | {bound} and not (_is_open(bound) and _is_number(host)):
        return False
    return origin in {None, f"http://{host_header}"}


def hostname(host_header: str) -> str:
    """Without the port and without the brackets of IPv6."""
    if host_header.startswith("["):
        return host_header[1:].partition("]")[0]
    return host_header.partition(":")[0]


def _is_open(bound: str) -> bool:
    """Whether the server can be reached from other machines."""
    return not (bound == "localhost" or (_is_number(bound) and ip_address(bound).is_loopback))


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
