"""The way of a line: samples, windows, probabilities, a label, an event; and all that is counted on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.edge.stream.decisions import Decision, Event, Events
from pipeline.edge.stream.model import Model
from pipeline.edge.stream.recogniser import Outcome, Recogniser, Waiting
from pipeline.edge.stream.samples import Intake, Samples
from pipeline.edge.stream.smoothing import Average, Smoothed, Smoothing
from pipeline.edge.stream.tally import Tally
from pipeline.edge.stream.threshold import Threshold
from pipeline.edge.stream.windowing.clocks import Clock, ReadingClock
from pipeline.edge.stream.windowing.windows import Windows


@dataclass(frozen=True)
class Settings:
    """How a stream is recognised.

    Attributes
    ----------
    smoothing
        Of this session alone: it remembers.
    offsets
        Seconds to add to a stream's times.
    arrival
        Whether samples without a time get that of their arrival.
    """

    windows: Windows
    waiting: Waiting = field(default_factory=Waiting)
    smoothing: Smoothing = field(default_factory=lambda: Average(1))
    threshold: Threshold | None = None
    offsets: Mapping[str, float] = field(default_factory=dict)
    arrival: bool = False


class Session:
    """One listening, from the first line to the last.

    Parameters
    ----------
    say
        Gets decisions and events in their order.
    clock
        Says how long ago a window ended.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings,
        say: Callable[[Decision | Event], None],
        tally: Tally,
        clock: Clock | None = None,
    ) -> None:
        self._classes = tuple(model.classes)
        self._settings = settings
        self._say = say
        self._tally = tally
        self._clock = clock or ReadingClock()
        self._intake = Intake(model.streams, tally, settings.offsets, arrival=settings.arrival)
        self._events = Events(settings.windows)
        self._recogniser = Recogniser(model, settings.windows, settings.waiting, tally, self._clock)

    def parse(self, line: bytes) -> Samples | None:
        """Read a line; see `Intake`."""
        return self._intake.parse(line)

    def take(self, samples: Samples) -> None:
        """Take samples that `parse` returned."""
        for at, values in zip(samples.times, samples.values, strict=True):
            assert at is not None
            self._decided(self._recogniser.take(samples.stream, at, values))

    @property
    def next_end(self) -> float | None:
        """The end of the window that is to be decided next."""
        return self._recogniser.next_end

    def force(self) -> None:
        """Decide that window with what is there."""
        self._decided(self._recogniser.force())

    def finish(self) -> None:
        """Decide what is complete, and close the event that is open."""
        self._decided(self._recogniser.finish())
        self._tell(self._events.close())

    def _decided(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            decision = self._decision(outcome)
            self._tally.decisions += 1
            if decision.reason:
                self._tally.undecided[decision.reason] += 1
            self._tell(self._events.add(decision))
            self._say(decision)

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self._tally.events += 1
            self._say(event)

    def _decision(self, outcome: Outcome) -> Decision:
        smoothing = self._settings.smoothing
        label, probability, reason = None, None, outcome.reason
        if outcome.probabilities is None:
            smoothing.clear()
        else:
            smoothed = smoothing.add(outcome.probabilities)
            probability = round(smoothed.probability, 6)
            label = self._label(smoothed)
            reason = "" if label is not None else "no activity"
        latency = self._clock.since(outcome.end)
        self._tally.latencies.add(latency)
        return Decision(
            end=outcome.end, label=label, probability=probability, latency_ms=round(latency * 1000, 3), reason=reason
        )

    def _label(self, smoothed: Smoothed) -> str | None:
        threshold = self._settings.threshold
        if smoothed.label is None or (threshold is not None and not threshold.accepts(smoothed)):
            return None
        return self._classes[smoothed.label]
