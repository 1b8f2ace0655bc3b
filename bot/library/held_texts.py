"""Long texts that a suggestion refers to because it can't contain them."""

import re
from collections import OrderedDict
from hashlib import sha256
from typing import Final

from pipeline.errors import InputError

_PEOPLE: Final = 500  # the latest; 6000 characters each are some megabytes
_EACH: Final = 4
_MARK: Final = re.compile(r"[^‹›]*‹#(?P<token>[0-9a-f]{8})›")


class HeldTexts:
    """The latest texts of the most recent people, in memory. People only get their own."""

    def __init__(self) -> None:
        self._of: OrderedDict[int, OrderedDict[str, str]] = OrderedDict()

    def hold(self, typed: str, *, user_id: int) -> str:
        """The mark that refers to `typed` in what this person sends."""
        token = sha256(typed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        own = self._of.setdefault(user_id, OrderedDict())
        self._of.move_to_end(user_id)
        own[token] = typed
        own.move_to_end(token)
        while len(own) > _EACH:
            own.popitem(last=False)
        while len(self._of) > _PEOPLE:
            self._of.popitem(last=False)
        return f"‹#{token}›"

    def put_back(self, typed: str, *, user_id: int) -> str:
        """`typed` with the text in place of the mark and the words before it.

        Raises InputError if the text is no longer held, such as after a restart.
        """
        mark = _MARK.match(typed)
        if mark is None:
            return typed
        own = self._of.get(user_id, OrderedDict[str, str]())
        held = own.get(mark["token"])
        if held is None:
            raise InputError("suggestion_gone")
        return held + typed[mark.end() :]
