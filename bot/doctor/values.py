"""The outcome of one check."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was checked, the result, what was found, and what to do (empty if nothing)."""

    name: str
    result: Result
    found: str
    fix: str = ""


def ok(name: str, found: str) -> Check:
    return Check(name=name, result="ok", found=found)


def warn(name: str, found: str, fix: str) -> Check:
    return Check(name=name, result="warn", found=found, fix=fix)


def fail(name: str, found: str, fix: str) -> Check:
    return Check(name=name, result="fail", found=found, fix=fix)
