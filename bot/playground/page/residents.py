"""People of the simulated server who act by themselves, over the routes that the page uses."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiohttp

T = TypeVar("T")

LOOK_EVERY_S: Final = 0.1
PATIENCE_S: Final = 120.0  # only ends what hangs: the bot answers within milliseconds


class ActionError(Exception):
    """The simulated Discord refused an action, or the bot did not answer."""


async def until(look: Callable[[], Awaitable[T | None]], *, within_s: float | None = None) -> T:
    """What `look` returns once it is not None. ActionError after `within_s`, if given."""
    try:
        async with asyncio.timeout(within_s):
            while (found := await look()) is None:  # noqa: ASYNC110 - many things end it, none tells
                await asyncio.sleep(LOOK_EVERY_S)
            return found
    except TimeoutError:
        raise ActionError("no answer came") from None


class Residents:
    """`async with Residents(url):` acts at the playground there, or raises ActionError."""

    def __init__(self, url: str) -> None:
        self._http = aiohttp.ClientSession(base_url=url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.close()

    async def act(self, action: str, user_id: int, **given: Any) -> dict[str, Any]:
        """One action: see `bot.playground.simulator.control`."""
        body = {"as": str(user_id), **given}
        async with self._http.post(f"/loopback/act/{action}", json=body) as response:
            answer = await response.json()
        if response.status != 200:
            raise ActionError(f"{action}: {answer}")
        return answer

    async def use(self, action: str, user_id: int, **given: Any) -> dict[str, Any]:
        """An action that the bot answers. Returns the interaction as the client knows it."""
        sent = await self.act(action, user_id, **given)

        async def answered() -> dict[str, Any] | None:
            now = await self.act("status", user_id, interaction=sent["interaction_id"])
            return now if now["callback_type"] is not None else None

        return await until(answered, within_s=PATIENCE_S)

    async def command(
        self, user_id: int, name: str, channel_id: int, **options: Any
    ) -> dict[str, Any]:
        """A slash command. Returns the interaction."""
        return await self.use("slash", user_id, name=name, channel=str(channel_id), options=options)

    async def shown(self, user_id: int, panel: "Panel") -> dict[str, Any] | None:
        """A message as this person sees it now; None if there is none (any more)."""
        where = {"as": str(user_id), "channel": str(panel.channel_id)}
        async with self._http.get("/loopback/messages", params=where) as response:
            messages: list[dict[str, Any]] = await response.json()
        return next((each for each in messages if each["id"] == panel.message_id), None)

    async def complete(self, user_id: int, panel: "Panel") -> None:
        """Wait until the placeholder of an answer is replaced by its words."""

        async def said() -> bool | None:
            shown = await self.shown(user_id, panel)
            return bool(shown and shown["content"]) or None

        await until(said, within_s=PATIENCE_S)

    async def redrawn(
        self, user_id: int, panel: "Panel", action: str, **given: Any
    ) -> dict[str, Any]:
        """An action after which the bot updates the panel. Returns the interaction once it has."""
        before = await self.shown(user_id, panel)
        answer = await self.use(action, user_id, **given)

        async def changed() -> bool | None:
            return await self.shown(user_id, panel) != before or None

        await until(changed, within_s=PATIENCE_S)
        return answer


@dataclass(frozen=True, slots=True)
class Panel:
    """A message with buttons and menus that a person uses one after the other."""

    channel_id: int
    message_id: str
