"""The rules and the dashboard in deploy/ ask for metrics that exist, by labels that they have."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.watch.dashboard import ROWS, dashboard, dashboard_text
from bot.watch.table import COUNTED, READ
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DECLARED = {metric.name: metric for metric in (*COUNTED, *READ)}
OF_PROMETHEUS = {"job", "instance", "le"}
SELECTOR = re.compile(r"\b(ekaki_[a-z_]+)(?:\{([^}]*)\})?")


def expressions() -> Iterator[str]:
    """Every query of the rules and the dashboard."""
    rules = (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8")
    for found in re.finditer(r"expr: (.*?)\n        (?:for|labels):", rules, re.DOTALL):
        yield " ".join(found[1].removeprefix(">-").split())
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def selectors() -> Iterator[tuple[str, str]]:
    """(Metric without a histogram's ending, its labels) of every query."""
    for expression in expressions():
        for name, labels in SELECTOR.findall(expression):
            yield (
                re.sub(r"_(bucket|count|sum)$", "", name) if name not in DECLARED else name,
                labels,
            )


def test_every_rule_and_panel_is_read_here() -> None:
    rules = (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8").count("- alert: ")
    panels = sum(len(panel.queries) for _, _, panels in ROWS for panel in panels)
    assert len(list(expressions())) == rules + panels > 40


def test_they_ask_for_declared_metrics_and_labels() -> None:
    wrong: list[str] = []
    for name, labels in selectors():
        metric = DECLARED.get(name)
        if metric is None:
            wrong.append(name)
            continue
        for label, value in re.findall(r'(\w+)(?:=|!=|=~)"([^"]*)"', labels):
            known = metric.labels.get(label)
            if label not in OF_PROMETHEUS and (known is None or (known and value not in known)):
                wrong.append(f"{name}: {label}={value}")
    assert wrong == []


def test_they_group_by_labels_of_their_metric() -> None:
    wrong: list[str] = []
    for expression in expressions():
        labels = {label for name, _ in SELECTOR.findall(expression) for label in _labels(name)}
        for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
            asked = {each.strip() for each in group.split(",")}
            if not asked <= labels | OF_PROMETHEUS:
                wrong.append(expression)
    assert wrong == []


def _labels(name: str) -> Iterator[str]:
    metric = DECLARED.get(name) or DECLARED[re.sub(r"_(bucket|count|sum)$", "", name)]
    return iter(metric.labels)


def test_the_dashboard_is_the_generated_one() -> None:
    stored = (DEPLOY / "grafana" / "dashboards" / "ekaki.json").read_text(encoding="utf-8")
    assert stored == dashboard_text(), (
        "write it anew: python -m bot.watch.dashboard > deploy/grafana/dashboards/ekaki.json"
    )


def test_panels_do_not_overlap_and_have_names_of_their_own() -> None:
    panels: list[dict[str, Any]] = json.loads(dashboard_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)


@pytest.mark.parametrize(
    "command",
    ["check rules alerts.yml", "check config prometheus.yml", "test rules alerts_test.yml"],
)
def test_promtool_accepts_them(command: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    done = subprocess.run(  # our own files
        [promtool, *command.split()],
        cwd=PROMETHEUS, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_seen_firing_in_promtools_test() -> None:
    rules = (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8")
    tested = (PROMETHEUS / "alerts_test.yml").read_text(encoding="utf-8")
    firing = re.findall(r'alertname="(\w+)"', tested)
    assert sorted(firing) == sorted(re.findall(r"- alert: (\w+)", rules))
