"""A limit on how long a service may keep us waiting: requests run in one thread, where they can be cancelled.

obstore's own limits are for the time between two bytes and for one attempt at a request. A service that sends a byte
now and then, or a listing without end, stays within them. So each request has a budget of waiting time: `STALLS` times
the time that may pass without a byte, and more for every byte that arrives. A service that exceeds it counts as down.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from obstore.exceptions import BaseError

from store.backends.object_store.clients import stall_s

STALLS = 4.0  # longer than obstore's own retries take, since its error messages are clearer than ours
STALLS_PER_MIB = 2.0
MIB = 1 << 20

T = TypeVar("T")

_starting = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_last_cancelled = 0.0  # by the monotonic clock
_CANCEL_S = 1.0  # how long obstore takes to notice that nobody waits any more


class DeadlineExceeded(BaseError):
    """A service takes longer, or sends more, than any answer to this request should."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        _note_cancelled()  # obstore may still be receiving


class RequestBudget:
    """The seconds that a service may still keep us waiting; the time that we take to use its data does not count.

    Parameters
    ----------
    factor : float
        How many times as much as usual.
    """

    def __init__(self, factor: float = 1.0) -> None:
        self._stall = stall_s() * factor
        self._remaining = self._total = STALLS * self._stall

    def earn(self, stalls: float) -> None:
        """Allow more time, `stalls` times what may pass without a byte, since something has arrived."""
        self._remaining += stalls * self._stall
        self._total += stalls * self._stall

    def earn_bytes(self, count: int) -> None:
        """Allow more time, since `count` bytes have arrived."""
        self.earn(count / MIB * STALLS_PER_MIB)

    async def wait(self, request: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a request; where the budget is exceeded, cancel it and raise `DeadlineExceeded`."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._remaining):
                return await request()
        except TimeoutError:
            _note_cancelled()
            raise DeadlineExceeded(
                f"too slow: it let us wait for more than {self._total:.0f} s "
                "(PIPELINE_TIMEOUT_SECONDS: how long it may send nothing; all else follows from that)"
            ) from None
        finally:
            self._remaining -= time.monotonic() - began


def call(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in the thread of requests, and return its result; Ctrl-C cancels it."""
    future = asyncio.run_coroutine_threadsafe(work(), _running_loop())
    try:
        return future.result()
    except BaseException:  # also Ctrl-C, which would leave the request to go on; raised again
        if future.cancel():
            _note_cancelled()
        raise


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_loop.run_forever, name="requests", daemon=True)
            thread.start()
            atexit.register(_end, _loop, thread)
        return _loop


def _note_cancelled() -> None:
    global _last_cancelled
    _last_cancelled = time.monotonic()


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Cancel requests before the interpreter ends: otherwise obstore's threads print long error messages."""
    for task in asyncio.all_tasks(loop):
        _note_cancelled()
        loop.call_soon_threadsafe(task.cancel)
    time.sleep(max(0.0, _last_cancelled + _CANCEL_S - time.monotonic()))
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_CANCEL_S)
