"""Values that flow between the job service and those who submit and show jobs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from PIL.Image import Image

from bot.safety.ceiling import Place
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from pipeline.card import Speed
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EkakiError


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asked, where, and how to answer them.

    `interaction_token` (empty: answer without one) is valid for 15 minutes, until
    `token_expires_at` (seconds since the epoch).
    `missing_permissions`: permissions that the bot needs to deliver here and lacks, by Discord's
    names. `weight` is the person's share of the queue, which a role's limits can raise.
    `parent_id`: of a thread, the channel whose settings apply.
    """

    user_id: int
    guild_id: int | None
    channel_id: int
    place: Place
    application_id: int
    interaction_token: str = field(repr=False)
    token_expires_at: float
    locale: str = "en"
    missing_permissions: tuple[str, ...] = ()
    weight: int = 1
    parent_id: int | None = None
    role_ids: tuple[int, ...] = ()

    @property
    def rules_channel_id(self) -> int:
        """The channel whose settings apply here."""
        return self.channel_id if self.parent_id is None else self.parent_id

    def __repr__(self) -> str:  # the token must never reach a log
        return f"Origin(user_id={self.user_id}, channel_id={self.channel_id})"


RestReason: TypeAlias = Literal["paused", "busy", "hours"]
"""Why nothing is drawn, though everything works: the operator's pause, other programs that need the
device, or hours in which it does not draw."""


@dataclass(frozen=True, slots=True)
class Rest:
    """`until`: seconds since the epoch; None if nobody knows."""

    reason: RestReason
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Accepted and waiting. `position` is the number of jobs before it, `eta_s` seconds until it is
    done, None if that is unknown. `loading`: the model is not ready yet. `no_machine`: others draw
    for this bot, and none is there. `rest`: nothing is drawn for now; `ready_at` (seconds since the
    epoch) is then known instead of `eta_s`, as nothing counts it down.
    """

    position: int
    eta_s: float | None
    loading: bool = False
    no_machine: bool = False
    rest: Rest | None = None
    ready_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Being drawn: `step` of `steps` of picture `picture` (from 1) of `pictures` is done.

    `preview` makes the preview picture and may take some milliseconds: call it in a thread. It
    shows the state at the time of this event; None if the engine has no previews. `again`: the
    machine that drew it before was lost. `face` (from 1) of `faces`: the steps are those of a face
    that is drawn again; 0 for those of the picture.
    """

    picture: int
    pictures: int
    step: int
    steps: int
    eta_s: float | None
    preview: Callable[[], Image | None] | None = None
    again: bool = False
    face: int = 0
    faces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """All pictures are made and stored; deliver them. `withheld`: how many more are not shown.
    `model` is None while it is loading, if a job that ended before a restart is delivered."""

    pictures: tuple[PictureRecord, ...]
    withheld: int = 0
    model: ModelDescription | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The job ended without pictures, its quota is refunded. `error` says why."""

    error: EkakiError


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledEvent:
    """The job was cancelled; its quota is refunded."""


Terminal: TypeAlias = Completed | Failed | CancelledEvent
"""How a job ends."""
JobEvent: TypeAlias = Queued | Progress | Terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An accepted job, ready to be shown."""

    job: JobRecord
    queued: Queued


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A stored picture to start from: `content_hash` goes into `GenerationRequest.init_picture`."""

    content_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnJob:
    """One of a person's live jobs. `position`: jobs before it; `eta_s`: seconds to its end, None
    while nothing has been measured; `prompt`: as typed."""

    job_id: str
    state: Literal["waiting", "running"]
    position: int
    eta_s: float | None
    prompt: str
    speed: Speed = Speed.FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """What a person may see of the queue: how many jobs run and wait in total, and their own in the
    order of their turns. `total_eta_s`: seconds until all are done, None if unknown. `devices`: how
    many engines draw now. `rest`: nothing is drawn for now."""

    running: int
    waiting: int
    own: tuple[OwnJob, ...]
    total_eta_s: float | None
    devices: int = 1
    rest: Rest | None = None
