"""A connection with one-call queries, and tables whose rows are records of a dataclass."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import aiosqlite


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


RecordT = TypeVar("RecordT", bound=_Dataclass)
Values = tuple[object, ...] | list[object] | Mapping[str, object]
Converters = Mapping[str, Callable[[Any], Any]]
_NO_CONVERTERS: Final[Converters] = {}


class Connection(aiosqlite.Connection):
    """Each of these switches to the connection's thread only once."""

    async def every(self, sql: str, values: Values = ()) -> list[Any]:
        """All rows."""
        return list(await self.execute_fetchall(sql, values))

    async def first(self, sql: str, values: Values = ()) -> Any:
        """The first row; None if there is none."""
        rows = await self.every(sql, values)
        return rows[0] if rows else None

    async def column(self, sql: str, values: Values = ()) -> list[Any]:
        """The first value of each row."""
        return [row[0] for row in await self.every(sql, values)]

    async def value(self, sql: str, values: Values = ()) -> Any:
        """The first value of the first row; None if there is none."""
        row = await self.first(sql, values)
        return None if row is None else row[0]

    async def exists(self, sql: str, values: Values = ()) -> bool:
        """Whether there is any row."""
        return await self.first(sql, values) is not None

    async def changes(self, sql: str, values: Values = ()) -> bool:
        """Execute a statement; returns whether it changed any row."""
        return (await self.execute(sql, values)).rowcount > 0


class Table(Generic[RecordT]):
    """A table, or a join, whose rows are records of one dataclass: its fields are the columns.

    `columns` gives expressions for columns that need them. `read` converts a column to its field's
    value, and `write` a field to what SQLite stores.
    """

    def __init__(
        self,
        record: type[RecordT],
        source: str,
        *,
        columns: str = "",
        read: Converters = _NO_CONVERTERS,
        write: Converters = _NO_CONVERTERS,
    ) -> None:
        self._record = record
        self._names = tuple(field.name for field in fields(record))
        self._read = read
        self._write = write
        self.source = source
        self.columns = columns or ", ".join(self._names)

    def record(self, row: sqlite3.Row) -> RecordT:
        """The record in a row of `columns`."""
        values = {name: row[name] for name in self._names}
        return self._record(
            **values | {name: read(values[name]) for name, read in self._read.items()}
        )

    async def many(self, connection: Connection, rest: str, values: Values = ()) -> list[RecordT]:
        """The records of `SELECT columns FROM source` and `rest`."""
        sql = f"SELECT {self.columns} FROM {self.source} {rest}"  # noqa: S608 - constants
        return [self.record(row) for row in await connection.every(sql, values)]

    async def one(self, connection: Connection, rest: str, values: Values = ()) -> RecordT | None:
        """The first of them; None if there is none."""
        found = await self.many(connection, rest, values)
        return found[0] if found else None

    async def insert(
        self,
        connection: Connection,
        record: RecordT,
        *,
        conflict: str = "",
        **beside: object,
    ) -> bool:
        """Store a record, with further columns `beside` it; `conflict`: the end of the statement.
        False if nothing was stored."""
        values = {name: getattr(record, name) for name in self._names}
        values |= {name: write(values[name]) for name, write in self._write.items()} | beside
        marks = ", ".join("?" * len(values))
        return await connection.changes(
            f"INSERT INTO {self.source} ({', '.join(values)}) VALUES ({marks}) {conflict}",  # noqa: S608 - names
            tuple(values.values()),
        )


def tolerant_text(stored: bytes) -> str:
    """A damaged text must not make a whole query fail."""
    return stored.decode(errors="replace")
