"""Steps that several threads take together: each hands in its row, and one of them runs the UNet
for all that can share a run. Rows join and leave between steps."""

import logging
import threading
import time
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from pipeline.errors import EngineError

_log = logging.getLogger(__name__)

GATHER_SHARE: Final = 0.25
GATHER_S: Final = 0.1
"""How long a run waits for rows that are between two steps, as a share of the last step and at
most. A row that went on alone would be out of step with the others, which would need their own run.
"""


class Steppable(Protocol):
    """What is needed of a row (`pipeline.engine.rows.Row`)."""

    @property
    def run_key(self) -> Hashable:
        """Rows with equal ones may share a run."""
        ...

    @property
    def step_index(self) -> int:
        """How many steps of its schedule are behind it."""
        ...


R = TypeVar("R", bound=Steppable)


@dataclass(slots=True, eq=False)
class _Turn(Generic[R]):
    """What one thread waits for: a step of its row, or (None) that nothing else runs."""

    row: R | None
    over: bool = False
    error: Exception | None = None
    rows: int = 1  # of its run


class JointSteps(Generic[R]):
    """Whoever is first in line runs `step` for all waiting rows that fit, at most `most()` of them;
    nothing else runs meanwhile. No thread waits for rows that can't join.

    If a run of several rows fails, each that has not advanced is run alone, so that only the one to
    blame fails; if the device was lost, all do.
    """

    def __init__(self, step: Callable[[Sequence[R]], None], *, most: Callable[[], int]) -> None:
        self._step = step
        self._most = most
        self._line: list[_Turn[R]] = []
        self._members: list[R] = []
        self._busy = False
        self._changed = threading.Condition()
        self._step_s = 0.0

    @property
    def waiting(self) -> list[R]:
        """The rows whose next step has been asked for and is not over."""
        with self._changed:
            return [turn.row for turn in self._line if turn.row is not None]

    @contextmanager
    def member(self, row: R) -> Generator[None]:
        """`row` takes its steps inside of this; others may wait for it a moment."""
        with self._changed:
            self._members.append(row)
        try:
            yield
        finally:
            with self._changed:
                self._members = [each for each in self._members if each is not row]
                self._changed.notify_all()

    def step(self, row: R) -> int:
        """One step of `row`; the number of rows in its run. Raises what `step` raises for it."""
        turn = _Turn(row)
        with self._queued(turn):
            if not turn.over:
                self._run(self._gathered(turn, row), turn)
        if turn.error is not None:
            raise turn.error
        return turn.rows

    @contextmanager
    def alone(self) -> Generator[None]:
        """Nothing else runs inside of this."""
        turn: _Turn[R] = _Turn(None)
        with self._queued(turn):
            yield

    @contextmanager
    def _queued(self, turn: _Turn[R]) -> Generator[None]:
        """Until it is first in line and nothing runs, or another thread has run it."""
        with self._changed:
            self._line.append(turn)
            self._changed.notify_all()
            try:
                while not turn.over and (self._busy or self._line[0] is not turn):
                    self._changed.wait()
            except BaseException:
                self._leave([turn])
                raise
            if not turn.over:
                self._busy = True
        if turn.over:
            yield
            return
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._leave([turn])

    def _leave(self, turns: Sequence[_Turn[R]]) -> None:
        self._line = [each for each in self._line if each not in turns]
        self._changed.notify_all()

    def _gathered(self, first: _Turn[R], row: R) -> list[_Turn[R]]:
        """Those that share the run of `first`; the longest drawn come first, so that the order of
        rows stays while they are the same."""
        ends_at = time.monotonic() + min(GATHER_S, GATHER_SHARE * self._step_s)
        most = max(1, self._most())
        with self._changed:
            while True:
                found = [
                    each
                    for each in self._line
                    if each is first or (each.row is not None and each.row.run_key == row.run_key)
                ][:most]
                left_s = ends_at - time.monotonic()
                if len(found) == most or left_s <= 0 or not self._more_to_come(row):
                    return sorted(found, key=self._place)
                self._changed.wait(left_s)

    def _place(self, turn: _Turn[R]) -> int:
        found = (n for n, member in enumerate(self._members) if member is turn.row)
        return next(found, len(self._members))

    def _more_to_come(self, row: R) -> bool:
        """Whether a row that fits is between two steps: not in line, and nothing runs now."""
        waiting = [each.row for each in self._line]
        return any(
            member.run_key == row.run_key and not any(member is each for each in waiting)
            for member in self._members
        )

    def _run(self, turns: Sequence[_Turn[R]], mine: _Turn[R]) -> None:
        began = time.monotonic()
        try:
            self._try(turns)
        except BaseException as error:
            lost = EngineError("engine_failed", problem=f"it ended with {type(error).__name__}")
            for turn in turns:
                turn.error = turn.error or (None if turn is mine else lost)
            raise
        finally:
            self._step_s = time.monotonic() - began
            with self._changed:
                for turn in turns:
                    turn.over, turn.rows = True, len(turns)
                self._leave(turns)

    def _try(self, turns: Sequence[_Turn[R]]) -> None:
        rows = [turn.row for turn in turns if turn.row is not None]
        before = [row.step_index for row in rows]
        try:
            self._step(rows)
        except Exception as error:  # noqa: BLE001 - raised again, in the threads that it concerns
            left = [
                (turn, row)
                for turn, row, index in zip(turns, rows, before, strict=True)
                if row.step_index == index
            ]
            if len(turns) == 1 or _is_lost(error):
                for turn, _ in left:
                    turn.error = _copied(error)
                return
            _log.warning("A step of %d pictures failed, each goes on alone: %s", len(turns), error)
            self._try_each(left)

    def _try_each(self, turns: Sequence[tuple[_Turn[R], R]]) -> None:
        lost: Exception | None = None
        for turn, row in turns:
            if lost is None:
                try:
                    self._step([row])
                except Exception as error:  # noqa: BLE001 - raised in its thread
                    turn.error = error
                    lost = error if _is_lost(error) else None
            else:
                turn.error = _copied(lost)


def _is_lost(error: Exception) -> bool:
    return isinstance(error, EngineError) and error.key == "device_lost"


def _copied(error: Exception) -> Exception:
    """Each thread raises its own: a traceback belongs to one."""
    if isinstance(error, EngineError):
        copy = EngineError(error.key, **error.data)
        copy.__cause__ = error
        return copy
    return error
