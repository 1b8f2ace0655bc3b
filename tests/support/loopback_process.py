"""`python -m tests.support.loopback_process [--port N]`: a loopback Discord in its own process.

Prints one line of JSON when it serves: the address, the token, and the ids of its world.
"""

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.server import HOST, TOKEN, Loopback
from bot.playground.simulator.state import StateUnreadable, load_world, save_world


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.loopback_process", description=__doc__
    )
    parser.add_argument("--host", default=HOST, help="address to serve at (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--token", default=TOKEN, help="the bot token that it accepts")
    parser.add_argument("--state", type=Path, help="folder that keeps the world over restarts")
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT, then keep the world."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop.set))
    world = load_world(options.state) if options.state else None
    server = Loopback(world=world, token=options.token, host=options.host, port=options.port)
    async with server:
        about = {"url": server.url, "token": server.token, "ids": asdict(IDS)}
        sys.stdout.write(json.dumps(about) + "\n")
        sys.stdout.flush()
        await stop.wait()
        if options.state:
            save_world(server.world, options.state)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        asyncio.run(serve(options))
    except (OSError, StateUnreadable) as error:
        sys.stderr.write(f"The loopback Discord can't start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
