"""The errors of the simulated Discord, as Discord's: status, code, message and nested form errors.

ApiError        an answer of the HTTP API
RefusedByClient what a member's own client would not even send
"""

from functools import partial
from typing import Any

Json = dict[str, Any]
Path = tuple[str | int, ...]


def as_object(value: Any) -> Json:
    """A JSON object that may be left out or null."""
    return value or {}


def as_list(value: Any) -> list[Any]:
    """A JSON list that may be left out or null."""
    return value or []


class ApiError(Exception):
    """An error answer. `errors` is the nested tree of code 50035."""

    def __init__(self, status: int, code: int, message: str, *, errors: Json | None = None) -> None:
        super().__init__(f"{status} (code {code}): {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        body: Json = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


class RefusedByClient(ValueError):  # noqa: N818 - it names the outcome: the request was never sent
    """A member's client refuses this before sending: a missing option, a disabled button."""


unauthorized = partial(ApiError, 401, 0, "401: Unauthorized")
not_found = partial(ApiError, 404, 0, "404: Not Found")
unknown_channel = partial(ApiError, 404, 10003, "Unknown Channel")
wrong_channel_type = partial(ApiError, 400, 50024, "Cannot execute action on this channel type")
unknown_guild = partial(ApiError, 404, 10004, "Unknown Guild")
unknown_member = partial(ApiError, 404, 10007, "Unknown Member")
unknown_message = partial(ApiError, 404, 10008, "Unknown Message")
unknown_user = partial(ApiError, 404, 10013, "Unknown User")
unknown_webhook = partial(ApiError, 404, 10015, "Unknown Webhook")
unknown_interaction = partial(ApiError, 404, 10062, "Unknown interaction")
too_large = partial(ApiError, 413, 40005, "Request entity too large")
already_acknowledged = partial(ApiError, 400, 40060, "Interaction has already been acknowledged.")
too_many_followups = partial(
    ApiError, 400, 40094, "This interaction has reached its maximum number of follow-ups"
)
missing_access = partial(ApiError, 403, 50001, "Missing Access")
not_the_author = partial(ApiError, 403, 50005, "Cannot edit a message authored by another user")
empty_message = partial(ApiError, 400, 50006, "Cannot send an empty message")
cannot_message_user = partial(ApiError, 403, 50007, "Cannot send messages to this user")
missing_permissions = partial(ApiError, 403, 50013, "Missing Permissions")
token_expired = partial(ApiError, 401, 50027, "Invalid Webhook Token")
thread_archived = partial(ApiError, 400, 50083, "Thread is archived")
invalid_json = partial(ApiError, 400, 50109, "The request body contains invalid JSON.")


class FormErrors:
    """Collects errors by field, then refuses them all at once as code 50035."""

    def __init__(self) -> None:
        self.tree: Json = {}

    def add(self, path: Path, code: str, message: str) -> None:
        """Note one error at `path`, e.g. ("embeds", 0, "title")."""
        node = self.tree
        for part in path:
            node = node.setdefault(str(part), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: Path, value: Any, *, low: int = 0, high: int) -> None:
        """A text of `low` to `high` characters, or an error at `path`."""
        if not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        elif not low <= len(value) <= high:
            message = f"Must be between {low} and {high} in length."
            if low == 0:
                message = f"Must be {high} or fewer in length."
            self.add(path, "BASE_TYPE_BAD_LENGTH" if low else "BASE_TYPE_MAX_LENGTH", message)

    def items(self, path: Path, value: Any, *, low: int = 0, high: int) -> list[Any]:
        """A list of `low` to `high` entries; returns it, or an empty one with an error noted."""
        if not isinstance(value, list):
            self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        found: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - JSON
        if not low <= len(found) <= high:
            message = f"Must be between {low} and {high} in length."
            self.add(path, "BASE_TYPE_BAD_LENGTH", message)
        return found

    def required(self, path: Path) -> None:
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def choice(self, path: Path, value: Any) -> None:
        self.add(path, "BASE_TYPE_CHOICES", f"Value {value!r} is not one of the allowed ones.")

    def finish(self) -> None:
        """Refuse if anything was noted."""
        if self.tree:
            raise ApiError(400, 50035, "Invalid Form Body", errors=self.tree)


def invalid(path: Path, code: str, message: str) -> ApiError:
    """One form error (code 50035)."""
    form = FormErrors()
    form.add(path, code, message)
    return ApiError(400, 50035, "Invalid Form Body", errors=form.tree)
