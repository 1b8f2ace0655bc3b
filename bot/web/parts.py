"""What the gallery's page is made of, and who looks at it."""

from dataclasses import dataclass

from bot.common.clock import Clock
from bot.library.painting import Painting
from bot.web.access import Access
from bot.web.downloads import Downloads
from bot.web.marks import Marks
from bot.web.oauth import OAuth
from bot.web.rendering import Pages, Static
from bot.web.sessions import Sessions
from bot.web.shown import Shown
from bot.web.slots import Slots
from bot.web.throttle import Throttle
from bot.web.thumbs import ThumbnailMaker
from data.people.web_sessions import WebSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks."""

    session: WebSession | None
    open_guilds: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the site is made of."""

    clock: Clock
    shown: Shown
    access: Access
    marks: Marks
    sessions: Sessions
    oauth: OAuth
    thumbs: ThumbnailMaker
    downloads: Downloads
    painting: Painting | None
    pages: Pages
    static: Static
    throttle: Throttle
    requests: Slots
    proxies: int
    origin: str
