"""What `pipeline stream` is put together of: a model, a feed, a clock, and signals that end it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError
from pipeline.terminal import note

if TYPE_CHECKING:
    from pipeline.edge.card import Card
    from pipeline.edge.stream.decisions import Decision, Event
    from pipeline.edge.stream.feeds.feed import Feed
    from pipeline.edge.stream.live import Pace, Stop
    from pipeline.edge.stream.model import Exported, Model
    from pipeline.edge.stream.recogniser import Outcome
    from pipeline.edge.stream.session import Settings
    from pipeline.edge.stream.tally import Tally
    from pipeline.edge.stream.windowing.windows import Windows

_LARGEST_OFFSET = 1e9  # seconds


def opened(path: Path) -> Exported:
    """Open an exported model; ConfigError where it is none."""
    from pipeline.edge.runtime.model import open_model
    from pipeline.edge.stream.model import Exported

    if not path.is_file():
        raise ConfigError(f"{path}: no such file\n  name a model that `pipeline export` wrote")
    return Exported(open_model(path), note)


def windows_of(card: Card, seconds: float | None, every_ms: int) -> Windows:
    """Return the windows that were asked for, or those that the model needs."""
    from pipeline.edge.stream.windowing.windows import Windows

    spans = [each for each in (card.window, *(span.seconds for span in card.spans)) if each > 0]
    if seconds is None and not spans:
        raise ConfigError(
            f"--window: {card.model} takes recordings of any length, so say how many seconds it shall see\n"
            "  about as long as one activity lasts, for example --window 2"
        )
    needed = max((each.seconds for each in card.spans if each.align == "truncate"), default=0.0)
    if seconds is not None and seconds < needed:
        raise ConfigError(f"--window {seconds:g}: {card.model} needs {needed:g} s\n  give more, or leave it out")
    # a window has its last sample before its end, and its first after its start
    return Windows(seconds or max(spans) + 2 / min(each.rate for each in card.streams), every_ms)


def feed_of(source: Path | None, udp: str | None, websocket: str | None, *, anywhere: bool) -> Feed:
    """Open what lines come from: standard input where nothing else is named."""
    from pipeline.edge.stream.feeds.descriptor import DescriptorFeed

    if len([each for each in (source, udp, websocket) if each is not None]) > 1:
        raise ConfigError("--from, --udp and --websocket: give one of them")
    if udp is not None:
        from pipeline.edge.stream.feeds.udp import UdpFeed

        by_udp = UdpFeed(udp, anywhere=anywhere)
        note(f"listening for datagrams at {udp.rpartition(':')[0]}:{by_udp.port}")
        return by_udp
    if websocket is not None:
        from pipeline.edge.stream.feeds.websocket import WebSocketFeed

        by_websocket = WebSocketFeed(websocket, anywhere=anywhere)
        note(f"listening for WebSockets at ws://{websocket.rpartition(':')[0]}:{by_websocket.port}")
        return by_websocket
    if source is not None and str(source) != "-":
        return DescriptorFeed.open(source)
    if sys.stdin is None:
        raise ConfigError("standard input is closed\n  say where samples come from: --from, --udp or --websocket")
    return DescriptorFeed(sys.stdin.fileno())


def offsets_of(given: Sequence[str], streams: Sequence[str]) -> dict[str, float]:
    """Read ``STREAM=SECONDS``."""
    offsets = {}
    for each in given:
        name, _, seconds = each.partition("=")
        try:
            offsets[name] = float(seconds)
            if not abs(offsets[name]) <= _LARGEST_OFFSET:
                raise ValueError(seconds)
        except ValueError:
            raise ConfigError(f"--offset {each}: give STREAM=SECONDS, for example {streams[0]}=-0.25") from None
        if name not in streams:
            raise ConfigError(f"--offset {each}: the model's streams are {', '.join(streams)}")
    return offsets


def listen(feed: Feed, model: Model, settings: Settings, tally: Tally, pace: Pace | None, *, decisions: bool) -> None:
    """Recognise until the feed or a signal ends it, and print what comes out."""
    from pipeline.edge.stream.decisions import Decision, encode_line
    from pipeline.edge.stream.live import Listening
    from pipeline.edge.stream.session import Session
    from pipeline.edge.stream.windowing.clocks import RealClock

    regular = getattr(feed, "regular", False)
    clock = RealClock() if (pace or ("real" if feed.live else "none")) == "real" else None

    def say(said: Decision | Event) -> None:
        if decisions or not isinstance(said, Decision):
            print(encode_line(said), flush=clock is not None or not regular)

    session = Session(model, settings, say, tally, clock)
    replay = clock is not None and regular
    try:
        with _ended_by_signals() as stop:
            listening = Listening(feed, session, stop, clock, settings.waiting.longest, replay=replay)
            listening.run(lambda: getattr(sys.stdout, "failure", None) is None)
    finally:
        feed.close()


def outcomes_of(
    model: Model, path: Path, settings: Settings, offsets: Sequence[str], tally: Tally
) -> Iterator[Outcome]:
    """Yield what the model says of each window of a file."""
    from pipeline.edge.stream.feeds.descriptor import DescriptorFeed
    from pipeline.edge.stream.recogniser import Recogniser
    from pipeline.edge.stream.samples import Intake
    from pipeline.edge.stream.windowing.clocks import ReadingClock

    intake = Intake(model.streams, tally, offsets_of(offsets, [each.name for each in model.streams]))
    recogniser = Recogniser(model, settings.windows, settings.waiting, tally, ReadingClock())
    feed = DescriptorFeed.open(path)
    try:
        while not feed.ended:
            for line in feed.read(feed.descriptors()):
                if (samples := intake.parse(line)) is not None:
                    for at, values in zip(samples.times, samples.values, strict=True):
                        yield from recogniser.take(samples.stream, at or 0.0, values)
        yield from recogniser.finish()
    finally:
        feed.close()


@contextmanager
def _ended_by_signals() -> Iterator[Stop]:
    """Let SIGINT and SIGTERM end the listening in order; a second one ends the program."""
    from pipeline.edge.stream.live import Stop

    stop = Stop()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, _frame: object) -> None:
        stop.say()
        signal.signal(number, before[signal.Signals(number)])

    for each in before:
        signal.signal(each, end)
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        stop.close()
