"""A recording's streams, small: a series as lines, a skeleton as a few stick figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from pipeline.report.html.markup import Markup, element, number
from pipeline.report.html.svg.canvas import frame

_WIDTH, _HEIGHT = 220, 64
_CHANNELS = 9  # that are drawn of a series, in groups of three that have a scale of their own


def draw_series(title: str, samples: Sequence[Sequence[float]]) -> Markup:
    """Draw (sample, channel) values; each three channels, such as an accelerometer's, above the next."""
    channels = [*zip(*samples, strict=True)][:_CHANNELS]
    groups = [channels[at : at + 3] for at in range(0, len(channels), 3)]
    high = _HEIGHT / max(len(groups), 1)
    parts = []
    for at, group in enumerate(groups):
        low, top = min(chain(*group)), max(chain(*group))
        span = max(top - low, 1e-9)
        for number_, values in enumerate(group):
            step = _WIDTH / max(len(values) - 1, 1)
            places = (
                f"{number(i * step)} {number(at * high + 2 + (high - 4) * (1 - (value - low) / span))}"
                for i, value in enumerate(values)
            )
            parts.append(element("path", d=f"M{'L'.join(places)}", class_=f"thin l{number_}"))
    return frame(title, _WIDTH, _HEIGHT + 2, parts)


def draw_poses(title: str, poses: Sequence[Sequence[tuple[float, float]]], bones: Sequence[tuple[int, int]]) -> Markup:
    """Draw (pose, joint, 2) places, y up, side by side with one scale."""
    xs, ys = [x for pose in poses for x, _ in pose], [y for pose in poses for _, y in pose]
    high = max(max(ys) - min(ys), 1e-9)
    column = _WIDTH / len(poses)
    unit = min((_HEIGHT - 6) / high, (column - 4) / max(max(xs) - min(xs), 1e-9))
    parts = []
    for at, pose in enumerate(poses):
        middle = column * (at + 0.5) - unit * (max(xs) + min(xs)) / 2
        places = [(middle + unit * x, 3 + unit * (max(ys) - y)) for x, y in pose]
        path = "".join(
            f"M{number(places[one][0])} {number(places[one][1])}L{number(places[other][0])} {number(places[other][1])}"
            for one, other in bones
        )
        parts.append(element("path", d=path, class_="bone"))
    return frame(title, _WIDTH, _HEIGHT, parts)
