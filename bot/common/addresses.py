"""Who can reach an address that this process listens on."""

import ipaddress


def is_public(host: str) -> bool:
    """Whether machines outside a private network may reach it: it is public, or all addresses of
    this machine. A name (`localhost`) is not looked up and counts as private."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return found.is_global or found.is_unspecified
