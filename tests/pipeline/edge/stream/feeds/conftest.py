"""A session that listens in a thread, to a feed that real clients send to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from pipeline.edge.stream.decisions import Decision
from pipeline.edge.stream.live import Listening, Stop
from pipeline.edge.stream.recogniser import Waiting
from pipeline.edge.stream.session import Session, Settings
from pipeline.edge.stream.tally import Tally
from pipeline.edge.stream.windowing.clocks import RealClock
from pipeline.edge.stream.windowing.windows import Windows


class Listener:
    """What is heard so far."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.told: list[str] = []
        self.tally = Tally(self.told.append)

    @property
    def decisions(self) -> list[tuple[float, str | None, float | None, str]]:
        found = [each for each in self.said if isinstance(each, Decision)]
        return [(each.end, each.label, each.probability, each.reason) for each in found]

    def wait(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Wait until something is so, or fail."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"in vain; {self.tally.summary()}"
            time.sleep(0.01)


@pytest.fixture
def listening(fake: type[Any]) -> Callable[..., AbstractContextManager[Listener]]:
    """A function that listens to a feed while a block runs; `real` is whether a clock is looked at."""

    @contextmanager
    def listening(feed: Any, *streams: str, real: bool = False, patience: float = 0.1) -> Iterator[Listener]:
        listener, stop, clock = Listener(), Stop(), RealClock() if real else None
        settings = Settings(Windows(1.0, 500), Waiting(patience))
        session = Session(fake(*streams, exact=True), settings, listener.said.append, listener.tally, clock)
        listened = Listening(feed, session, stop, clock, patience, replay=False)
        thread = threading.Thread(target=listened.run)
        thread.start()
        try:
            yield listener
        finally:
            stop.say()
            thread.join(20)
            feed.close()
            stop.close()
        assert not thread.is_alive()

    return listening
