"""A new playground fills itself: the greeting, a gallery, pictures and stars of two members."""

import json
import re
import sqlite3
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.main import main
from bot.playground.page import start
from bot.playground.page.filling import STARS_NEEDED, pieces
from bot.playground.page.start import Playground
from bot.playground.simulator.default_world import IDS
from cogs.moderation.welcome import START_PROMPT
from tests.bot.playground.page.conftest import Stage
from tests.support.patience import PATIENCE_S, until_in_thread

Begin = Callable[..., Stage]

SOME = 5  # pictures, where it does not matter which


@pytest.fixture
def begin(tmp_path: Path) -> Generator[Begin]:
    """Starts a playground in `tmp_path`; `pictures`: how many it is filled with. `held`: how many
    are drawn before one waits."""
    begun: list[Stage] = []

    def start_one(pictures: int, *, held: int = -1) -> Stage:
        begun.append(Stage(tmp_path, draws=0, pictures=pictures, held=held))
        return begun[-1]

    yield start_one
    for stage in begun:
        if stage.process.poll() is None:
            stage.stop()


def messages(stage: Stage, channel: int, viewer: int = IDS.alice) -> list[dict[str, Any]]:
    address = f"{stage.url}loopback/messages?as={viewer}&channel={channel}"
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def act(stage: Stage, action: str, user: int, **given: Any) -> None:
    body = json.dumps({"as": str(user), **given}).encode()
    request = urllib.request.Request(f"{stage.url}loopback/act/{action}", data=body)
    with urllib.request.urlopen(request, timeout=PATIENCE_S):
        pass


def imagine(stage: Stage, user: int, prompt: str) -> None:
    options = {"prompt": prompt, "seed": 99, "steps": 2}
    act(stage, "slash", user, name="imagine", channel=str(IDS.general), options=options)


def rows(folder: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(folder / "bot" / "ekaki.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def is_filled(stage: Stage, folder: Path) -> bool:
    stage.wait_for_commands()  # there are no tables before
    query = "SELECT value FROM notes WHERE key = 'playground_filling'"
    return rows(folder, query) == [("done",)]


def drawn_in(folder: Path) -> list[str]:
    """The prompts of all jobs, the oldest first."""
    found = rows(folder, "SELECT request FROM jobs ORDER BY rowid")
    return [json.loads(request)["wish"]["prompt"] for (request,) in found]


def stars(message: dict[str, Any]) -> int:
    return sum(each["count"] for each in message.get("reactions", []))


def test_it_is_filled_once(begin: Begin, tmp_path: Path) -> None:
    stage = begin(SOME)
    until_in_thread(lambda: is_filled(stage, tmp_path))
    drawn = messages(stage, IDS.art)
    wanted = pieces()[:SOME]
    assert [stars(each) for each in drawn] == [len(each.stars) for each in wanted]
    assert all(each["attachments"] for each in drawn)
    assert {each["interaction_metadata"]["user"]["id"] for each in drawn} == {
        str(IDS.alice),
        str(IDS.bob),
    }
    shared = [piece for piece in wanted if len(piece.stars) >= STARS_NEEDED]
    until_in_thread(lambda: len(messages(stage, IDS.gallery)) == len(shared))
    for person in (IDS.alice, IDS.bob, IDS.moderator, IDS.owner):
        invited, greeting = messages(stage, IDS.general, person)  # and nothing that only they see
        assert invited["author"]["id"] == str(IDS.moderator)
        assert START_PROMPT in greeting["components"][0]["components"][0]["label"]
    with urllib.request.urlopen(f"{stage.url}gallery", timeout=PATIENCE_S) as answer:
        on_the_wall = set(re.findall(r'href="(/p/\w+)', answer.read().decode()))
    assert len(on_the_wall) == len(shared)
    stage.stop()

    again = begin(len(pieces()))
    again.wait_for_commands()
    imagine(again, IDS.alice, "1girl, later")
    until_in_thread(lambda: len(messages(again, IDS.general)) == 3)
    again.stop()
    assert drawn_in(tmp_path) == [*(piece.options["prompt"] for piece in wanted), "1girl, later"]


def test_an_interrupted_filling_goes_on(begin: Begin, tmp_path: Path) -> None:
    stage = begin(SOME, held=1)
    until_in_thread(lambda: len(messages(stage, IDS.art)) == 2)
    assert not is_filled(stage, tmp_path)
    stage.stop()
    again = begin(SOME)
    until_in_thread(lambda: is_filled(again, tmp_path))
    shared = [piece for piece in pieces()[:SOME] if len(piece.stars) >= STARS_NEEDED]
    until_in_thread(lambda: len(messages(again, IDS.gallery)) == len(shared))
    again.stop()
    assert drawn_in(tmp_path) == [piece.options["prompt"] for piece in pieces()[:SOME]]


@pytest.mark.parametrize("visitor", [IDS.alice, IDS.moderator])
def test_a_visitor_is_next(begin: Begin, tmp_path: Path, visitor: int) -> None:
    stage = begin(SOME, held=1)
    until_in_thread(lambda: len(messages(stage, IDS.art)) == 2)
    for number in range(3):
        imagine(stage, visitor, f"1girl, impatient {number}")
    until_in_thread(lambda: len(rows(tmp_path, "SELECT 1 FROM jobs")) == 2 + 3)
    stage.let_go()
    until_in_thread(lambda: is_filled(stage, tmp_path))
    stage.stop()
    times = rows(tmp_path, "SELECT request, accepted_at, started_at, ended_at FROM jobs")
    mine = [each for each in times if "impatient" in each[0]]
    assert (len(mine), len(times)) == (3, 3 + SOME)
    asked, began = min(each[1] for each in mine), min(each[2] for each in mine)
    done = max(each[3] for each in mine)
    later = [each for each in times if "impatient" not in each[0] and each[1] > asked]
    assert later  # else this showed nothing
    assert not [each for each in later if each[2] < began]
    # One that was just being asked for may go between them.
    assert len([each for each in later if each[2] < done]) <= 1


def test_where_somebody_has_drawn_nothing_is_added(begin: Begin, tmp_path: Path) -> None:
    for visit in (1, 2):
        stage = begin(0 if visit == 1 else SOME)
        stage.wait_for_commands()
        imagine(stage, IDS.bob, f"1girl, visit {visit}")
        until_in_thread(lambda: len(rows(tmp_path, "SELECT 1 FROM pictures")) == visit)  # noqa: B023 - at once
        assert not is_filled(stage, tmp_path)
        stage.stop()
    assert drawn_in(tmp_path) == ["1girl, visit 1", "1girl, visit 2"]


@pytest.mark.parametrize(
    ("typed", "filled"), [((), True), (("--empty",), False), (("--model", "elsewhere"), False)]
)
def test_empty_and_other_models(
    monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], filled: bool
) -> None:
    started: list[Playground] = []

    def run(playground: Playground) -> int:
        started.append(playground)
        return 0

    monkeypatch.setattr(start, "run", run)
    assert main(["playground", *typed]) == 0
    assert bool(started[0].wanted) is filled


def test_the_pictures_are_for_everybody() -> None:
    wanted = pieces()
    assert len(wanted) == 20
    assert len({(piece.by, piece.key) for piece in wanted}) == len(wanted)
    assert Counter(piece.by for piece in wanted) == {IDS.alice: 10, IDS.bob: 10}
    assert all(piece.by not in piece.stars for piece in wanted)
    assert not [p for p in wanted if {"rating", "tags", "private"} & set(p.options)]
