"""A window that is closed, or a computer that shuts down, ends the wizard as a person would."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterable
from threading import Thread, current_thread, main_thread

# Shells tell of a program that a signal ended by this and the signal's number.
BY_SIGNAL = 128
_LAST_WORDS_SECONDS = 3.0
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def heed_signals(leave: Callable[[int], None]) -> None:
    """Have `leave` called in the running loop, with the number of the signal that came.

    Only the main thread is told of signals; elsewhere nothing happens.
    """
    if current_thread() is main_thread():
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            loop.add_signal_handler(number, leave, int(number))


def end_without_terminal(number: int, endings: Iterable[Callable[[], None]]) -> None:
    """End for certain, in a thread, where the signal says that the terminal is gone.

    Whoever writes to it may wait forever then, and the wizard's loop with them.

    Args:
        number: of the signal; nothing is done for others than SIGHUP.
        endings: called first, one after the other.
    """

    def end() -> None:
        for ending in endings:
            ending()
        time.sleep(_LAST_WORDS_SECONDS)
        os._exit(BY_SIGNAL + number)

    if number == signal.SIGHUP:
        Thread(target=end, name="end", daemon=True).start()
