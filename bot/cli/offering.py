"""`model prepare`, offered where it helps: after the download and at a start without it.

The question is asked only on a terminal. Elsewhere (systemd, Docker, pipes) a line says what could
be done.
"""

import logging
from typing import TYPE_CHECKING, Final

from bot.cli.asking import CAN_STOP_WAITING, is_terminal, yes
from bot.common.terminal import complain, note

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from pipeline.model.options import EngineOptions
    from pipeline.prepare.offer import Offer

ANSWER_S: Final = 30.0
"""A start that nobody watches (a loop in tmux) continues after this."""

_log = logging.getLogger(__name__)


def after_fetch(options: "EngineOptions", *, prepare_now: bool) -> None:
    """Prepare the model that was just downloaded if `prepare_now` says so or the user agrees.

    Raises EkakiError as `model prepare` does.
    """
    from bot.cli.prepare import prepare
    from pipeline.prepare.offer import COMMAND, find_offer

    if prepare_now:
        prepare(options)
        return
    offer = find_offer(options, progress=note)
    if offer is None:
        return
    _show(offer)
    if is_terminal() and yes("Prepare it now?"):
        prepare(options)
    else:
        note(f"Later: {COMMAND}")


def at_start(settings: "Settings") -> None:
    """Before the bot starts, measure the machine's speed if that was not done yet, and offer to
    prepare the model. Problems of the model itself are reported when it is loaded."""
    from bot.cli.prepare import prepare
    from bot.common.wording import words
    from bot.config.engine_options import device_options
    from pipeline.errors import EkakiError
    from pipeline.prepare.offer import COMMAND, find_offer, time_machine

    options = device_options(settings)[0]
    try:
        time_machine(options, progress=_log.info)
        offer = find_offer(options, progress=_log.info)
    except EkakiError:
        return
    if offer is None:
        return
    if not is_terminal() or not CAN_STOP_WAITING:
        _log.warning(
            "Not prepared for this machine. Prepared, %s. That takes %s, once: %s",
            offer.gain, offer.cost, COMMAND,
        )  # fmt: skip
        return
    _show(offer)
    note(f"Without an answer the bot starts in {ANSWER_S:.0f} s; MODEL_VARIANT=source never asks.")
    if yes("Prepare it now?", within_s=ANSWER_S):
        try:
            prepare(options)
        except EkakiError as error:
            complain(words(error))
            note("Starting with the model as it is.")


def _show(offer: "Offer") -> None:
    note(f"Not prepared for this machine yet. Prepared, {offer.gain}.")
    note(f"Preparing takes {offer.cost}, once.")
