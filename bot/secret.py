"""A value that must not be seen: it prints as a placeholder wherever it lands."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Holds a secret text. `repr`, `str` and f-strings show only whether there is one."""

    _value: str = field(default="")

    def reveal(self) -> str:
        """The text itself. Call this only where it is sent, never where it could be printed."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(set)" if self._value else "Secret(empty)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
