"""Starting, stopping and who is let in, without a browser."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.origins import is_allowed
from tests.bot.playground.page.conftest import Stage
from tests.support.patience import PATIENCE_S


def ask(url: str, body: Any = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def test_messages_are_there_after_a_restart_and_a_taken_port_is_no_obstacle(
    tmp_path: Path, stage: Stage
) -> None:
    first = Stage(tmp_path, port=stage.port)
    first.wait_for_commands()
    assert first.port != stage.port
    said = {"as": str(IDS.alice), "channel": str(IDS.art), "content": "kept over the night"}
    assert ask(f"{first.url}loopback/act/say", said)[0] == 200
    complaint = first.stop()
    assert f"Port {stage.port} is in use" in complaint
    assert first.process.returncode == 0
    second = Stage(tmp_path)
    found = ask(f"{second.url}loopback/messages?as={IDS.bob}&channel={IDS.art}")[1]
    second.stop()
    assert "kept over the night" in found.decode()


def test_a_damaged_folder_is_no_new_one(tmp_path: Path) -> None:
    (tmp_path / "discord").mkdir()
    (tmp_path / "discord" / "world.json").write_text("{", encoding="utf-8")
    with pytest.raises(AssertionError, match="playground_unreadable"):
        Stage(tmp_path)


@pytest.mark.parametrize(
    "path",
    ["", "static/main.js", "playground/place", "loopback/state", "gateway", "api/v10/gateway"],
)
def test_other_sites_get_nothing(stage: Stage, path: str) -> None:
    url = f"{stage.url}{path}?as={IDS.alice}&channel={IDS.art}"
    assert ask(url, Host="evil.example")[0] == 403
    assert ask(url, Origin="http://evil.example")[0] == 403
    assert ask(url, Origin="null")[0] == 403


def test_the_page_forbids_scripts_of_others(stage: Stage) -> None:
    status, body, headers = ask(stage.url)
    assert status == 200
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = body.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text
    assert "https://" not in text


@pytest.mark.parametrize(
    "path", ["static/..%2Fpage.py", "static/nothing.js", "static/%2Fetc%2Fpasswd"]
)
def test_only_static_files_are_served(stage: Stage, path: str) -> None:
    assert ask(stage.url + path)[0] == 404


@pytest.mark.parametrize(
    ("host", "origin", "bound", "allowed"),
    [
        ("127.0.0.1:8080", None, "127.0.0.1", True),
        ("localhost:8080", "http://localhost:8080", "127.0.0.1", True),
        ("[::1]:8080", "http://[::1]:8080", "::1", True),
        ("localhost:8080", "http://localhost:9090", "127.0.0.1", False),
        ("localhost:8080", "https://localhost:8080", "127.0.0.1", False),
        ("rebound.example:8080", None, "127.0.0.1", False),
        ("192.168.1.5:8080", None, "127.0.0.1", False),
        ("192.168.1.5:8080", "http://192.168.1.5:8080", "0.0.0.0", True),
        ("rebound.example:8080", None, "0.0.0.0", False),
        ("", None, "127.0.0.1", False),
    ],
)
def test_who_may_enter(host: str, origin: str | None, bound: str, allowed: bool) -> None:
    assert is_allowed(host, origin, bound=bound) is allowed


def test_commands_are_those_that_the_person_may_use(stage: Stage) -> None:
    def usable(user_id: int) -> set[str]:
        place = json.loads(ask(f"{stage.url}playground/place?as={user_id}&channel={IDS.art}")[1])
        state = json.loads(ask(f"{stage.url}loopback/state?as={user_id}")[1])
        return {c["name"] for c in state["commands"] if c["id"] in place["commands"]}

    assert "imagine" in usable(IDS.alice)
    assert usable(IDS.alice) <= usable(IDS.owner)
    assert ask(f"{stage.url}playground/place?as={IDS.bob}&channel={IDS.dm_alice}")[0] == 403
