"""Gives commands the options of the table, and converts what was sent to fields of a request."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from discord import app_commands

from data.shipped.text import text
from pipeline.errors import InputError
from pipeline.options import Option, written
from pipeline.request import OPTION

Callback = TypeVar("Callback", bound=Callable[..., Any])
Kind = TypeVar("Kind", bound=Enum)


def takes(
    options: Sequence[Option], *, order: Sequence[str] = (), required: Sequence[str] = ()
) -> Callable[[Callback], Callback]:
    """Give a command `options` in place of its `**said`. The options named in `order` come first,
    in that order; the others follow. Those in `required` must be filled in."""

    def decorate(callback: Callback) -> Callback:
        signature = inspect.signature(callback)
        own = [each for each in signature.parameters.values() if each.kind != each.VAR_KEYWORD]
        offered = [_parameter(each, required=each.field in required) for each in options]
        named = {each.name: each for each in (*own, *offered)}
        context = [named.pop(each.name) for each in own if each.kind != each.KEYWORD_ONLY]
        ordered = [named.pop(name) for name in order if name in named]
        parameters = [*context, *ordered, *named.values()]
        # discord.py reads it like Python does.
        callback.__signature__ = signature.replace(parameters=parameters)  # pyright: ignore[reportFunctionMemberAccess]
        app_commands.describe(
            **{each.field: text(f"imagine.option_{each.field}") for each in options}
        )(callback)
        app_commands.rename(**{each.field: each.name for each in options})(callback)
        listed = [each for each in options if each.choices and not each.suggested]
        app_commands.choices(**{each.field: _choices(each) for each in listed})(callback)
        return callback

    return decorate


def _parameter(option: Option, *, required: bool) -> inspect.Parameter:
    ranged: Any = app_commands.Range
    kind: Any = str if option.choices else option.kind
    if option.low is not None:
        kind = ranged[kind, option.low, option.high]
    flag = option.kind is bool
    default = inspect.Parameter.empty if required else option.default if flag else None
    return inspect.Parameter(
        option.field,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=kind if flag or required else kind | None,
    )


def _choices(option: Option) -> list[app_commands.Choice[str]]:
    """Name and value are the same: clients may send either."""
    return [app_commands.Choice(name=each, value=each) for each in option.choices]


def wanted(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that were sent. InputError for a value outside a closed list."""
    return {
        name: pick(OPTION[name].kind, value) if OPTION[name].choices else value
        for name, value in said.items()
        if value is not None
    }


def pick(kind: type[Kind], value: str | None) -> Kind | None:
    """The member with this value. InputError: Discord does not validate input."""
    if value is None:
        return None
    for member in kind:
        if written(member).casefold() == value.strip().casefold():
            return member
    raise InputError("choice_unknown", value=value, choices=tuple(map(written, kind)))
