"""What the docs name exists: modules, files, links, make targets. The overview stays short."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("training/*.md"))
)
PACKAGES = "bot|cogs|data|pipeline|tests|benchmarks|training"
MODULE = re.compile(rf"`((?:{PACKAGES})(?:\.\w+)+)(?:\(\))?`|python -m ((?:{PACKAGES})(?:\.\w+)*)")
FILE_ENDINGS = (".json", ".toml", ".csv")
FILE = re.compile(rf"`((?:{PACKAGES}|docs|\.github)/[\w./-]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ANCHOR = re.compile(r"^#+ (.*)$", re.MULTILINE)
TARGET = re.compile(r"`make ([a-z-]+)`")

pytestmark = pytest.mark.parametrize("doc", DOCS)


@cache
def read(doc: str) -> str:
    return (ROOT / doc).read_text(encoding="utf-8")


def is_there(dotted: str) -> bool:
    """Whether a module of this name exists, or what comes after a module stands in its text."""
    module, *names = dotted.split(".")
    path = ROOT / module
    while names and ((path / names[0]).is_dir() or (path / f"{names[0]}.py").is_file()):
        path = path / names.pop(0)
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    words = source.read_text(encoding="utf-8") if source.is_file() else ""
    return all(re.search(rf"\b{name}\b", words) for name in names)


def anchors(doc: str) -> set[str]:
    """The anchors of the headings, as hosting sites make them."""
    words = (re.sub(r"[^\w\s-]", "", title.lower()) for title in ANCHOR.findall(read(doc)))
    return {word.strip().replace(" ", "-") for word in words}


def test_modules_exist(doc: str) -> None:
    found = {one or other for one, other in MODULE.findall(read(doc))}
    named = sorted(name for name in found if not name.endswith(FILE_ENDINGS))
    assert [name for name in named if not is_there(name)] == []


def test_files_exist(doc: str) -> None:
    assert [name for name in FILE.findall(read(doc)) if not (ROOT / name).exists()] == []


def test_links_lead_somewhere(doc: str) -> None:
    broken: list[str] = []
    for link in LINK.findall(read(doc)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = ((ROOT / doc).parent / name).resolve() if name else ROOT / doc
        there = target.exists()
        if there and anchor:
            there = anchor in anchors(target.relative_to(ROOT).as_posix())
        if not there:
            broken.append(link)
    assert broken == []


def test_make_targets_exist(doc: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(TARGET.findall(read(doc))) <= known


def test_the_overview_stays_short(doc: str) -> None:
    if doc == "docs/architecture.md":
        assert len(read(doc).splitlines()) <= 150
