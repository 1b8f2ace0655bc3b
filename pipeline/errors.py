"""What can go wrong, as a tree. Errors carry data; `data.texts` turns them into words for people.

EkakiError
|-- InputError     what somebody sent can't be used: say what to do instead, nothing is spent
|-- RefusedError   it could be done but may not: rules, limits, ratings, permissions
|-- ModelError     the model can't be loaded or fetched: files, memory, provider, layout
|-- EngineError    drawing failed in the middle: the job fails, its quota is refunded
|-- StorageError   the disk or the database will not keep what we give it
`-- Cancelled      not a failure: somebody asked to stop
"""


class EkakiError(Exception):
    """Base of all our errors.

    `key` names the text in the catalogue under `[errors]`, `data` fills its placeholders.
    `str(error)` is for logs: the key and the data, never a token.
    """

    def __init__(self, key: str, **data: object) -> None:
        super().__init__(key, data)
        self.key = key
        self.data = data

    def __str__(self) -> str:
        pairs = ", ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{self.key}({pairs})"


class InputError(EkakiError):
    """What somebody sent can't be used."""


class RefusedError(EkakiError):
    """It could be done but may not be: rules, limits, ratings, permissions."""


class ModelError(EkakiError):
    """The model can't be loaded or fetched."""


class EngineError(EkakiError):
    """Drawing failed in the middle."""


class StorageError(EkakiError):
    """The disk or the database will not keep what we give it."""


class Cancelled(EkakiError):  # noqa: N818 - it is no error, see above
    """Somebody asked to stop."""

    def __init__(self) -> None:
        super().__init__("cancelled")
