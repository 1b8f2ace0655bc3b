"""Background tasks that their owner can wait for."""

import asyncio
from collections.abc import Coroutine


def run_in_background(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run `work` as one of `tasks` until it is done."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
