"""A value that must not be shown: it prints as a placeholder everywhere."""

from typing import Final, NoReturn, Self


class Secret:
    """Holds a secret text. `repr`, `str` and f-strings show only whether there is one.

    Not a dataclass: `dataclasses.asdict` of an object that holds one would copy the text out of it.
    Copies are the same object, and it can't be pickled.
    """

    __slots__ = ("__reveal",)

    def __init__(self, value: str = "") -> None:
        # Held by a function, so that code which walks attributes finds no text.
        self.__reveal: Final = lambda: value

    def reveal(self) -> str:
        """Return the text itself. Call this only to send it, never where it could be printed."""
        return self.__reveal()

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def __eq__(self, other: object) -> bool:
        return self.reveal() == other.reveal() if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __repr__(self) -> str:
        return "Secret(set)" if self else "Secret(empty)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
