"""Names, addresses and what Ray's output means. Nothing is started."""

import socket
from pathlib import Path

import pytest

from bot.hosts.addresses import is_own, refuse_public, split_address
from bot.hosts.node import (
    Node,
    Ports,
    _is_free,  # pyright: ignore[reportPrivateUsage]
    host_name,
    why_failed,
)
from pipeline.errors import ModelError


@pytest.mark.parametrize("name", ["a", "gpu-2", "0", "a" * 32])
def test_names_of_hosts(name: str) -> None:
    assert host_name(name) == name


@pytest.mark.parametrize("name", ["A", "two words", "a" * 33, "-a", "a-", "a:0", "ä", "a/0", "a\n"])
def test_names_that_would_break_a_resource_are_refused(name: str) -> None:
    with pytest.raises(ModelError) as refused:
        host_name(name)
    assert refused.value.key == "hosts_name_invalid"


@pytest.mark.parametrize("machine", ["Workstation.local", "名前", "-", "X" * 80, "a b"])
def test_any_machine_has_a_name(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: machine)
    made = host_name()
    assert host_name(made) == made


@pytest.mark.parametrize("address", ["8.8.8.8:6379", "[2001:4860:4860::8888]:6379"])
def test_a_public_address_is_refused(address: str) -> None:
    with pytest.raises(ModelError) as refused:
        refuse_public(address)
    assert refused.value.key == "hosts_address_public"


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "10.0.0.2:6379", "192.168.1.9:6379", "100.64.0.1:6379", "[::1]:1"]
)
def test_a_private_address_is_taken(address: str) -> None:
    refuse_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_own(host)


@pytest.mark.parametrize("host", ["192.0.2.77", "203.0.113.9", "no-such-host.invalid"])
def test_addresses_of_others(host: str) -> None:
    assert not is_own(host)


def test_a_head_at_an_address_of_another_machine_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as refused:
        Node.head(address="203.0.113.9:6379", token="x" * 16, log=tmp_path / "head.log")
    assert refused.value.key == "hosts_address_foreign"


def test_an_address_with_brackets_is_split() -> None:
    assert split_address("[fd00::1]:6379") == ("fd00::1", 6379)
    assert split_address("ekaki.lan:6379") == ("ekaki.lan", 6379)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        (
            "RuntimeError: Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n"
            "    Python: 3.12.1\nThis process on node 10.0.0.3 was started with:\n    Ray: 2.60.0",
            "hosts_other_version",
        ),
        ("Unauthenticated: RPC error: InvalidAuthToken: missing or incorrect", "hosts_wrong_token"),
        (
            "INFO node.py:438 -- Failed to get node info b'RPC error: Deadline Exceeded'",
            "hosts_slow",
        ),
        ("Exception: The current node timed out during startup. This could", "hosts_slow"),
        ("ConnectionError: Ray is trying to start at 10.0.0.9:6379", "hosts_ray_failed"),
        ("", "hosts_ray_failed"),
    ],
)
def test_what_ray_says_becomes_what_to_do(said: str, key: str) -> None:
    error = why_failed(said)
    assert error.key == key
    if key == "hosts_other_version":
        assert error.data["there"] == "Ray: 2.50.0 Python: 3.12.1"


def test_a_second_node_of_a_machine_gets_other_ports() -> None:
    first = Ports.free()
    with socket.socket() as taken:
        taken.bind(("", first.first))
        assert Ports.free(first.first).first > first.first


def test_two_nodes_that_start_at_once_get_different_ports() -> None:
    one, other = Ports.free(), Ports.free()
    assert abs(one.first - other.first) >= 40
    assert one.lock is not None
    one.lock.release()
    third = Ports.free(one.first)
    assert third.first == one.first


def test_a_port_whose_last_connection_just_ended_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gRPC does
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            assert not _is_free(port), "it listens"
            accepted.close()  # the server's side ends first, as that of a killed process
    assert _is_free(port)
