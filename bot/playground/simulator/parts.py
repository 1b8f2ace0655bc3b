"""What the simulated Discord is made of, without the server that people and the bot reach it by."""

from bot.playground.simulator.actions import Actions
from bot.playground.simulator.changes import Changes
from bot.playground.simulator.faults import Faults
from bot.playground.simulator.feed import Feed
from bot.playground.simulator.gateway import Gateway
from bot.playground.simulator.interactions import Interactions
from bot.playground.simulator.middleware import Gatekeeper
from bot.playground.simulator.oauth import OAuth
from bot.playground.simulator.posting import Posting
from bot.playground.simulator.requestlog import RequestLog
from bot.playground.simulator.world import World


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
