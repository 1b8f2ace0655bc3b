"""The declared metrics are well named and described, and the docs list them."""

import re
from itertools import chain
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.watch.counting import Counting, combinations
from bot.watch.metrics_table import metrics_table
from bot.watch.table import COUNTED, READ, Metric

ROOT = Path(__file__).resolve().parents[3]
ALL = (*COUNTED, *READ)
UNITS = ("seconds", "bytes", "joules")


def test_the_table_in_the_docs_is_the_declared_one() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    shown = page.split("<!-- metrics -->")[1].split("<!-- /metrics -->")[0].strip()
    assert shown == metrics_table(), (
        "write it anew: python -m bot.watch.metrics_table docs/operations.md"
    )


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"ekaki_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    if metric.kind == "histogram":
        assert metric.name.endswith(UNITS)
        assert list(metric.buckets) == sorted(set(metric.buckets))
    else:
        assert not metric.buckets
    assert metric.help.endswith(".")


def test_every_declared_metric_is_in_one_of_the_lists_once() -> None:
    from bot.watch import table

    declared = [value for value in vars(table).values() if isinstance(value, Metric)]
    assert sorted(each.name for each in declared) == sorted(each.name for each in ALL)
    assert len({each.name for each in ALL}) == len(ALL)
    assert all(each.kind == "gauge" for each in READ)


def test_series_whose_labels_are_known_begin_at_zero() -> None:
    body = generate_latest(Counting().registry).decode()
    families = text_string_to_metric_families(body)
    samples = chain.from_iterable(family.samples for family in families)
    found = {(each.name, frozenset(each.labels.items())): each.value for each in samples}
    for metric in COUNTED:
        ending = "_count" if metric.kind == "histogram" else ""
        for labels in combinations(metric) if metric.labels else [dict[str, str]()]:
            assert found[metric.name + ending, frozenset(labels.items())] == 0
    assert not [name for name, _ in found if name.endswith("_created")]
