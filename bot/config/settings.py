"""The settings as one frozen value, read once at start from the environment and `.env`.

The table of variables with their ranges is `bot.config.variables`. Nothing is read at import time.
"""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from dotenv.parser import parse_stream

from bot.common.logs import redact
from bot.common.secret import Secret
from bot.config.variables import VARIABLES, Variable
from pipeline.card import QualityPreset, Sampler
from pipeline.errors import EkakiError

DOTENV = Path(".env")


class SettingsError(EkakiError):
    """A setting has a wrong value. `data["name"]` is the variable, `data["allowed"]` its range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator decides. Units, defaults and ranges: `bot.config.variables.VARIABLES`.

    Make it with `load`, or with `Settings()` for the defaults (in tests: any field by name).
    """

    discord_token: Secret = field(default_factory=Secret)
    owner_ids: frozenset[int] = frozenset()
    sync_commands: Literal["auto", "never"] = "auto"
    discord_api_url: str = ""
    data_dir: Path = Path("state")
    models_dir: Path = Path("models")
    model: str = "ecyht2/animagine-xl-3.1-onnx"
    model_revision: str = "5c2038d3a17fef59566a33fd022cd77d89fdbf84"
    model_variant: Literal["auto", "source", "fp32", "fp16", "int8", "bf16"] = "auto"
    tagger: str = "auto"
    engine: Literal["own", "stock"] = "own"
    provider: Literal["auto", "cpu", "cuda"] = "auto"
    device_id: tuple[int, ...] = (0,)
    threads: int | None = None
    default_steps: int = 28
    max_steps: int = 60
    default_guidance_scale: float = 7.0
    default_aspect: str = "13:19"
    default_preset: QualityPreset = QualityPreset.STANDARD_31
    default_sampler: Sampler = Sampler.EULER_A
    quality_first: bool = False
    max_count: int = 4
    previews: bool = True
    progress_interval_s: float = 2.5
    mention_after_minutes: int = 2
    pictures_per_hour: int = 20
    pictures_per_day: int = 100
    waiting_jobs_per_user: int = 3
    waiting_jobs_total: int = 50
    booster_weight: int = 2
    moderator_weight: int = 2
    max_role_weight: int = 3
    job_max_age_minutes: int = 360
    pictures_kept_days: int = 0
    web_address: str = ""
    web_url: str = ""
    web_proxies: int = 0
    web_requests_per_minute: int = 900
    discord_client_secret: Secret = field(default_factory=Secret)
    operator_contact: str = ""
    source_url: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def web_origin(self) -> str:
        """Where people reach the gallery's page: this process's, or (an address without a place to
        serve) one of its own. Empty: there is none."""
        return self.web_url or (f"http://{self.web_address}" if self.web_address else "")

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, dotenv: Path | None = DOTENV) -> "Settings":
        """Read `env` (None: the process's environment) over the file `dotenv` (may be absent).

        Raises SettingsError for the first variable that is wrong.
        """
        found, errors = read(sources(env, dotenv))
        if errors:
            raise errors[0]
        return found


def sources(env: Mapping[str, str] | None, dotenv: Path | None) -> dict[str, str]:
    """All variables that are set, ours or not: those of `env` over those of the file."""
    values = dotenv_variables(dotenv) if dotenv is not None else {}
    present = os.environ if env is None else env
    return values | {name: value for name, value in present.items() if value.strip()}


def dotenv_variables(path: Path) -> dict[str, str]:
    """The variables of a `.env` file; none where there is no file. SettingsError if it is
    unreadable, or a line of it: what stands there would else be missing without a word."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("settings_file", name=str(path)) from error
    # The parser alone: no interpolation, so a `$` in a value is a `$`.
    values: dict[str, str] = {}
    for line in parse_stream(io.StringIO(text)):
        if line.error:
            raise SettingsError("settings_line", name=str(path), line=line.original.line)
        if line.key is not None and line.value is not None:
            values[line.key] = line.value
    return values


def read(values: Mapping[str, str]) -> tuple[Settings, list[SettingsError]]:
    """The settings and everything that is wrong with them; a wrong one has its default."""
    parsed: dict[str, Any] = {}
    errors: list[SettingsError] = []
    for variable in VARIABLES:
        typed = values.get(variable.name, "").strip()
        if not typed:
            continue
        try:
            parsed[variable.field] = variable.kind.parse(typed)
        except (ValueError, RuntimeError):  # RuntimeError: `~` of a user who has no home
            errors.append(_wrong(variable, typed))
    settings = Settings(**parsed)
    if "default_steps" not in parsed:  # who lowers MAX_STEPS alone means this as well
        settings = replace(settings, default_steps=min(settings.default_steps, settings.max_steps))
    if settings.default_steps > settings.max_steps:
        errors.append(
            SettingsError(
                "setting_wrong",
                name="DEFAULT_STEPS",
                value=settings.default_steps,
                allowed=f"at most MAX_STEPS, which is {settings.max_steps}",
            )
        )
    return settings, errors


def _wrong(variable: Variable, typed: str) -> SettingsError:
    shown = redact(typed)  # a token that was pasted into another variable's line
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return SettingsError(
        "setting_wrong", name=variable.name, value=shown, allowed=variable.kind.allowed
    )
