"""What is asked, what is stored, and that nothing is lost."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.config.reading import dotenv_variables
from bot.config.settings import Settings
from bot.setup.ask import Check, Choice, anything
from bot.setup.flow import DONE, FETCH, REST, Flow
from pipeline.errors import ModelError
from pipeline.speed.notes import Speeds
from tests.support.simulator import Loopback

APPLICATION = 123456789012345678
TOKEN = base64.urlsafe_b64encode(str(APPLICATION).encode()).decode().rstrip("=") + ".abc.def"
DEFAULT = object()
"""Enter."""
STOP = object()
"""Ctrl-C."""


class Script:
    """An `Ask` that is answered from a list; keeps what was said and asked."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.said: list[str] = []
        self.asked: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def text(self, question: str, *, default: str = "", check: Check = anything) -> str:
        while True:
            answer = self._next(question)
            typed = default if answer is DEFAULT else str(answer)
            problem = check(typed)
            if not problem:
                return typed
            self.said.append(problem)

    def secret(self, question: str, *, check: Check = anything) -> str:
        return self.text(question, check=check)

    def choose(self, question: str, choices: Sequence[Choice], *, default: str) -> str:
        self.said += [each.said for each in choices]
        answer = self._next(question)
        values = [each.value for each in choices]
        chosen = default if answer is DEFAULT else str(answer)
        assert chosen in values, (question, values)
        return chosen

    def yes(self, question: str, *, default: bool = True) -> bool:
        answer = self._next(question)
        return default if answer is DEFAULT else bool(answer)

    def _next(self, question: str) -> object:
        self.asked.append(question)
        assert self.answers, f"no answer to: {question}"
        answer = self.answers.pop(0)
        if answer is STOP:
            raise KeyboardInterrupt
        return answer


class Enter(Script):
    """Answers everything with Enter, goes on where something is left, and downloads nothing."""

    def choose(self, question: str, choices: Sequence[Choice], *, default: str) -> str:
        values = [each.value for each in choices]
        if question.startswith("What next"):
            return REST if REST in values else DONE
        return default

    def _next(self, question: str) -> object:
        return False if question.startswith("Download") else DEFAULT


class Work:
    """What would take long."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.error: ModelError | None = None

    def of(self, name: str) -> Callable[[Settings], None]:
        def work(_: Settings) -> None:
            if self.error is not None:
                raise self.error
            self.done.append(name)

        return work


@pytest.fixture(autouse=True)
def no_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timing a processor takes seconds and belongs to other tests."""
    speeds = Speeds(
        linear_flops=196e9, conv_flops=222e9, int8_linear=3.9, bf16_linear=None, bf16_conv=None
    )

    def timed(*_: object, **__: object) -> object:
        return type("Calibration", (), {"speeds": speeds})

    monkeypatch.setattr("bot.setup.outlook.calibrate", timed)


def flow(script: Script, folder: Path, work: Work | None = None, **environment: str) -> Flow:
    work = work or Work()
    models = {"MODELS_DIR": str(folder / "models"), "PROVIDER": "cpu"}
    return Flow(
        script,
        folder / ".env",
        environment=models | environment,
        fetch=work.of("model"),
        fetch_tagger=work.of("tagger"),
        prepare=work.of("prepare"),
    )


def stored(folder: Path) -> dict[str, str]:
    values = dotenv_variables(folder / ".env")
    return {name: values[name] for name in values if values[name]}


def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doctor.online.API", "http://127.0.0.1:9/api/v10")


def test_defaults_all_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(monkeypatch)
    script = Script(TOKEN, *[DEFAULT] * 5, False)
    flow(script, tmp_path).run()
    assert script.answers == []
    assert stored(tmp_path) == {
        "DISCORD_TOKEN": TOKEN,
        "MODEL": "ecyht2/animagine-xl-3.1-onnx",
        "MODEL_VARIANT": "auto",
        "TAGGER": "auto",
    }
    said = "\n".join(script.said)
    assert "the token is stored unchecked" in said
    assert f"client_id={APPLICATION}" in said
    assert "int8: about" in said
    assert "bf16:" not in said, "this processor has none"
    assert "Still to be downloaded: the model, the tagger" in said
    assert said.endswith("Then type /imagine in Discord.")
    assert TOKEN not in said


@pytest.mark.parametrize("stop_at", range(7))
def test_ctrl_c_loses_no_answer_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    unreachable(monkeypatch)
    answers: list[object] = [
        TOKEN,
        "demo",
        False,
        True,
        "127.0.0.1:18090",
        "https://a.example",
        "me",
    ]
    answers[stop_at] = STOP
    with pytest.raises(KeyboardInterrupt):
        flow(Script(*answers[: stop_at + 1], STOP), tmp_path).run()
    kept = stored(tmp_path) if (tmp_path / ".env").exists() else {}
    assert kept.get("DISCORD_TOKEN") == (TOKEN if stop_at > 0 else None)
    flow(Enter(), tmp_path).run()
    now = stored(tmp_path)
    assert now.items() >= kept.items()
    assert now.keys() >= {"MODEL", "MODEL_VARIANT", "TAGGER"}


def test_a_second_run_changes_a_single_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(monkeypatch)
    flow(Script(TOKEN, "demo", False, False, "me"), tmp_path).run()
    before = (tmp_path / ".env").read_text()
    script = Script("Contact", "mail@example.org", DONE)
    flow(script, tmp_path).run()
    assert stored(tmp_path)["OPERATOR_CONTACT"] == "mail@example.org"
    after = (tmp_path / ".env").read_text()
    assert after == before.replace("OPERATOR_CONTACT=me", "OPERATOR_CONTACT=mail@example.org")
    assert not any("Go on" in line for line in script.said)


def test_a_token_that_discord_refuses_is_asked_again(tmp_path: Path) -> None:
    import asyncio

    async def run() -> Script:
        async with Loopback() as loopback:
            url = loopback.url.removesuffix("/api")
            script = Script("Bot " + TOKEN, "no token", TOKEN, "", "demo", False, False, "me")
            await asyncio.to_thread(flow(script, tmp_path, DISCORD_API_URL=url).run)
            return script

    script = asyncio.run(run())
    said = "\n".join(script.said)
    assert said.count("A token has two dots") == 2
    assert "the token is not valid" in said
    assert "DISCORD_TOKEN" not in stored(tmp_path)
    assert "There is no token yet" in said


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["model", "other", "/nowhere", "a b", "owner/name", DEFAULT], "Please type a folder"),
        (["page", True, "nonsense", "127.0.0.1:18091", "ftp://x", ""], "Please type an address"),
        (["contact", TOKEN, "me"], "That is a token"),
        (["contact", "x" * 301, "me"], "At most 300"),
    ],
)
def test_a_wrong_answer_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: list[object], said: str
) -> None:
    unreachable(monkeypatch)
    flow(Script(TOKEN, "demo", False, False, "me"), tmp_path).run()
    names = {"model": "Model", "page": "Web page", "contact": "Contact"}
    script = Script(names[str(answers[0])], *answers[1:], DONE)
    flow(script, tmp_path).run()
    assert said in "\n".join(script.said)
    assert script.answers == []


def test_a_port_in_use_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    unreachable(monkeypatch)
    flow(Script(TOKEN, "demo", False, False, "me"), tmp_path).run()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        script = Script("Web page", True, address, "127.0.0.1:18092", "", DONE)
        flow(script, tmp_path).run()
    assert any("Choose another port" in line for line in script.said)


def test_downloads_in_order_and_a_failure_that_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(monkeypatch)
    work = Work()
    work.error = ModelError("model_not_fetched", repository="x/y")
    first = Script(TOKEN, *[DEFAULT] * 5, True)
    flow(first, tmp_path, work).run()
    assert any("Nothing is lost" in line for line in first.said)
    assert work.done == []
    work.error = None
    second = Script(FETCH, DONE)
    flow(second, tmp_path, work).run()
    assert work.done == ["tagger", "model", "prepare"]


def test_a_variable_of_the_environment_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(monkeypatch)
    script = Script(TOKEN, "demo", False, False, "me")
    flow(script, tmp_path, MODEL="demo").run()
    assert any("MODEL is set in the environment" in line for line in script.said)
