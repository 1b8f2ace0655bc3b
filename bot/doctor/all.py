"""All checks, in the order in which an operator fixes problems."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bot.config.reading import SettingsError
from bot.config.settings import Settings
from bot.doctor import configuration, machine, place, token
from bot.doctor.backup import check_backup
from bot.doctor.hosts import check_hosts
from bot.doctor.loras import check_loras
from bot.doctor.outbox import check_outbox
from bot.doctor.runtimes import check_runtimes
from bot.doctor.sharing import check_sharing
from bot.doctor.signing import check_signing
from bot.doctor.troubles import check_troubles
from bot.doctor.values import Check, fail


def every_check(
    settings: Settings, errors: Sequence[SettingsError], *, env_file: Path, online: bool
) -> Iterator[Check]:
    """Run all checks in order; a check that raises counts as failed and the rest still run."""
    groups: list[tuple[str, Callable[[], Iterable[Check]]]] = [
        ("Python", lambda: [machine.check_python()]),
        ("Settings", lambda: configuration.check_values(errors)),
        ("Settings file", lambda: configuration.check_env_file(env_file, settings)),
        ("Token", lambda: token.check_token(settings)),
        ("Metrics", lambda: configuration.check_metrics(settings)),
        ("Operator", lambda: [configuration.check_operator(settings)]),
        ("Signatures", lambda: check_signing(settings)),
        ("ONNX Runtime", lambda: [check_runtimes()]),
        ("Machines", lambda: [check_hosts(settings)]),
        ("Engine and model", lambda: _model_checks(settings)),
        ("Sharing", lambda: check_sharing(settings)),
        ("DATA_DIR", lambda: [machine.check_folder("DATA_DIR", settings.data_dir)]),
        ("Disk", lambda: [machine.check_disk(settings.data_dir)]),
        ("DATA_DIR", lambda: place.check_place(settings.data_dir)),
        ("Database", lambda: [machine.check_database(settings.data_dir)]),
        ("LoRAs", lambda: [check_loras(settings)]),
        ("Backup", lambda: check_backup(settings)),
        ("Outbox", lambda: [check_outbox(settings.data_dir)]),
        ("Drawing", lambda: [check_troubles(settings.data_dir)]),
        ("Tags", lambda: [machine.check_vocabulary(settings.data_dir)]),
    ]
    if online:
        groups.append(("Discord", lambda: _online(settings)))
    yield from _each(groups)


def upgrade_checks(settings: Settings, errors: Sequence[SettingsError]) -> Iterator[Check]:
    """What an upgrade will do, and nothing else."""
    from bot.doctor.upgrade import check_upgrade

    yield from _each(
        [
            ("Settings", lambda: configuration.check_values(errors)),
            ("Upgrade", lambda: check_upgrade(settings)),
        ]
    )


def _each(groups: Sequence[tuple[str, Callable[[], Iterable[Check]]]]) -> Iterator[Check]:
    for name, group in groups:
        try:
            yield from group()
        except Exception as error:  # noqa: BLE001 - any exception is a finding
            found = f"the check itself broke: {type(error).__name__}: {error}"
            yield fail(name, found, "Please report this as a fault of Ekaki.")


def _model_checks(settings: Settings) -> Iterator[Check]:
    from bot.doctor import model

    engine = model.check_engine(settings)
    yield engine
    if engine.result != "fail":
        yield from model.check_provider(settings)
        yield from model.check_model(settings)
        yield model.check_tagger(settings)


def _online(settings: Settings) -> list[Check]:
    from bot.doctor.online import check_online

    return check_online(settings)
