"""What a server's gallery accepts, and in which channel. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.guilds.server_settings import GuildSettings
from pipeline.errors import RefusedError
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A server's settings, and the highest rating of each existing gallery channel.

    A channel that is missing from `ceilings` was not chosen or was deleted. `made_in`: where the
    picture was made, including a thread's channel.
    """

    guild_id: int
    settings: GuildSettings
    ceilings: Mapping[int, Rating]
    made_in: tuple[int, ...] = ()

    @property
    def allowed(self) -> Rating | None:
        """The highest rating that the gallery accepts; None: this server has no gallery."""
        return max(self.ceilings.values(), default=None)

    def channel_for(self, rating: Rating) -> int | None:
        """The channel for a picture of this rating; None: none."""
        settings = self.settings
        for channel_id in (settings.gallery_channel_id, settings.gallery_adult_channel_id):
            if channel_id is not None and rating <= self.ceilings.get(channel_id, -1):
                return channel_id
        return None

    def may_stay(self, channel_id: int, rating: Rating) -> bool:
        """Whether a message of this rating may stay where it is. In a channel that is no longer a
        gallery channel, only `safe` ones may."""
        return rating <= self.ceilings.get(channel_id, Rating.SAFE)

    @property
    def excluded(self) -> bool:
        """Whether pictures made in these channels stay out of the gallery."""
        return not self.settings.gallery_excluded.isdisjoint(self.made_in)

    def demand(self, rating: Rating) -> None:
        """Raises RefusedError if a picture can't be added to the gallery."""
        if self.allowed is None:
            raise RefusedError("gallery_off")
        if self.excluded:
            raise RefusedError("gallery_excluded")
        if self.channel_for(rating) is None:
            raise RefusedError("gallery_above_ceiling", rating=rating, ceiling=self.allowed)
