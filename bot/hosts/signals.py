"""Signals of the bot's process, which Ray changes when it connects."""

import signal
import threading


def take_signals_back() -> None:
    """Install Python's handler of SIGTERM again: connecting replaces it by one in C that prints a
    trace and aborts the process three seconds later."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        if hasattr(signal, "siginterrupt"):
            signal.siginterrupt(signal.SIGTERM, False)  # as asyncio has it
