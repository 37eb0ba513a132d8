"""How long a service may keep us waiting in all: obstore's requests run in one thread, where they can be given up.

obstore's own limits are for the time between two bytes and for one attempt at a request; a service that drips, or that
lists for ever, stays within them. So each request is awaited with an allowance of waiting: `STALLS` times what may pass
without a byte, and more for what has arrived. What does not come in that time counts as away.
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

STALLS = 4.0  # more than obstore's own tries take: what it says is plainer
STALLS_PER_MIB = 2.0

T = TypeVar("T")

_starting = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_given_up = 0.0  # when, last
_LETS_GO_S = 1.0  # what obstore takes to notice that nobody waits any more


class DeadlineExceeded(BaseError):
    """A service takes longer, or sends more, than any answer to this request should."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        _note_given_up()  # obstore may still be at it


class RequestBudget:
    """The seconds that a service may still let us wait; the time that we take to use what it sent is not counted.

    Parameters
    ----------
    factor : float
        How many times as much as usual.
    """

    def __init__(self, factor: float = 1.0) -> None:
        self._stall = stall_s() * factor
        self._left = self._given = STALLS * self._stall

    def earn(self, stalls: float) -> None:
        """Allow more, since something has arrived."""
        self._left += stalls * self._stall
        self._given += stalls * self._stall

    async def wait(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request and await its answer; `DeadlineExceeded`, and the request is given up, when time is over."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._left):
                return await request()
        except TimeoutError:
            _note_given_up()
            raise DeadlineExceeded(
                f"too slow: it let us wait for more than {self._given:.0f} s "
                "(PIPELINE_TIMEOUT_SECONDS: how long it may send nothing; all else follows from that)"
            ) from None
        finally:
            self._left -= time.monotonic() - began


def call(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in the thread of requests, and return what it returns; Ctrl-C gives it up."""
    future = asyncio.run_coroutine_threadsafe(work(), _running_loop())
    try:
        return future.result()
    except BaseException:
        if future.cancel():
            _note_given_up()
        raise


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop, _thread
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_loop.run_forever, name="requests", daemon=True)
            _thread.start()
            atexit.register(_end)
        return _loop


def _note_given_up() -> None:
    global _given_up
    _given_up = time.monotonic()


def _end() -> None:
    """Let go of requests before the interpreter ends: obstore's threads, which tell it, would complain at length."""
    assert _loop is not None
    assert _thread is not None
    for task in asyncio.all_tasks(_loop):
        _note_given_up()
        _loop.call_soon_threadsafe(task.cancel)
    time.sleep(max(0.0, _given_up + _LETS_GO_S - time.monotonic()))
    _loop.call_soon_threadsafe(_loop.stop)
    _thread.join(_LETS_GO_S)
