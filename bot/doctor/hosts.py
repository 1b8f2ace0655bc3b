"""Whether other machines can draw for this bot."""

from bot.config.settings import Settings
from bot.doctor.values import Check, fail, ok, warn
from pipeline.errors import ModelError


def check_hosts(settings: Settings) -> Check:
    """Of the settings only: who has joined is shown by `/owner hosts`."""
    if settings.hosts == "local":
        return ok("Machines", "pictures are drawn on this machine (HOSTS)")
    from bot.common.wording import words
    from bot.hosts.addresses import refuse_public
    from bot.hosts.node import require_ray

    try:
        require_ray()
        if not settings.hosts_public:
            refuse_public(settings.hosts_address)
    except ModelError as error:
        return fail("Machines", words(error), "See docs/hosts.md.")
    where = f"other machines join at {settings.hosts_address}"
    if settings.hosts_public:
        return warn(
            "Machines",
            f"{where}, which may be public",
            "Whoever reaches it and has the token runs code on your machines: use a VPN.",
        )
    return ok("Machines", where)
