"""The tree of our errors. They carry data, which `data/texts` turns into text for people.

EkakiError
|-- InputError     the input can't be used: say what to do instead, no quota is used
|-- RefusedError   possible but not allowed: rules, limits, ratings, permissions
|-- ModelError     the model can't be loaded or fetched: files, memory, provider, layout
|-- EngineError    drawing failed: the job fails, its quota is refunded
|-- StorageError   the disk or the database failed
`-- Cancelled      not a failure: stopping was requested
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
    """The input can't be used."""


class RefusedError(EkakiError):
    """Possible but not allowed: rules, limits, ratings, permissions."""


class ModelError(EkakiError):
    """The model can't be loaded or fetched."""


class EngineError(EkakiError):
    """Drawing failed."""


class StorageError(EkakiError):
    """The disk or the database failed."""


class Cancelled(EkakiError):  # noqa: N818 - not an error, see above
    """Somebody asked to stop."""

    def __init__(self) -> None:
        super().__init__("cancelled")
