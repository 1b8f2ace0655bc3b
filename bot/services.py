"""What cogs are given: the services, composed by `bot.compose`."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.gallery.browser import Browser
from bot.gallery.collection_files import CollectionFiles
from bot.gallery.collections import Collections
from bot.gallery.links import CollectionLinks
from bot.gallery.service import Gallery
from bot.gallery.stars import Stars
from bot.jobs.service import JobService
from bot.languages import ServerLanguages
from bot.moderation.audit import Audit
from bot.moderators import Moderators
from bot.outbox.service import Outbox
from bot.people import People
from bot.reports import Reports
from bot.results import Results
from bot.reviews import Reviews
from bot.servers import Servers
from bot.settings import Settings
from bot.suggestions import Suggestions
from data.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a cog may call."""

    settings: Settings
    clock: Clock
    database: Database
    audit: Audit
    jobs: JobService
    suggestions: Suggestions
    results: Results
    moderators: Moderators
    outbox: Outbox
    servers: Servers
    languages: ServerLanguages
    people: People
    reviews: Reviews
    reports: Reports
    gallery: Gallery
    stars: Stars
    browser: Browser
    collections: Collections
    collection_files: CollectionFiles
    links: CollectionLinks
