"""Asks everything at first, and single topics later."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.common.wording import words
from bot.config.engine_options import engine_options, tagger_folder
from bot.config.reading import dotenv_variables, read, sources
from bot.config.settings import Settings
from bot.doctor.token import application_id, invite_link
from bot.setup import envfile
from bot.setup.ask import Ask, Choice
from bot.setup.topics import TOPICS, Topic
from pipeline.errors import EkakiError, ModelError
from pipeline.model.options import is_repository
from pipeline.model.source import open_source

DONE: Final = "done"
REST: Final = "rest"
FETCH: Final = "fetch"


class Flow:
    """One run. `fetch`, `fetch_tagger` and `prepare` do the long work and raise EkakiError."""

    def __init__(
        self,
        ask: Ask,
        path: Path,
        *,
        environment: Mapping[str, str],
        fetch: Callable[[Settings], None],
        fetch_tagger: Callable[[Settings], None],
        prepare: Callable[[Settings], None],
        topics: Sequence[Topic] = TOPICS,
    ) -> None:
        self._ask = ask
        self._path = path
        self._environment = environment
        self._fetch = fetch
        self._fetch_tagger = fetch_tagger
        self._prepare = prepare
        self._topics = topics

    def run(self) -> None:
        """Until everything is answered, or the operator has had enough."""
        self._warn_of_environment()
        if any(topic.is_answered(self._values()) for topic in self._topics):
            self._choose_topics()
        else:
            self._ask.say(f"Every answer is stored in {self._path} at once. Ctrl-C ends this.")
            self._answer_rest()
            self._offer_downloads()
        self._end()

    def _choose_topics(self) -> None:
        while True:
            settings, values = self.settings(), self._values()
            rest = [topic for topic in self._topics if not topic.is_answered(values)]
            choices = (
                [Choice(REST, f"Go on: {', '.join(one.name for one in rest)}")] if rest else []
            )
            choices += [Choice(topic.name, f"{topic.name}: {topic.shown(settings)}")
                        for topic in self._topics]  # fmt: skip
            missing = self._missing()
            if missing:
                choices.append(Choice(FETCH, f"Download and prepare: {', '.join(missing)}"))
            choices.append(Choice(DONE, "Done"))
            chosen = self._ask.choose("What next?", choices, default=choices[0].value)
            if chosen == DONE:
                return
            if chosen == REST:
                self._answer_rest()
            elif chosen == FETCH:
                self._download()
            else:
                self._answer(next(one for one in self._topics if one.name == chosen))

    def _answer_rest(self) -> None:
        for topic in self._topics:
            if not topic.is_answered(self._values()):
                self._answer(topic)

    def _answer(self, topic: Topic) -> None:
        self._ask.say("")
        try:
            topic.ask(self._ask, self.settings(), self._store)
        except EkakiError as error:
            if not isinstance(error, ModelError):
                raise
            self._ask.say(f"{words(error)} Run this again afterwards.")

    def settings(self) -> Settings:
        """As the file and the environment have them now; wrong values count as defaults."""
        return read(sources(self._environment, self._path))[0]

    def _values(self) -> dict[str, str]:
        return dotenv_variables(self._path)

    def _store(self, name: str, value: str) -> None:
        envfile.store(self._path, name, value)

    def _warn_of_environment(self) -> None:
        names = {name for topic in self._topics for name in topic.variables}
        for name in sorted(names & {key for key, value in self._environment.items() if value}):
            self._ask.say(f"{name} is set in the environment, which wins over {self._path}.")

    def _missing(self) -> list[str]:
        """What is to be downloaded or prepared."""
        settings = self.settings()
        found: list[str] = []
        try:
            open_source(engine_options(settings))
        except ModelError as error:
            if is_repository(settings.model) and error.key in _TO_FETCH:
                found.append("the model")
        try:
            if settings.tagger == "auto" and tagger_folder(settings) is None:
                found.append("the tagger")
        except ModelError:
            found.append("the tagger")
        return found

    def _offer_downloads(self) -> None:
        missing = self._missing()
        if not missing:
            return
        self._ask.say("")
        what = " and ".join(missing)
        if self._ask.yes(f"Download {what} now, and prepare the model for this machine?"):
            self._download()
        else:
            self._ask.say("Later: python -m bot setup, or python -m bot model fetch")

    def _download(self) -> None:
        missing = self._missing()
        for name, work in (("the tagger", self._fetch_tagger), ("the model", self._fetch)):
            if name in missing and not self._did(name, work):
                return
        if "the model" in missing:
            self._did("preparing", self._prepare)

    def _did(self, name: str, work: Callable[[Settings], None]) -> bool:
        try:
            work(self.settings())
        except EkakiError as error:
            self._ask.say(f"{name[0].upper()}{name[1:]}: {words(error)}")
            self._ask.say("Nothing is lost: run python -m bot setup again to go on.")
            return False
        return True

    def _end(self) -> None:
        settings = self.settings()
        application = application_id(settings.discord_token)
        self._ask.say("")
        if application is None:
            self._ask.say("There is no token yet; everything else is stored. Run this again.")
            return
        missing = self._missing()
        if missing:
            self._ask.say(f"Still to be downloaded: {', '.join(missing)} (python -m bot setup)")
        self._ask.say(f"Invite the bot:  {invite_link(application)}")
        self._ask.say("Check all of it: python -m bot doctor --online")
        self._ask.say("Start it:        python -m bot run")
        self._ask.say("Then type /imagine in Discord.")


_TO_FETCH: Final = frozenset({"model_not_fetched", "download_incomplete"})
