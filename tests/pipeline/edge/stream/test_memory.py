"""Memory does not grow with what comes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Hear = Callable[..., Any]
REPOSITORY = Path(__file__).parents[4]


def samples(count: int, rate: float = 1000.0, stream: str = "watch") -> Iterator[str]:
    """Lines of a hundred samples each."""
    for i in range(count // 100):
        times = [(100 * i + j) / rate for j in range(100)]
        yield json.dumps({"stream": stream, "times": times, "values": [[0.5, 0.5]] * 100})


def peak(run: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def listen(fake: type[Any]) -> Callable[..., Any]:
    """A function that gives lines to a session that keeps nothing of what it says."""
    from pipeline.edge.stream.session import Session, Settings
    from pipeline.edge.stream.tally import Tally
    from pipeline.edge.stream.windowing.windows import Windows

    class Quiet(fake):  # type: ignore[misc,valid-type]
        def probabilities(self, batch: Any) -> Any:
            self.seen.clear()
            return super().probabilities(batch)

    def listen(lines: Iterator[str], *streams: str) -> Tally:
        tally = Tally()
        session = Session(Quiet(*streams), Settings(Windows(0.2, 100)), lambda said: None, tally)
        for line in lines:
            if parsed := session.parse(line.encode()):
                session.take(parsed)
        session.finish()
        return tally

    return listen


@pytest.mark.parametrize("streams", [("watch",), ("watch", "body")], ids=["whole", "one missing"])
def test_a_stream_that_goes_on(listen: Callable[..., Any], streams: tuple[str, ...]) -> None:
    few = peak(lambda: listen(samples(3_000, rate=50), *streams))
    many = peak(lambda: listen(samples(24_000, rate=50), *streams))
    assert many < few + 100_000


PROGRAM = """
import resource, sys
import numpy as np
from pipeline.edge.card import StreamInput
from pipeline.edge.stream.session import Session, Settings
from pipeline.edge.stream.tally import Tally
from pipeline.edge.stream.windowing.windows import Windows

class Model:
    classes = ("rest", "move")
    streams = (StreamInput(name="watch", sample=(2,), rate=50),)

    def probabilities(self, batch):
        return np.array([[0.4, 0.6]])

session = Session(Model(), Settings(Windows(0.2, 100)), lambda said: None, Tally())
for i in range(1_000_000):
    session.take(session.parse(b"watch,%.2f,0.5,0.5" % (i / 50)))
    if i == 50_000:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_million_samples() -> None:
    """The process's peak memory, in kB, after a twentieth and at the end."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    found = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True)
    early, late = map(int, found.stdout.split())
    assert late < early + 1000


def test_a_flood_at_one_moment(listen: Callable[..., Any]) -> None:
    few = peak(lambda: listen(samples(4_000, rate=1e5)))
    many = peak(lambda: listen(samples(40_000, rate=1e6)))
    assert many < few + 100_000


def test_a_line_without_an_end() -> None:
    from pipeline.edge.stream.feeds.feed import LONGEST, Lines

    def pour() -> None:
        lines = Lines()
        found = [line for _ in range(1000) for line in lines.add(b"1" * 65_536)]
        found += lines.add(b"\nwatch,1,2,3\nrest")
        assert [each[:12] for each in found] == [b"1" * 12, b"watch,1,2,3"]
        assert lines.end() == [b"rest"]

    assert peak(pour) < 6 * LONGEST
