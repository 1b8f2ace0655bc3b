"""People paint on the real web page, as its script does it."""

import asyncio
import io
import re
from typing import Final

import aiohttp
from PIL import Image

from bot.playground.simulator.forms import walk
from bot.playground.simulator.world import ChannelType, Interaction, Message
from tests.chaos import starring
from tests.chaos.activity import CHOSEN, Activity
from tests.chaos.painted import Painted, jobs_by_mask
from tests.chaos.places import PEOPLE
from tests.chaos.sight import custom_ids, job_of

_SIZE: Final = re.compile(r'<canvas id="mask" width="(\d+)" height="(\d+)"')
_OWNER: Final = (
    "SELECT jobs.id, user_id, private FROM jobs JOIN pictures ON job_id = jobs.id"
    " WHERE pictures.id = ?"
)
_PATIENCE: Final = aiohttp.ClientTimeout(total=20.0)
_LINK_S: Final = 3.0
_DOUBLE: Final = 0.3
"""How often somebody sends twice at once."""


async def paint(activity: Activity) -> None:
    """A part of some picture is painted, and drawn again; some cancel that. If the bot died before
    it answered, the page is still open in the browser: the same mask is sent again later."""
    link = next((each for each in activity.painted if each.is_open), None)
    if link is not None:
        link.sent_again = True
    else:
        found = activity.under_pictures("more")
        message = activity.random.choice(found)[0] if found else await starring.fresh(activity)
        link = None if message is None else await pressed(activity, message)
    if link is None:
        return
    await _use(activity, link)
    if link.done:
        await _afterwards(activity, link)


async def paint_publicly(activity: Activity) -> None:
    """On a new picture that all see."""
    message = await starring.fresh(activity)
    link = None if message is None else await pressed(activity, message)
    if link is not None:
        await _use(activity, link)


async def _use(activity: Activity, link: Painted) -> None:
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=_PATIENCE) as http:
        if link.mask or await _painted(activity, link, http):
            await _send(activity, link, http)


async def pressed(activity: Activity, message: Message) -> Painted | None:
    """The owner of a picture presses Paint, and gets a link; None if the bot does not get that
    far."""
    shown = [each for each in custom_ids(message.components) if each.startswith("ekaki:more:")]
    rows = activity.stage.query(_OWNER, shown[0].rpartition(":")[2]) if shown else []
    if not rows or rows[0]["user_id"] not in PEOPLE:  # deleted, or may be at any moment
        return None
    (row,) = rows
    made = await activity.press_behind_more(row["user_id"], message, "paint")
    url = "" if made is None else await _link_in(activity, made)
    if not url:
        return None
    link = Painted(
        url=url,
        user_id=row["user_id"],
        channel_id=message.channel_id,
        private=bool(row["private"]),
        source=row["id"],
    )
    activity.painted.append(link)
    return link


async def _link_in(activity: Activity, made: Interaction) -> str:
    """The link in the answer, which is a placeholder first."""
    for _ in range(int(_LINK_S / 0.02)):
        shown = activity.shown(made)
        urls = [] if shown is None else [each.get("url") for each in walk(shown.components)]
        found = next((str(each) for each in urls if each), "")
        if found or not activity.stage.alive:
            return found
        await asyncio.sleep(0.02)
    return ""


async def _painted(activity: Activity, link: Painted, http: aiohttp.ClientSession) -> bool:
    """Open the page and paint. False: it does not open any more."""
    try:
        async with http.get(link.url) as answer:
            html = await answer.text()
        async with http.get(f"{link.url}/picture.png") as answer:
            png = await answer.read() if answer.status == 200 else b""
    except aiohttp.ClientError:
        return False
    size = _SIZE.search(html)
    if size is None or not png:
        return False
    width, height = int(size[1]), int(size[2])
    dice = activity.random
    link.mark = activity.mark()
    link.size = (width, height)
    link.mask = bytes(255 * (each >> 7) for each in dice.randbytes(width * height))
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (width, height), "what is painted on is the picture"
    if dice.random() < 0.2:  # nothing at all, which must leave the link as it is
        await _post(link, http, bytes(width * height), "apple")
    return True


async def _send(activity: Activity, link: Painted, http: aiohttp.ClientSession) -> None:
    """Press Redraw; some do it twice, or look again afterwards."""
    dice = activity.random
    words = dice.choice(("apple", "apple", CHOSEN)) + f", {link.mark}"
    times = 2 if dice.random() < _DOUBLE else 1
    await asyncio.gather(*(_post(link, http, link.mask, words) for _ in range(times)))
    if link.done and dice.random() < 0.5:
        try:
            async with http.get(link.url) as answer:
                link.open_again |= answer.status == 200
            await _post(link, http, link.mask, words)
        except aiohttp.ClientError:
            return


async def _post(link: Painted, http: aiohttp.ClientSession, mask: bytes, words: str) -> None:
    """As the page's script sends it; the answer is counted."""
    png = io.BytesIO()
    Image.frombytes("L", link.size, mask).convert("RGBA").save(png, "PNG")
    form = aiohttp.FormData()
    form.add_field("prompt", words)
    form.add_field("strength", "0.9")
    form.add_field("mask", png.getvalue(), filename="mask.png", content_type="image/png")
    headers = {"Origin": link.url.partition("/redraw/")[0]}
    try:
        async with http.post(f"{link.url}/draw", data=form, headers=headers) as answer:
            done = answer.status == 200 and (await answer.json())["done"]
    except (aiohttp.ClientError, TimeoutError):
        link.unanswered += 1
        return
    link.done += done
    link.refused += not done


async def _afterwards(activity: Activity, link: Painted) -> None:
    """Its owner cancels it, or a moderator deletes the message that waits."""
    rows = jobs_by_mask(activity.stage).get(link.mask)
    if not rows:
        return
    link.job_id, dice = rows[0]["id"], activity.random
    chance = dice.random()
    if chance > 0.5:
        return
    message = await _waiting(activity, link)
    if message is None:
        return
    if chance < 0.3:
        activity.cancelled.add(link.job_id)
        await activity.press(link.user_id, message, f"ekaki:cancel:{link.job_id}")
    elif message.ephemeral_for is None and not _is_direct(activity, message):
        activity.deleted.add(message.id)
        activity.stage.loopback.posting.delete(message)


async def _waiting(activity: Activity, link: Painted) -> Message | None:
    """The message with its Cancel button, while there is one."""
    for _ in range(20):
        for message in list(activity.stage.world.messages.values())[-60:]:
            if message.deleted_at is None and job_of(message) == link.job_id:
                return message
        if not activity.stage.alive:
            break
        await asyncio.sleep(0.02)
    return None


def _is_direct(activity: Activity, message: Message) -> bool:
    return activity.stage.world.channel(message.channel_id).type == ChannelType.DM
