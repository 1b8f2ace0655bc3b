"""New databases as copies of one: the migrations, run one by one, are most of a short test's time.

Tests of the migrations themselves ask for `migrated_anew`.
"""

import asyncio
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from data.store import database
from data.store.private import make_file


class _Template:
    """Makes one database for each list of migrations that is asked for."""

    def __init__(self) -> None:
        self._probe = database._probe  # pyright: ignore[reportPrivateUsage]
        self._made: dict[tuple[tuple[int, str], ...], bytes] = {}
        self.off = False

    def probe(self, path: Path) -> None:
        """As `data.store.database` does it; what was not there before is a copy."""
        fresh = not self.off and path.parent.is_dir() and not path.exists()
        if fresh:
            content = self._content()
            make_file(path)
            path.write_bytes(content)
        self._probe(path)

    def _content(self) -> bytes:
        steps = tuple(database.migrations())
        if steps not in self._made:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "template.db"
                path.touch()
                asyncio.run(_migrate(path))  # `probe` runs in a thread without a loop
                self._made[steps] = path.read_bytes()
        return self._made[steps]


async def _migrate(path: Path) -> None:
    async with database.Database.open(path):
        pass


@pytest.fixture(scope="session", autouse=True)
def _template() -> Generator[_Template]:
    template = _Template()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_probe", template.probe)
        yield template


@pytest.fixture
def migrated_anew(_template: _Template, monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are made by the migrations, as outside tests."""
    monkeypatch.setattr(_template, "off", True)
