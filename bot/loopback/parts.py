"""What the simulated Discord is made of, without the server that people and the bot reach it by."""

from bot.loopback.actions import Actions
from bot.loopback.changes import Changes
from bot.loopback.faults import Faults
from bot.loopback.feed import Feed
from bot.loopback.gateway import Gateway
from bot.loopback.interactions import Interactions
from bot.loopback.middleware import Gatekeeper
from bot.loopback.oauth import OAuth
from bot.loopback.posting import Posting
from bot.loopback.requestlog import RequestLog
from bot.loopback.world import World


class Parts:
    """The parts over one `world`. `token` is the bot's; `host` the address that is listened on."""

    def __init__(self, *, world: World, token: str, host: str) -> None:
        self.world = world
        self.token = token
        self.host = host
        self.log = RequestLog()
        self.faults = Faults()
        self.feed = Feed(self.world.time)
        self.gateway = Gateway(self.world, token=token)
        self.posting = Posting(self.world, self.gateway, self.feed)
        self.interactions = Interactions(self.posting)
        self.actions = Actions(self.posting, self.interactions)
        self.changes = Changes(self.world, self.gateway)
        self.gatekeeper = Gatekeeper(
            token=token, log=self.log, faults=self.faults, now=self.world.time
        )
        self.oauth = OAuth(self.world)
        self.oauth.attach(self.gatekeeper)
