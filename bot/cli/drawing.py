"""The work of `imagine`: resolve, check, load, draw, write. Imports the engine's libraries."""

import asyncio
import os
import secrets
import signal
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from PIL.Image import Image
from tqdm import tqdm

from bot.common.hints import hint_lines
from bot.common.terminal import note, say
from bot.config.defaults import defaults_of
from bot.config.engine_options import engine_options
from bot.config.settings import Settings
from bot.jobs.accept.loras import choose_loras, explained
from bot.jobs.accept.speed import Speeds
from bot.loras.library import LoraLibrary
from bot.moderation.loras import LoraRule
from bot.safety.choices import Checking, resolve_checked
from bot.safety.request import refuse_forbidden
from bot.safety.rules import may_begin, may_contain
from data.shipped.vocabularies import load_vocabulary
from data.shipped.wildcards import shipped_wildcards
from pipeline.card import Speed
from pipeline.disk import at
from pipeline.engine.protocol import DrawnPicture, Engine
from pipeline.errors import InputError, StorageError
from pipeline.load import load_engine
from pipeline.metadata.a1111_text import parameters_text
from pipeline.metadata.png import encode_png
from pipeline.metadata.provenance import XMP
from pipeline.prepare.offer import time_machine
from pipeline.prompt.known import NameOf
from pipeline.prompt.wildcards.request import check_loras
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import readable, resolve


def draw(
    request: GenerationRequest, settings: Settings, *, out: Path, force: bool, ceiling: Rating
) -> int:
    """Draw `request` and write its pictures to `out`. Returns the exit status.

    Everything that can be refused is refused before the model is loaded. Raises EkakiError.
    """
    resolved = _resolve(request, settings, ceiling=ceiling)
    files = output_files(out, count=resolved.count)
    _check_writable(files, force=force)
    for line in hint_lines(resolved.hints):
        note(line)
    options = engine_options(settings)
    time_machine(options, progress=note)
    engine = load_engine(options, progress=note)
    try:
        if engine.model.notice:
            note(engine.model.notice)
        if resolved.speed is Speed.BALANCED and not engine.model.balanced:
            raise InputError("balanced_none")
        if resolved.faces and not engine.model.faces:
            raise InputError("faces_none")
        for index, file in enumerate(files):
            drawn = _draw_one(engine, resolved, index)
            text = parameters_text(
                resolved,
                index=index,
                model_name=engine.model.name,
                model_hash=engine.model.hash,
                version=f"Ekaki {version('ekaki')}",
            )
            write_atomically(file, encode_png(drawn.image, text, xmp=XMP))
            say(
                f"{file}: {drawn.image.width}x{drawn.image.height}, seed {drawn.seed}, "
                f"{drawn.elapsed_s:.1f} s ({drawn.seconds_a_step:.2f} s a step)"
            )
    finally:
        engine.close()
    return 0


def _resolve(request: GenerationRequest, settings: Settings, *, ceiling: Rating) -> ResolvedRequest:
    tags = load_vocabulary(settings.data_dir)
    library = LoraLibrary(settings.lora_folder)
    asyncio.run(library.refresh())
    request = readable(request)
    check_loras(request)
    speeds = Speeds(library=library, ceiling=ceiling, model=None)
    speed = speeds.chosen(request, Speed.FULL)
    request, loras = choose_loras(
        request, library, rule=LoraRule(), ceiling=ceiling, draft=speeds.draft_of(speed)
    )

    def read(request: GenerationRequest, alias_of: NameOf) -> ResolvedRequest:
        return resolve(
            request,
            defaults=replace(defaults_of(settings), speed=speed),
            ceiling=ceiling,
            random_seed=lambda: secrets.randbelow(2**32),
            category_of=tags.category_of,
            alias_of=alias_of,
            series_of=tags.series_of,
            loras=loras,
        )

    checking = Checking(
        read=read,
        refuse=lambda resolved: refuse_forbidden(resolved, rating_of=tags.sexual_rating_of),
        may_begin=may_begin,
        may_contain=may_contain,
        random_seed=lambda: secrets.randbelow(2**32),
        alias_of=tags.alias_of,
        is_known=lambda name: tags.category_of(name) is not None,
        ceiling=ceiling,
    )
    resolved = resolve_checked(request, shipped_wildcards(), checking)
    hints = explained(resolved.hints, library, rule=LoraRule(), ceiling=ceiling)
    return replace(resolved, hints=hints)


def output_files(out: Path, *, count: int) -> list[Path]:
    """The files to write: `out`, or `out-1`, `out-2`, ... for several. InputError if not a PNG."""
    if out.suffix.lower() != ".png":
        raise InputError("out_not_png", path=str(out))
    if count == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, count + 1)]


def _check_writable(files: list[Path], *, force: bool) -> None:
    for file in files:
        if file.exists() and (not force or file.is_dir()):
            raise InputError("out_exists", path=str(file))
        if not os.access(file.parent, os.W_OK):  # also if the folder is missing
            raise StorageError("out_not_writable", path=str(file.parent))


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically. Raises StorageError if that fails."""
    with (
        at(path),
        tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file,
    ):
        part = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            part.chmod(0o666 & ~umask)  # temporary files are private, pictures are not
            file.close()  # Windows can't rename an open file
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


class _Bar:
    """The step progress bar. Ctrl-C asks to stop at the next step, a second one stops at once."""

    def __init__(self, bar: "tqdm[int]") -> None:
        self._bar = bar
        self._cancelled = False

    def is_cancelled(self) -> bool:
        return self._cancelled

    def on_step(self, step: int, steps: int, preview: Callable[[], Image | None]) -> None:
        del preview  # a terminal shows none
        self._bar.total = steps
        self._bar.update(step - self._bar.n)

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        del number, frame
        self._cancelled = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _interruptible(bar: _Bar) -> Generator[None]:
    before = signal.signal(signal.SIGINT, bar.interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _draw_one(engine: Engine, resolved: ResolvedRequest, index: int) -> DrawnPicture:
    with tqdm(
        range(resolved.num_inference_steps),
        desc=f"Picture {index + 1} of {resolved.count}",
        unit="step",
        leave=False,
    ) as shown:
        bar = _Bar(shown)
        with _interruptible(bar):
            return engine.draw(resolved, index, bar)
