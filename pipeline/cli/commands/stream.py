"""``pipeline stream MODEL``, which is ``stream listen``; ``stream calibrate`` and ``stream judge``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from pipeline.cli.groups import Commands
from pipeline.cli.options import json_text
from pipeline.errors import ConfigError
from pipeline.terminal import note

F = TypeVar("F", bound=Callable[..., Any])


class _Stream(Commands):
    """A group that takes what is none of its commands as a model to listen with."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["listen", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Stream)
def command() -> None:
    """Recognise activities in samples as they come."""


def _window_options(command: F) -> F:
    """Add what says which windows there are, and how their labels are smoothed."""
    options = [
        click.option(
            "--window", type=click.FloatRange(0.05, 3600), metavar="SECONDS",
            help="What the model sees at a time; where left out what its card says it needs.",
        ),
        click.option(
            "--every", type=click.IntRange(10, 3_600_000), default=500, show_default=True, metavar="MS",
            help="From one window's end to the next.",
        ),
        click.option(
            "--patience", type=click.IntRange(0, 600_000), default=100, show_default=True, metavar="MS",
            help="How long after its end a window waits for a stream that is late.",
        ),
        click.option(
            "--disorder", type=click.IntRange(0, 600_000), default=0, show_default=True, metavar="MS",
            help="How much later than samples after it one may come. Each decision waits for that.",
        ),
        click.option(
            "--smooth", default="none", show_default=True, metavar="HOW",
            help="majority:N or average:N of the last N windows; hysteresis:ENTER,LEAVE; none.",
        ),
        click.option(
            "--offset", "offsets", multiple=True, metavar="STREAM=SECONDS",
            help="Add this to a stream's times. Repeatable.",
        ),
        click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@command.command(
    short_help="Print events as activities end; `stream MODEL` is this.",
    epilog="Example: pipeline stream watch.onnx --window 2 --udp 127.0.0.1:9000 --decisions",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="PATH",
    help="Read a file, a pipe or a serial device; - or nothing: standard input.",
)  # fmt: skip
@click.option("--udp", metavar="HOST:PORT", help="Listen for datagrams.")
@click.option("--websocket", metavar="HOST:PORT", help="Listen for WebSockets.")
@click.option("--listen-anywhere", "anywhere", is_flag=True, help="Take samples from other machines and pages, too.")
@click.option(
    "--clock", type=click.Choice(["samples", "arrival"]), default="samples", show_default=True,
    help="arrival: samples without a time get that of their arrival.",
)  # fmt: skip
@click.option(
    "--pace", type=click.Choice(["none", "real"]),
    help="none: as fast as lines can be read, which is so for files and pipes; real: by the clock, at which a file "
    "is played.",
)  # fmt: skip
@click.option(
    "--threshold", metavar="P|FILE",
    help="Less probable labels are no activity: a number, entropy:NUMBER, or a file by `calibrate`.",
)  # fmt: skip
@click.option("--decisions", is_flag=True, help="Print each window's decision, not only events.")
@_window_options
def listen(
    model: Path,
    source: Path | None,
    udp: str | None,
    websocket: str | None,
    anywhere: bool,
    clock: str,
    pace: Any,
    threshold: str | None,
    decisions: bool,
    window: float | None,
    every: int,
    patience: int,
    disorder: int,
    smooth: str,
    offsets: tuple[str, ...],
) -> int:
    """Print an event, as a line of JSON, when an activity has ended.

    Samples come as lines of JSON, {"stream": "inertial", "time": 12.34, "values": [...]}, or of CSV,
    inertial,12.34,0.1,... Ctrl-C ends it in order.
    """
    from pipeline.cli.streaming import feed_of, listen, offsets_of, opened, windows_of
    from pipeline.edge.stream.recogniser import Waiting
    from pipeline.edge.stream.session import Settings
    from pipeline.edge.stream.smoothing import smoothing_of
    from pipeline.edge.stream.tally import Tally
    from pipeline.edge.stream.threshold import threshold_of

    exported = opened(model)
    settings = Settings(
        windows=windows_of(exported.card, window, every),
        waiting=Waiting(patience / 1000, disorder / 1000),
        smoothing=smoothing_of(smooth),
        threshold=threshold_of(threshold) if threshold is not None else None,
        offsets=offsets_of(offsets, [each.name for each in exported.streams]),
        arrival=clock == "arrival",
    )
    if settings.threshold and (why := settings.threshold.doubts(exported.card.key, settings.windows.seconds)):
        note(f"--threshold {threshold}: {why}; choose it again by `pipeline stream calibrate`")
    tally = Tally(note)
    feed = feed_of(source, udp, websocket, anywhere=anywhere)
    listen(feed, exported, settings, tally, pace, decisions=decisions)
    for stream in exported.streams:
        if not tally.by_stream[stream.name]:
            note(f"no sample of {stream.name} came, which the model sees: no window could be decided")
    print(tally.summary(), file=sys.stderr)
    return 0


@command.command(
    epilog="Example: pipeline stream calibrate m.onnx --window 2 --from day.jsonl --truth day.csv -o p.json"
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--from", "source", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Its samples.")
@click.option(
    "--truth", type=click.Path(path_type=Path), required=True, metavar="CSV", help="Its activities: start,end,label."
)
@click.option(
    "--loss", type=click.FloatRange(0, 1), default=0.1, show_default=True, metavar="SHARE",
    help="Of windows with activities that the model knows, to be lost at most.",
)  # fmt: skip
@click.option(
    "--measure", type=click.Choice(["probability", "entropy"]), default="probability", show_default=True,
    help="What shall be compared with the threshold.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file for --threshold."
)
@_window_options
def calibrate(
    model: Path,
    source: Path,
    truth: Path,
    loss: float,
    measure: Any,
    output: Path,
    window: float | None,
    every: int,
    patience: int,
    disorder: int,
    smooth: str,
    offsets: tuple[str, ...],
) -> int:
    """Choose the threshold for no activity from a recording.

    It is to be one that the model was not trained on. Each activity in turn is taken from the model's classes, and it
    is counted how many of its windows are then rejected, and how many between activities.
    """
    from pipeline.cli.streaming import opened, outcomes_of, windows_of
    from pipeline.edge.stream.calibration import calibrate, known_windows
    from pipeline.edge.stream.labels import read_truth
    from pipeline.edge.stream.recogniser import Waiting
    from pipeline.edge.stream.session import Settings
    from pipeline.edge.stream.smoothing import smoothing_of
    from pipeline.edge.stream.tally import Tally
    from pipeline.keys.cache import write_atomically

    if smooth.startswith("hysteresis"):
        raise ConfigError(f"--smooth {smooth}: it has thresholds itself\n  leave it out here")
    smoothing_of(smooth)
    exported = opened(model)
    settings = Settings(windows_of(exported.card, window, every), Waiting(patience / 1000, disorder / 1000))
    labels = read_truth(truth)
    outcomes = outcomes_of(exported, source, settings, offsets, Tally(note))
    known = known_windows(outcomes, labels, settings.windows)
    threshold = calibrate(known, exported.classes, lambda: smoothing_of(smooth), loss, measure)
    threshold = msgspec.structs.replace(threshold, key=exported.card.key, window=settings.windows.seconds)
    try:
        write_atomically(output, f"{json_text(msgspec.to_builtins(threshold))}\n".encode())
    except OSError as error:
        raise ConfigError(f"-o {output}: cannot be written: {error.strerror}\n  name another place") from error
    for name, figure in threshold.figures.items():
        if not isinstance(figure, dict):
            print(f"{name}: {'-' if figure is None else figure}")
    print(f"threshold: {threshold.value:.4f} ({measure}), in {output}")
    return 0


@command.command("judge", epilog="Example: pipeline stream judge said.jsonl truth.csv")
@click.argument("decisions", type=click.Path(path_type=Path))
@click.argument("truth", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def judge_command(decisions: Path, truth: Path, as_json: bool) -> int:
    """Compare what a stream printed with a table of start,end,label.

    By time, and by events: which are right, and which are inserted, deleted, fragmented or merged.
    """
    from dataclasses import asdict

    from pipeline.edge.stream.judging import judge, text
    from pipeline.edge.stream.labels import read_found, read_truth

    found, labels = read_found(decisions), read_truth(truth)
    if labels and found.events and not any(found.start < each.end and each.start < found.end for each in labels):
        spans = f"{found.start:g} to {found.end:g} s, and {truth} from {labels[0].start:g} to {labels[-1].end:g} s"
        raise ConfigError(f"{decisions}: its decisions are from {spans}\n  give both by one clock")
    start = min([found.start, *(each.start for each in labels)])
    end = max([found.end, *(each.end for each in labels)])
    judgement = judge(labels, found.events, start, end)
    print(json_text(asdict(judgement)) if as_json else text(judgement))
    return 0
