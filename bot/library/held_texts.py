"""Long texts that a suggestion refers to because it can't contain them."""

import re
from collections import OrderedDict
from hashlib import sha256
from typing import Final

from pipeline.errors import InputError

_PEOPLE: Final = 200  # the latest; 6000 characters each are some megabytes
_EACH: Final = 16
_MARK: Final = re.compile(r"[^‹›]*‹#(?P<token>[0-9a-f]{8})›")
_HEAD: Final = re.compile(r"← ?#(?P<token>[0-9a-f]{8})(?=[›‹]|\Z)")


class HeldTexts:
    """The texts that were made or used last, of the most recent people, in memory. People only get
    their own."""

    def __init__(self) -> None:
        self._of: OrderedDict[int, OrderedDict[str, str]] = OrderedDict()

    def hold(self, typed: str, *, user_id: int) -> str:
        """The mark that refers to `typed` in what this person sends."""
        return f"‹{self.hold_head(typed, user_id=user_id)}›"

    def hold_head(self, typed: str, *, user_id: int) -> str:
        """What refers to `typed` in a label that completes it."""
        token = sha256(typed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        own = self._of.setdefault(user_id, OrderedDict())
        self._of.move_to_end(user_id)
        own[token] = typed
        own.move_to_end(token)
        while len(own) > _EACH:
            own.popitem(last=False)
        while len(self._of) > _PEOPLE:
            self._of.popitem(last=False)
        return f"#{token}"

    def put_back(self, typed: str, *, user_id: int) -> str:
        """`typed` with the texts in place of their marks: of one with the words before it, and of
        those in labels.

        Raises InputError if a text is no longer held, such as after a restart.
        """
        mark = _MARK.match(typed)
        if mark is not None:
            typed = self._held(mark, user_id) + typed[mark.end() :]
        return _HEAD.sub(lambda found: f"← {self._held(found, user_id)}", typed)

    def _held(self, mark: re.Match[str], user_id: int) -> str:
        own, token = self._of.get(user_id, OrderedDict[str, str]()), mark["token"]
        if token not in own:
            raise InputError("suggestion_gone")
        own.move_to_end(token)  # every further letter may hold another text
        return own[token]
