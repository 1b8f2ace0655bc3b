"""What happens in the bot, for whoever counts it. `bot.watch` does if METRICS_ADDRESS is set.

No argument may name a person, a server, a channel or a prompt: all of them become labels of
metrics, which are kept by other programs.
"""

from typing import Final, Literal, TypeAlias

JobResult: TypeAlias = Literal["finished", "failed", "cancelled"]
InteractionKind: TypeAlias = Literal["command", "component", "autocomplete", "form"]


class Observer:
    """Ignores everything. Called on the event loop; implementations are quick and never raise."""

    def job_accepted(self) -> None:
        """A request became a job."""

    def job_refused(self, rule: str) -> None:
        """A request was refused; `rule` is the key of the error."""

    def job_started(self, *, waited_s: float) -> None:
        """The first picture of a job is being drawn; the job was accepted `waited_s` ago."""

    def job_ended(self, result: JobResult, *, reason: str = "") -> None:
        """A job ended. `reason`: the key of the error of a failed one."""

    def picture_drawn(
        self,
        *,
        device: str,
        variant: str,
        elapsed_s: float,
        seconds_a_step: float,
        energy_j: float | None = None,
    ) -> None:
        """An engine drew a picture; the values are those of `DrawnPicture`."""

    def picture_kept(self) -> None:
        """A drawn picture passed the output check and was stored."""

    def picture_withheld(self, reason: str) -> None:
        """A drawn picture is shown to nobody; `reason` is a `WithheldReason`."""

    def item_tried(self, *, kind: str, result: str) -> None:
        """The outbox tried to send an item. `result`: `sent`, or the verdict on its failure."""

    def discord_responded(
        self, *, method: str, status: str, elapsed_s: float, limit: str = ""
    ) -> None:
        """Discord's API responded; `status` is `error` if the connection failed. `limit`: of a
        429, what it limits."""

    def interaction_answered(self, kind: InteractionKind, *, elapsed_s: float) -> None:
        """Discord accepted the first response to an interaction, `elapsed_s` after it arrived."""

    def interaction_missed(self, kind: InteractionKind) -> None:
        """An interaction had no accepted first response in time; its user saw an error."""

    def loop_delayed(self, delay_s: float) -> None:
        """The event loop ran a task `delay_s` later than planned."""


NOBODY: Final = Observer()
"""Counts nothing."""
