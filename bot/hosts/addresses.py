"""Addresses of machines, as Ray sees them, and whether others can reach them."""

import ipaddress
import socket
from contextlib import suppress

from pipeline.errors import ModelError


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def listens(address: str) -> bool:
    """Whether something accepts connections at `address`. Ray itself would try for 30 s and then
    fail, also if the head starts meanwhile."""
    try:
        with socket.create_connection(split_address(address), timeout=3.0):
            return True
    except OSError:
        return False


def own_address(head: str) -> str:
    """The address of this machine, with the head's port, from which it reaches `head`
    (`HOST:PORT`); that of its default route where `head` is a loopback address, as Ray has it."""
    host, port = split_address(head)
    with suppress(OSError):
        found = ipaddress.ip_address(socket.gethostbyname(host))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # sends nothing
            probe.connect(("8.8.8.8" if found.is_loopback else str(found), 80))
            return f"{probe.getsockname()[0]}:{port}"
    return head


def is_own(host: str) -> bool:
    """Whether `host` is an address of this machine."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, _, _, address in found:
        with suppress(OSError), socket.socket(family, kind) as probe:
            probe.bind(address)
            return True
    return False


def refuse_public(address: str) -> None:
    """ModelError if `address` (`HOST:PORT`) can be reached from the internet: whoever reaches Ray
    and has its token runs code on the machine, and nothing is encrypted."""
    host, _ = split_address(address)
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise ModelError("hosts_address_unknown", address=address) from error
    for each in found:
        if ipaddress.ip_address(str(each).partition("%")[0]).is_global:
            raise ModelError("hosts_address_public", address=address)
