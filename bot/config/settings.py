"""Everything an operator decides, with one declaration per variable, the only place that names it.

The variable `MAX_STEPS` is the field `max_steps`: its type and kind define what it may be, its
value is the default, and the text below it says what it means. `.env.example` is made from them
(`bot.config.variables`), and `bot.config.reading` reads values.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from bot.common.hours import ALWAYS, Hours
from bot.common.logs import LogFormat
from bot.common.secret import Secret
from bot.config import kinds
from bot.config.kinds import Section
from pipeline import card
from pipeline.card import QualityPreset, Sampler
from pipeline.model.options import DEFAULT_REPOSITORY, DEFAULT_REVISION, EngineName, Wanted

_NONE: Final = Secret()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`Settings()` are the defaults, whatever the environment says."""

    discord_token: Annotated[
        Secret, Section("Discord"), kinds.secret("the token that Discord shows once")
    ] = _NONE
    """The bot's token (secret), from https://discord.com/developers/applications, Bot."""

    owner_ids: Annotated[frozenset[int], kinds.ids] = frozenset()
    """Operators of this bot, in addition to the application's owner."""

    sync_commands: Literal["auto", "never"] = "auto"
    """Send the slash commands to Discord at start if they changed, or never (then use python -m
    bot sync)."""

    discord_api_url: Annotated[str, kinds.loopback_url] = ""
    """A simulated Discord on this machine, for trying things out. Empty: the real one."""

    data_dir: Annotated[Path, Section("Files"), kinds.folder] = Path("state")
    """Where jobs, pictures and limits are stored. Back this up."""

    upgrade_copy: bool = True
    """Copy the database to DATA_DIR/before-upgrade before a new version of Ekaki changes it."""

    models_dir: Annotated[Path, kinds.folder] = Path("models")
    """Where models are downloaded to (13.9 GB for the default one)."""

    lora_dir: Annotated[str, kinds.folder_or_none] = ""
    """Where the LoRAs are that members can choose (python -m bot lora). Empty: DATA_DIR/loras."""

    backup_dir: Annotated[str, Section("Backups"), kinds.folder_or_none] = ""
    """Where the running bot makes backups: a folder of its own, on another disk. Empty: none."""

    backup_every_hours: Annotated[int, kinds.whole(0, 8760, zero="never", unit="hours")] = 24
    """How often backups are made in BACKUP_DIR."""

    backup_keep: Annotated[int, kinds.whole(0, 10_000, zero="any number", unit="backups")] = 14
    """How many backups are kept in BACKUP_DIR."""

    backup_days: Annotated[int, kinds.whole(0, 36_500, zero="forever", unit="days")] = 30
    """How long backups and copies from before upgrades are kept, and how long it is remembered what
    people deleted. An older backup can't be restored, because they would be in it again."""

    model: Annotated[str, Section("Model"), kinds.model] = DEFAULT_REPOSITORY
    """The model that draws. demo: the small model included in Ekaki, for trying things out."""

    model_revision: Annotated[str, kinds.text("a commit, branch or tag of the repository")] = (
        DEFAULT_REVISION
    )
    """The exact version of a model from the hub; ignored for a folder."""

    model_variant: Wanted = "auto"
    """Which variant of the model the engine `own` uses. auto: the one that `model prepare` made
    last, or the source if nothing was prepared."""

    tagger: Annotated[str, kinds.tagger] = "auto"
    """What checks finished pictures before anybody sees them. auto: the model's own tagger,
    otherwise the one of `python -m bot model fetch --tagger`. Without one `nsfw` and `explicit`
    stay off everywhere."""

    faces: Annotated[str, kinds.faces] = "auto"
    """What finds the faces that are drawn again, larger, for `faces: true`. auto: the model's own,
    otherwise the one of `python -m bot model fetch --faces`. off, or the file of another cascade of
    local binary patterns in OpenCV's XML."""

    engine: EngineName = "own"
    """own: our loop over the ONNX sessions, small and quick to start. stock: optimum's unchanged
    pipeline, needs torch."""

    provider: Literal["auto", "cpu", "cuda"] = "auto"
    """What computes. auto: an NVIDIA card if it works, otherwise the processor."""

    device_id: Annotated[tuple[int, ...], kinds.devices] = (0,)
    """Which NVIDIA card, counted from 0. Several draw at the same time: 0,1. With PROVIDER=cpu
    each number is a separate engine, with its own memory and its share of THREADS."""

    threads: Annotated[int | None, kinds.threads()] = None
    """Processor threads for drawing. More threads than cores are slower."""

    draw_at_once: Annotated[
        int,
        kinds.whole(
            0,
            16,
            unit="pictures",
            zero="as many as a card has room for, at most 4; one on the processor",
        ),
    ] = 0
    """How many people's pictures each device of this machine draws at once, step by step, if they
    have the same size and LoRAs. On a processor more than one takes memory and saves no time."""

    hosts: Annotated[Literal["local", "ray", "both"], Section("Several machines")] = "local"
    """Where pictures are drawn (docs/hosts.md). local: on this machine. ray: on others, which join
    with `python -m bot host`. both: on this one as well."""

    hosts_address: Annotated[str, kinds.reachable] = "127.0.0.1:6379"
    """Address of this machine in a private network, where others join; on those, the same."""

    hosts_token: Annotated[
        Secret, kinds.secret("any text of 16 characters or more", at_least=16)
    ] = _NONE
    """What lets a machine join (secret). Empty: made at the first start and kept in DATA_DIR as
    hosts_token."""

    hosts_external: bool = False
    """Whether a Ray cluster already runs at HOSTS_ADDRESS, on this machine as well."""

    hosts_public: bool = False
    """Whether HOSTS_ADDRESS may be public. Whoever reaches it and has the token runs code on your
    machines; nothing is encrypted."""

    draw_hours: Annotated[Hours, Section("Sharing the machine"), kinds.hours] = ALWAYS
    """When this machine draws (docs/operations.md). Requests are accepted at any time and wait.
    Empty: always."""

    draw_time_zone: Annotated[str, kinds.time_zone] = ""
    """The time zone of DRAW_HOURS and of /owner pause. Empty: this machine's."""

    yield_load_percent: Annotated[int, kinds.whole(0, 100, zero="never", unit="percent")] = 0
    """Rest while other programs use at least this share of the card, or of the processors if there
    is none. The picture that was begun is finished."""

    yield_free_mb: Annotated[int, kinds.whole(0, 1_000_000, zero="never", unit="MiB")] = 0
    """Stop, even within a picture, and unload the model if less memory than this is free on the
    card, or in the machine if there is none. The picture is drawn again later."""

    yield_quiet_s: Annotated[int, kinds.whole(1, 86_400, unit="seconds")] = 60
    """How long other programs must have been quiet before drawing goes on."""

    unload_after_minutes: Annotated[int, kinds.whole(0, 100_000, zero="never", unit="minutes")] = 0
    """Unload the model when nothing was drawn for so long; the next picture waits until it is
    loaded again."""

    default_steps: Annotated[
        int, Section("Pictures"), kinds.whole(card.MIN_STEPS, card.MAX_STEPS, unit="steps")
    ] = card.DEFAULT_STEPS
    """Steps if a request has none. The model's authors recommend fewer than 30."""

    max_steps: Annotated[int, kinds.whole(card.MIN_STEPS, card.MAX_STEPS, unit="steps")] = (
        card.MAX_STEPS
    )
    """The most steps that anybody may request."""

    default_guidance_scale: Annotated[float, kinds.number(card.MIN_GUIDANCE, card.MAX_GUIDANCE)] = (
        card.DEFAULT_GUIDANCE
    )
    """CFG scale if a request has none. The model's authors recommend 5 to 7."""

    default_aspect: Annotated[str, kinds.aspect] = "13:19"
    """Aspect ratio, width:height, if a request has none."""

    default_preset: QualityPreset = card.DEFAULT_PRESET
    """Quality tags and negative prompt that are added if a request names none."""

    default_sampler: Sampler = card.DEFAULT_SAMPLER
    """Sampler if a request has none."""

    quality_first: bool = False
    """Quality tags before the prompt instead of after it."""

    max_count: Annotated[int, kinds.whole(1, card.MAX_COUNT, unit="pictures")] = card.MAX_COUNT
    """The most pictures of one request."""

    previews: bool = True
    """Show the unfinished picture while it is drawn."""

    progress_interval_s: Annotated[float, kinds.number(1, 60, unit="seconds")] = 2.5
    """How often the progress of a job is updated. Discord limits the rate of faster updates."""

    mention_after_minutes: Annotated[int, kinds.whole(0, 10_000, zero="never", unit="minutes")] = 2
    """Mention the person if their pictures took longer than this."""

    pictures_per_hour: Annotated[
        int, Section("Limits"), kinds.whole(0, 1_000_000, zero="no limit", unit="pictures")
    ] = 20
    """Pictures per person within one hour."""

    pictures_per_day: Annotated[
        int, kinds.whole(0, 1_000_000, zero="no limit", unit="pictures")
    ] = 100
    """Pictures per person within 24 hours."""

    waiting_jobs_per_user: Annotated[int, kinds.whole(0, 1000, zero="no limit", unit="jobs")] = 3
    """Requests per person that may wait or run at the same time."""

    waiting_jobs_total: Annotated[int, kinds.whole(0, 100_000, zero="no limit", unit="jobs")] = 50
    """Requests of all people together that may wait at the same time."""

    booster_weight: Annotated[int, kinds.whole(1, 10, unit="turns")] = 2
    """Turns in the queue for members who boost the server; others have one."""

    moderator_weight: Annotated[int, kinds.whole(1, 10, unit="turns")] = 2
    """Turns in the queue for members who may manage messages in the channel."""

    max_role_weight: Annotated[int, kinds.whole(1, 10, unit="turns")] = 3
    """The most turns in the queue that a server may give to a role."""

    job_max_age_minutes: Annotated[int, kinds.whole(1, 100_000, unit="minutes")] = 360
    """After a restart, older jobs that were not drawn are closed and refunded."""

    pictures_kept_days: Annotated[int, kinds.whole(0, 36_500, zero="forever", unit="days")] = 0
    """How long to keep pictures that are in no gallery, favourites or collection."""

    prompts_kept_days: Annotated[
        int, kinds.whole(0, 36_500, zero="as long as pictures and logs", unit="days")
    ] = 0
    """How long to keep prompts of requests without pictures, prompts in the servers' logs, and
    which tags people used. A picture keeps its prompt, which is also in its file."""

    c2pa_certificate: Annotated[str, Section("Signatures"), kinds.file_or_none] = ""
    """Certificate chain (PEM) with which pictures are signed as they are sent (docs/operations.md).
    Empty: they are not signed."""

    c2pa_key: Annotated[str, kinds.file_or_none] = ""
    """The private key of that certificate (PEM, without a password)."""

    web_address: Annotated[str, Section("Web"), kinds.listening] = ""
    """Address of the gallery's web page (docs/web.md). Empty: no page. It shows only servers and
    makers who opted in."""

    web_url: Annotated[str, kinds.origin] = ""
    """The public address of the page, through a reverse proxy with https. Empty: WEB_ADDRESS."""

    web_proxies: Annotated[
        int, kinds.whole(0, 10, zero="none, the header is ignored", unit="proxies")
    ] = 0
    """How many of your reverse proxies are in front of the page and add to X-Forwarded-For."""

    web_requests_per_minute: Annotated[int, kinds.whole(10, 1_000_000, unit="requests")] = 900
    """Requests per client address; a page counts as five, a picture as one."""

    discord_client_secret: Annotated[
        Secret, kinds.secret("the client secret, from the portal's OAuth2 page")
    ] = _NONE
    """The application's client secret (secret), for signing in on the page, where members can
    then see what their server keeps age-restricted. Empty: no sign-in."""

    operator_contact: Annotated[
        str, Section("Operator"), kinds.text("any text, such as a mail address or an invite")
    ] = ""
    """How people can reach you about this bot; shown in /about. The model's licence and Discord's
    rules require it."""

    source_url: Annotated[str, kinds.web_address] = ""
    """Where people can get the source of this bot as you run it; shown in /about."""

    weekly_report: bool = False
    """Send the operators (OWNER_IDS, otherwise the application's owner) a direct message on Mondays
    at 9, by this machine's clock: pictures, people, failures, disk, version."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe messages that are logged to standard error."""

    log_format: LogFormat = "text"
    """text: lines for people. json: one object per line, for programs that collect logs."""

    metrics_address: Annotated[str, kinds.listening_here] = ""
    """Where /healthz and /metrics are served, for monitoring (docs/operations.md). Empty: nowhere.
    Everybody who reaches the address can read them."""

    @property
    def lora_folder(self) -> Path:
        """The folder of the LoRAs that members can choose."""
        return Path(self.lora_dir) if self.lora_dir else self.data_dir / "loras"

    @property
    def web_origin(self) -> str:
        """The address of the gallery's page: of this process, or (an address, but none to serve on)
        of a separate one. Empty: there is none."""
        return self.web_url or (f"http://{self.web_address}" if self.web_address else "")
