"""Checks of the settings: values, misspelled names, contact."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bot.common.addresses import is_public
from bot.common.wording import words
from bot.config.reading import SettingsError, dotenv_variables
from bot.config.settings import Settings
from bot.config.variables import VARIABLES
from bot.doctor.values import Check, fail, ok, warn


def check_values(errors: Sequence[SettingsError]) -> Iterator[Check]:
    """One check for each wrong value."""
    for error in errors:
        yield fail("Settings", words(error), "See .env.example for every variable.")
    if not errors:
        yield ok("Settings", "all values are in their ranges")


def check_env_file(path: Path, settings: Settings) -> Iterator[Check]:
    """Unknown names in `.env`, and who may read the file. In a container there is none."""
    try:
        names = dotenv_variables(path)
    except SettingsError as error:
        yield fail("Settings file", words(error), f"Look at {path}.")
        return
    if not path.exists():
        if settings.discord_token:
            yield ok("Settings file", f"{path} is missing; the environment has the token")
            return
        yield warn("Settings file", f"{path} is missing", "python -m bot setup makes it")
        return
    yield from check_names(names)
    if names.get("DISCORD_TOKEN") and path.stat().st_mode & 0o004:
        yield warn("Settings file", "everybody on this machine can read it", f"chmod 600 {path}")


def check_names(names: Iterable[str]) -> Iterator[Check]:
    """Misspelled variables."""
    known = {variable.name for variable in VARIABLES}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            fix = f"Did you mean {near[0]}?" if near else "Take it out, or see .env.example."
            yield warn("Settings file", f"{name} is no setting of Ekaki", fix)


def check_operator(settings: Settings) -> Check:
    """Licence and policy require a contact."""
    if not settings.operator_contact:
        fix = "Set OPERATOR_CONTACT to how people reach you; /about shows it."
        return warn("Operator", "no contact is set", fix)
    return ok("Operator", "contact is set")


def check_metrics(settings: Settings) -> Iterator[Check]:
    """Whether strangers could read the metrics; nothing if there are none."""
    address = settings.metrics_address
    if not address:
        return
    host = address.rpartition(":")[0].strip("[]")
    if is_public(host):
        fix = "Nothing asks for a password. Let only your monitoring reach it, as by a firewall."
        yield warn("Metrics", f"{address} can be reached from other networks", fix)
    else:
        yield ok("Metrics", f"http://{address}/metrics")
