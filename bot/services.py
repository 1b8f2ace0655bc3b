"""The services that cogs get, composed by `bot.compose`."""

from dataclasses import dataclass

from bot.backup.schedule import Backups
from bot.common.clock import Clock
from bot.common.languages import ServerLanguages
from bot.common.observer import Observer
from bot.config.settings import Settings
from bot.gallery.browser import Browser
from bot.gallery.collection_files import CollectionFiles
from bot.gallery.collections import Collections
from bot.gallery.links import CollectionLinks
from bot.gallery.service import Gallery
from bot.gallery.stars import Stars
from bot.guilds.moderators import Moderators
from bot.guilds.reports import Reports
from bot.guilds.reviews import Reviews
from bot.guilds.servers import Servers
from bot.guilds.wildcards import Wildcards
from bot.hosts.service import Hosts
from bot.jobs.service import JobService
from bot.library.descriptions import Descriptions
from bot.library.face_areas import FaceAreas
from bot.library.loras import Loras
from bot.library.news import MakerNews
from bot.library.painting import Painting
from bot.library.people import People
from bot.library.related import Related
from bot.library.results import Results
from bot.library.suggestions import Suggestions
from bot.library.weekly import WeeklyReports
from bot.loras.library import LoraLibrary
from bot.moderation.audit import Audit
from bot.outbox.service import Outbox
from bot.sharing.service import Sharing
from data.store.database import Database
from pipeline.metadata.credentials import Sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a cog may call. `sign`: for copies of pictures that leave."""

    settings: Settings
    clock: Clock
    observer: Observer
    database: Database
    audit: Audit
    jobs: JobService
    hosts: Hosts | None
    sharing: Sharing
    backups: Backups
    loras: LoraLibrary
    lora_choices: Loras
    suggestions: Suggestions
    related: Related
    descriptions: Descriptions
    face_areas: FaceAreas
    results: Results
    moderators: Moderators
    outbox: Outbox
    servers: Servers
    wildcards: Wildcards
    languages: ServerLanguages
    painting: Painting
    people: People
    news: MakerNews
    weekly: WeeklyReports
    reviews: Reviews
    reports: Reports
    gallery: Gallery
    stars: Stars
    browser: Browser
    collections: Collections
    collection_files: CollectionFiles
    links: CollectionLinks
    sign: Sign
