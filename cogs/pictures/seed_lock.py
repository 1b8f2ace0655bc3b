"""The button that makes a picture's seed the person's own default, and the one that undoes it."""

from dataclasses import replace
from typing import Final

from bot.client.client import Interaction
from cogs.common.answers import begin, change, hold, say
from cogs.common.lasting import Button, Lasting, view_of
from cogs.pictures.drawing_on import visible_picture
from data.shipped.text import text

FREE_ID: Final = "ekaki:freeseed"


async def lock_seed(interaction: Interaction, picture_id: str, _extra: int | None) -> None:
    await begin(interaction)
    stored = await visible_picture(interaction, picture_id)
    await set_seed(interaction, stored.picture.seed)
    words = text("me.seed_locked", seed=stored.picture.seed)
    free = Button(label=text("me.seed_free"), custom_id=FREE_ID)
    await say(interaction, words, view=view_of([free]))


async def set_seed(interaction: Interaction, seed: int | None) -> None:
    """Change the person's own seed; None: a random one for each picture."""
    people, user_id = interaction.client.services.people, interaction.user.id
    await people.set_defaults(user_id, replace(await people.defaults(user_id), seed=seed))


class FreeSeedButton(Lasting[Button], template=FREE_ID):
    """Undoes it, in the answer to the button."""

    async def act(self, interaction: Interaction) -> None:
        await hold(interaction)
        await set_seed(interaction, None)
        await change(interaction, text("me.seed_freed"))
