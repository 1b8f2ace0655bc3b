"""What the client reports of its requests to Discord and of the interactions that it answers."""

from typing import Any

import pytest

from bot.client.traffic import ANSWER_WITHIN_S, Traffic
from bot.common.observer import InteractionKind, Observer
from tests.support.clock import ManualClock


class Heard(Observer):
    """Everything that was reported, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def discord_responded(
        self, *, method: str, status: str, elapsed_s: float, limit: str = ""
    ) -> None:
        self.heard.append((method, status, elapsed_s, limit))

    def interaction_answered(self, kind: InteractionKind, *, elapsed_s: float) -> None:
        self.heard.append((kind, "answered", elapsed_s))

    def interaction_missed(self, kind: InteractionKind) -> None:
        self.heard.append((kind, "missed"))


class Client:
    """A client's traffic, with a clock in the test's hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.observer = Heard()
        self.traffic = Traffic(self.observer, self.clock)

    def asks(
        self, path: str, status: int | None, *, took_s: float = 0.0, **headers: str
    ) -> list[tuple[Any, ...]]:
        began = self.traffic.now()
        self.clock.advance(took_s)
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        self.traffic.responded(method="POST", path=path, status=status, headers=shown, began=began)
        return self.observer.heard


CALLBACK = "/api/v10/interactions/7/a-token/callback"


def test_requests_to_the_api_are_reported_and_no_others() -> None:
    client = Client()
    client.asks("/gateway/", 101)
    client.asks("/attachments/1/2/picture.png", 200)
    assert client.asks("/api/v10/channels/1/messages", 200, took_s=0.5) == [
        ("POST", "200", 0.5, "")
    ]


def test_a_limit_is_named_by_its_scope() -> None:
    client = Client()
    client.asks("/api/v10/x", 429, X_RateLimit_Scope="shared")
    client.asks("/api/v10/x", 429)
    client.asks("/api/v10/x", 200, X_RateLimit_Scope="shared")
    client.asks("/api/v10/x", None)
    assert [(status, limit) for _, status, _, limit in client.observer.heard] == [
        ("429", "shared"), ("429", "cloudflare"), ("200", ""), ("error", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "kind"), [(2, "command"), (3, "component"), (4, "autocomplete"), (5, "form")]
)
def test_an_answer_is_measured_from_its_arrival(number: int, kind: str) -> None:
    client = Client()
    client.traffic.arrived({"id": "7", "type": number})
    client.clock.advance(0.25)
    heard = client.asks(CALLBACK, 204, took_s=0.5)
    assert heard[-1] == (kind, "answered", 0.75)
    client.clock.advance(100)
    client.traffic.expire()
    assert len(heard) == 2


@pytest.mark.parametrize("status", [404, 500, None])
def test_an_answer_that_discord_refuses_is_missed(status: int | None) -> None:
    client = Client()
    client.traffic.arrived({"id": "7", "type": 2})
    assert client.asks(CALLBACK, status)[-1] == ("command", "missed")


def test_what_is_not_answered_in_time_is_missed_once() -> None:
    client = Client()
    client.traffic.arrived({"id": "7", "type": 2})
    client.clock.advance(ANSWER_WITHIN_S + 0.1)
    client.traffic.arrived({"id": "8", "type": 3})
    assert client.observer.heard == [("command", "missed")]
    client.asks(CALLBACK, 204)
    assert client.observer.heard[1:] == [("POST", "204", 0.0, "")]


def test_what_has_no_known_kind_is_ignored() -> None:
    client = Client()
    client.traffic.arrived({"id": "7", "type": 1})
    client.clock.advance(100)
    client.traffic.expire()
    assert client.observer.heard == []
