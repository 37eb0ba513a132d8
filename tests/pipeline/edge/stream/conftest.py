"""A model that is a function, and a session that is given lines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from pipeline.edge.card import StreamInput
from pipeline.edge.stream.decisions import Decision, Event
from pipeline.edge.stream.recogniser import Waiting
from pipeline.edge.stream.session import Session, Settings
from pipeline.edge.stream.smoothing import smoothing_of
from pipeline.edge.stream.tally import Tally
from pipeline.edge.stream.threshold import threshold_of
from pipeline.edge.stream.windowing.windows import Windows


class Fake:
    """Of two streams or one; classes "rest" and "move", by the mean of the watch's first channel.

    Where `exact`, any other sample, value or time in a window gives other probabilities.
    """

    classes = ("rest", "move")

    def __init__(self, *streams: str, exact: bool = False) -> None:
        shapes = {
            "watch": StreamInput(name="watch", sample=(2,), rate=50),
            "body": StreamInput(name="body", sample=(3, 3), rate=20),
        }
        self.streams = tuple(shapes[each] for each in streams or ("watch",))
        self.exact = exact
        self.seen: list[dict[str, Any]] = []

    def probabilities(self, batch: Any) -> Any:
        self.seen.append({name: value.shape for name, value in batch.items()})
        for each in self.streams:
            assert batch[each.name].dtype == np.float32
            assert batch[f"{each.name}_time"].dtype == np.float64
            assert (np.diff(batch[f"{each.name}_time"][0]) > 0).all()
        if self.exact:
            sums = [float((1 + i) * np.sin(value).sum()) for i, value in enumerate(batch.values())]
            share = (math.sin(sum(sums) * 1000) + 1) / 2
        else:
            share = float(np.clip(batch["watch"][0, :, 0].mean(), 0, 1))
        return np.array([[1 - share, share]])


class Heard:
    """What a session said of some lines."""

    def __init__(self, lines: Iterable[bytes | str], model: Fake, settings: Settings) -> None:
        self.told: list[str] = []
        self.said: list[Decision | Event] = []
        self.model = model
        self.tally = Tally(self.told.append)
        self.session = Session(model, settings, self.said.append, self.tally)
        for line in lines:
            if samples := self.session.parse(line.encode() if isinstance(line, str) else line):
                self.session.take(samples)
        self.session.finish()

    @property
    def decisions(self) -> list[tuple[float, str | None, float | None, str]]:
        """All but latencies."""
        return [
            (each.end, each.label, each.probability, each.reason) for each in self.said if isinstance(each, Decision)
        ]

    @property
    def events(self) -> list[Event]:
        return [each for each in self.said if isinstance(each, Event)]


@pytest.fixture(scope="session")
def fake() -> type[Fake]:
    return Fake


@pytest.fixture(scope="session")
def hear() -> Callable[..., Heard]:
    """A function that gives lines to a session with windows of a second, one every half, and returns what it said."""

    def hear(
        lines: Iterable[bytes | str],
        *streams: str,
        exact: bool = False,
        patience: float = 0.1,
        disorder: float = 0.0,
        smooth: str = "none",
        threshold: str | None = None,
        window: float = 1.0,
        **more: Any,
    ) -> Heard:
        settings = Settings(
            Windows(window, 500),
            Waiting(patience, disorder),
            smoothing_of(smooth),
            threshold_of(threshold) if threshold else None,
            **more,
        )
        return Heard(lines, Fake(*streams, exact=exact), settings)

    return hear


def line(stream: str, time: float | None, values: Any) -> str:
    return json.dumps({"stream": stream, "time": time, "values": values})


@pytest.fixture(scope="session")
def watch() -> Callable[..., list[str]]:
    """A function that returns lines of the watch, 50 a second from a time until another, at one level or more."""

    def watch(start: float, end: float, level: float | Callable[[float], float] = 0.0, rate: float = 50) -> list[str]:
        times = [start + i / rate for i in range(round((end - start) * rate))]
        levels = [level(each) if callable(level) else level for each in times]
        return [line("watch", each, [value, math.sin(each)]) for each, value in zip(times, levels, strict=True)]

    return watch


@pytest.fixture(scope="session")
def body() -> Callable[..., list[str]]:
    """The same of the body's skeleton of three joints, 20 a second."""

    def body(start: float, end: float) -> list[str]:
        times = [start + i / 20 for i in range(round((end - start) * 20))]
        return [line("body", each, [[math.cos(each)] * 3] * 3) for each in times]

    return body
