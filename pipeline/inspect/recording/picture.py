"""One recording as one picture: its streams over time with their windows, and what was made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.inspect.drawing.figure import COLOURS, heading, literal, new_figure, place, small
from pipeline.inspect.drawing.frames import draw_images, levels
from pipeline.inspect.drawing.stream import draw_stream
from pipeline.inspect.picture_file import save
from pipeline.inspect.recording.facts import Examined, Stream
from pipeline.inspect.recording.made import Gramian, Patches
from pipeline.inspect.recording.windows import Spans

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEFT, _WIDE = 0.65, 9.25  # inches
_ROWS = 4  # of window bars, so that those that overlap lie apart
_WINDOWS = 300  # that are marked
_UNITS = {"video": "frames", "series": "samples", "skeleton": "samples"}
_IMAGES = 12  # square ones side by side

Panel = tuple[float, Callable[["Figure", float], None]]  # its height in inches, and what draws it from a top on


def draw(seen: Examined, file: Path) -> None:
    """Draw it and write it."""
    panels: list[Panel] = []
    for stream in seen.streams:
        panels.append(_stream_panel(seen, stream))
        for each in seen.patches:
            if stream.name in each.spans:
                panels.append(_windows_panel(each, stream, each.spans[stream.name]))
            if stream.name in each.images:
                panels.append(_images_panel(each, stream.name))
            if stream.name == next(reversed(each.spans), None):  # below the last of its modality's streams
                panels += _made_panels(each, seen.gramians)
    recording = seen.recording
    title = f"{recording.id}: {recording.action}, subject {recording.subject}, session {recording.session}"
    figure, top = new_figure(0.75 + sum(high for high, _ in panels), title), 0.75
    for high, draw_at in panels:
        draw_at(figure, top)
        top += high
    save(figure, file)


def _made_panels(made: Patches, gramians: list[Gramian]) -> list[Panel]:
    own = [each for each in gramians if each.encoded == made.entry and each.modality == made.modality]
    panels = [_features_panel(made)] if made.features is not None else []
    return panels + [_gramian_panel(each) for each in own if each.images is not None]


def _stream_panel(seen: Examined, stream: Stream) -> Panel:
    def panel(figure: Figure, top: float) -> None:
        axes = place(figure, _LEFT, top, _WIDE, 1.45)
        heading(axes, f"{stream.name} ({stream.modality.kind}), over seconds")
        problem = stream.problem
        if not problem:
            source, limits = seen.opened.source, seen.opened.limits
            try:
                draw_stream(axes, source, seen.recording, stream.name, stream.modality, limits)
            except BadRecording as error:
                problem = error.reason
        if problem:
            axes.text(0.01, 0.5, literal(problem), fontsize=8, transform=axes.transAxes)
            axes.axis("off")

    return (1.95, panel)


def _windows_panel(made: Patches, stream: Stream, spans: Spans) -> Panel:
    def panel(figure: Figure, top: float) -> None:
        axes = place(figure, _LEFT, top, _WIDE, 0.3)
        shown = spans[:_WINDOWS]
        spec = made.windows
        more = f", {_WINDOWS} marked" if len(spans) > _WINDOWS else ""
        heading(axes, f"{made.entry}: {len(spans)} windows of {spec.window} {_UNITS[made.kind]} ({spec.align}){more}")
        rows = int(np.clip(np.ceil(spec.window / spec.stride) if spec.stride else 1, 2, _ROWS))
        for at, (begin, end) in enumerate(shown):
            axes.plot([begin, end], [-(at % rows)] * 2, color=COLOURS[at % 2], linewidth=3, solid_capstyle="butt")
        assert stream.timing is not None
        lasts = max(stream.timing.seconds - 1 / (stream.timing.rate or stream.modality.rate), 1e-9)
        axes.set_xlim(0, lasts)
        axes.set_ylim(-rows + 0.4, 0.6)
        axes.axis("off")

    return (0.62, panel)


def _images_panel(made: Patches, stream: str) -> Panel:
    images = made.images[stream]
    most = max(2, _IMAGES * len(images[0]) // images[0].shape[1])
    some = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int))
    what = "what the network is given" if made.features is None else "motion from the front, the side and above"

    def panel(figure: Figure, top: float) -> None:
        axes = place(figure, _LEFT, top, _WIDE, 0.85)
        heading(axes, f"{made.entry}: {what} of {stream}, {len(some)} of {len(images)} windows")
        chosen = [images[at].clip(0, 1) for at in some]
        draw_images(axes, chosen, [f"{at + 1}" for at in some], levels(chosen))

    return (1.4, panel)


def _features_panel(made: Patches) -> Panel:
    assert made.features is not None
    features = made.features[: made.valid].T  # (D, P)
    high = float(np.clip(0.03 * len(features), 0.9, 2.0))

    def panel(figure: Figure, top: float) -> None:
        axes = place(figure, _LEFT, top, _WIDE - 0.3, high)
        heading(
            axes, f"{made.entry}: patches of {made.modality}, {features.shape[0]} features each (deviations of each)"
        )
        image = axes.imshow(_standardised(features), cmap="PuOr", vmin=-2.5, vmax=2.5, aspect="auto")
        count = features.shape[1]
        axes.set_xticks(
            range(0, count, max(1, count // 20)), [f"{at + 1}" for at in range(0, count, max(1, count // 20))]
        )
        axes.set_ylabel("feature", fontsize=8)
        small(axes)
        bar = figure.colorbar(image, cax=place(figure, _LEFT + _WIDE - 0.2, top, 0.12, high))
        bar.ax.tick_params(labelsize=7)

    return (high + 0.6, panel)


def _gramian_panel(made: Gramian) -> Panel:
    assert made.images is not None
    images, count = made.images, min(_IMAGES, len(made.images))
    high = float(np.clip(_WIDE / count / 1.06, 0.75, 1.4))

    def panel(figure: Figure, top: float) -> None:
        axes = place(figure, _LEFT, top, _WIDE, high)
        more = f", {count} shown" if count < len(images) else ""
        size = images.shape[1]
        heading(axes, f"{made.entry}: {len(images)} images of {made.modality}, {size} x {size}{more}")
        draw_images(axes, list(images[:count]), made.labels[:count], (-1.0, 1.0))

    return (high + 0.55, panel)


def _standardised(features: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = features.std(axis=1, keepdims=True)
    found: NDArray[np.float32] = (features - features.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
    return found
