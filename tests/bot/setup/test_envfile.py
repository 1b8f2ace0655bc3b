"""Changing one variable of a `.env` file leaves everything else as it is."""

import io
import os
import stat
from pathlib import Path

import pytest
from dotenv.parser import parse_stream
from hypothesis import given
from hypothesis import strategies as st

from bot.config.reading import dotenv_variables, read
from bot.config.variables import VARIABLES
from bot.setup.envfile import quoted, store, with_variable

VALUES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60
).map(str.strip)  # fmt: skip


def parsed(text: str) -> dict[str, str | None]:
    return {each.key: each.value for each in parse_stream(io.StringIO(text)) if each.key}


@given(value=VALUES)
def test_every_value_is_read_back_as_it_is(value: str) -> None:
    text = with_variable("# Remarks\nA=1\n\n# NAME=\nB=2\n", "NAME", value)
    assert parsed(text) == {"A": "1", "B": "2", "NAME": value}


@given(
    first=VALUES,
    second=VALUES,
    around=st.lists(st.sampled_from(["# a remark", "", "A=1", "export B='x y'", "C"]), max_size=6),
)
def test_a_change_keeps_every_other_line(first: str, second: str, around: list[str]) -> None:
    text = "\n".join([*around, f"NAME={quoted(first)}", *around]) + "\n"
    changed = with_variable(text, "NAME", second)
    assert parsed(changed) == parsed(text) | {"NAME": second}
    assert [line for line in changed.splitlines() if not line.startswith("NAME=")] == [
        *around,
        *around,
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "NAME=new\n"),
        ("NAME=old", "NAME=new\n"),
        ("A=1\nNAME=old\nB=2\n", "A=1\nNAME=new\nB=2\n"),
        ("NAME=one\nB=2\nNAME=two\n", "NAME=new\nB=2\n"),
        ("# NAME=\n# The next\n", "NAME=new\n# The next\n"),
        ("A=1", "A=1\nNAME=new\n"),
        ("NAME2=x\n", "NAME2=x\nNAME=new\n"),
        ("export NAME='a b'\n", "NAME=new\n"),
    ],
)
def test_where_the_value_goes(before: str, after: str) -> None:
    assert with_variable(before, "NAME", "new") == after


@pytest.mark.parametrize("value", ["two\nlines", "end\n", "a\r"])
def test_several_lines_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        quoted(value)


def test_the_file_is_made_from_the_example_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    store(path, "MODEL", "demo")
    store(path, "OPERATOR_CONTACT", "it's me # 100 % \\ $HOME")
    settings, errors = read(dotenv_variables(path))
    assert not errors
    assert settings.model == "demo"
    assert settings.operator_contact == "it's me # 100 % \\ $HOME"
    text = path.read_text(encoding="utf-8")
    assert all(f"{variable.name}=" in text for variable in VARIABLES)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_open_file_is_closed_to_others_and_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / ".env"
    real.write_text("A=1\n")
    real.chmod(0o644)
    link.symlink_to(real)
    store(link, "DISCORD_TOKEN", "x")
    assert link.is_symlink()
    assert real.read_text() == "A=1\nDISCORD_TOKEN=x\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
