"""A source as one picture: recordings by class and subject, lengths, an example of each stream."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadRecording
from pipeline.formatting import counted, cut
from pipeline.inspect.drawing.figure import COLOURS, GREY, heading, literal, new_figure, place, small
from pipeline.inspect.drawing.stream import draw_stream
from pipeline.inspect.opened import Opened
from pipeline.inspect.picture_file import save
from pipeline.inspect.source.facts import SourceFacts
from pipeline.inspect.source.looks import Look
from pipeline.sources.base import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT, _TOP, _ROW, _GAP = 1.75, 0.85, 1.4, 0.6  # inches
_EXAMPLES = 12  # streams that are drawn
_LABELS = 40  # classes, and half as many subjects, that are named beside the map


def draw(opened: Opened, facts: SourceFacts, looks: Sequence[Look], file: Path) -> None:
    """Draw it and write it."""
    shown = facts.streams[:_EXAMPLES]
    classes = float(np.clip(0.19 * len(facts.classes), 1.8, 7.5))
    rows = [_TOP + classes + 0.95 + at * (_ROW + _GAP) for at in range(len(shown))]
    rest = "" if facts.read == facts.recordings else f", {facts.read:,} of them read"
    title = f"{facts.source}: {counted(facts.recordings, 'recording')}{rest}"
    if len(shown) < len(facts.streams):
        title += f"; {len(shown)} of {len(facts.streams)} streams are drawn"
    figure = new_figure((rows[-1] if rows else _TOP + classes) + _ROW + 0.55, title)
    _counts(place(figure, _LEFT, _TOP, 4.3, classes), facts)
    _lengths(place(figure, _LEFT + 5.6, _TOP, 3.3, classes), facts, looks)
    for stream, top in zip(shown, rows, strict=True):
        axes = place(figure, _LEFT - 1.1, top, 9.25, _ROW)
        example = _typical(stream.name, looks)
        if example is None:
            heading(axes, f"{stream.name}: nothing could be read")
            axes.axis("off")
            continue
        heading(axes, f"{stream.name}, for example {example.id}: {example.action}, subject {example.subject}")
        try:
            draw_stream(axes, opened.source, example, stream.name, opened.streams[stream.name], opened.limits)
        except BadRecording as error:  # only its first frame was read before
            axes.text(0.02, 0.5, literal(str(error)), fontsize=8, transform=axes.transAxes)
        axes.set_xlabel("seconds", fontsize=8)
    save(figure, file)


def _counts(axes: Axes, facts: SourceFacts) -> None:
    """Draw how many recordings there are of each class and subject."""
    counts = np.array([list(row.values()) for row in facts.by_subject.values()]).T  # (classes, subjects)
    most = 2.2 * max(counts.max(), 1)  # so that figures on it can be read
    image = axes.imshow(counts, cmap="Blues", aspect="auto", vmin=0, vmax=most, interpolation="nearest")
    heading(axes, "recordings by class and subject")
    every = max(1, -(-len(facts.classes) // _LABELS))
    axes.set_yticks(
        range(0, counts.shape[0], every), [literal(cut(name, 22)) for name in list(facts.classes)[::every]], fontsize=8
    )
    every = max(1, -(-2 * len(facts.subjects) // _LABELS))
    names = [literal(cut(name, 12)) for name in list(facts.subjects)[::every]]
    tilted = max(map(len, names)) * len(names) > 50
    axes.set_xticks(range(0, counts.shape[1], every), names, fontsize=8, rotation=60 if tilted else 0)
    axes.set_xlabel("subject", fontsize=8)
    axes.tick_params(length=0)
    if counts.size <= 360:
        for (row, column), count in np.ndenumerate(counts):
            axes.text(column, row, f"{count}", ha="center", va="center", fontsize=7)
    else:
        bar = axes.figure.colorbar(image, ax=axes, pad=0.02, fraction=0.04)
        bar.ax.tick_params(labelsize=7)


def _lengths(axes: Axes, facts: SourceFacts, looks: Sequence[Look]) -> None:
    """Draw a dot for each recording's seconds, in a row a stream, and the median."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    names = [stream.name for stream in facts.streams]
    for row, name in enumerate(names):
        seconds = np.array([look.measures[name].seconds for look in looks if name in look.measures])
        if not len(seconds):
            continue
        spread = (np.arange(len(seconds)) * 0.618033988749895 % 1.0 - 0.5) * 0.6
        axes.plot(seconds, row + spread, ".", color=COLOURS[row % 6], markersize=3.5, alpha=0.6, markeredgewidth=0)
        axes.plot([np.median(seconds)] * 2, [row - 0.38, row + 0.38], color="black", linewidth=1.5)
    axes.set_yticks(range(len(names)), [literal(cut(name, 16)) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    known = [stream.seconds for stream in facts.streams if stream.seconds is not None]
    if known and max(each.most for each in known) > 10 * min(each.least for each in known):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(left=0)
    axes.set_xlabel("seconds (line: the median)", fontsize=8)
    axes.grid(axis="x", color=GREY, alpha=0.25, linewidth=0.6)
    heading(axes, "lengths of recordings")
    small(axes)


def _typical(stream: str, looks: Sequence[Look]) -> Recording | None:
    """Return the recording whose length in a stream is in the middle; None where none was read."""
    read = sorted((look for look in looks if stream in look.measures), key=lambda look: look.measures[stream].seconds)
    return read[len(read) // 2].recording if read else None
