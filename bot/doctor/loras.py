"""The check of the library of LoRAs."""

from bot.common.wording import gib, words
from bot.config.engine_options import lora_family
from bot.config.settings import Settings
from bot.doctor.values import Check, fail, ok, warn
from bot.loras.scan import Scanner
from pipeline.disk import disk_error

NAME = "LoRAs"


def check_loras(settings: Settings) -> Check:
    """How many there are, how large, and whether all can be used."""
    folder = settings.lora_folder
    try:
        entries = Scanner(folder, family=lora_family(settings)).scan()
    except OSError as error:
        return fail(NAME, words(disk_error(error, folder)), "Check LORA_DIR and its permissions.")
    if not entries:
        return ok(NAME, "none; python -m bot lora add FILE adds one")
    size = gib(sum(entry.size_bytes for entry in entries))
    count = f"{len(entries)} in {folder}, {size}"
    wrong = [entry for entry in entries if entry.problem]
    if not wrong:
        return ok(NAME, count)
    names = ", ".join(entry.name for entry in wrong[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    fix = f"{wrong[0].name}: {wrong[0].problem} python -m bot lora check reads all of them."
    return warn(NAME, f"{count}; can't be used: {names}{more}", fix)
