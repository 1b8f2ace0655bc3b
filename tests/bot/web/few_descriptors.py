"""The page in a process that may have few descriptors ($DESCRIPTORS), for `test_connections`.

`python -m tests.bot.web.few_descriptors FOLDER` prints its address, and serves until it is ended.
"""

import asyncio
import logging
import os
import resource
import sys
from pathlib import Path

from bot.web import serving
from tests.bot.web.gallery import page_over


async def main(folder: Path) -> None:
    serving.IDLE_S = 3.0
    async with page_over(folder) as page:
        sys.stdout.write(page + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    most = int(os.environ["DESCRIPTORS"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(Path(sys.argv[1])))
