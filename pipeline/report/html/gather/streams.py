"""The stored series of a few recordings, thinned to what a small drawing shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.report.html.gather.outcome import Encoding, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POINTS = 90  # of a line
_POSES = 6  # of a skeleton


@dataclass(frozen=True)
class Stream:
    """A modality of one recording as its encode step stored it.

    Attributes
    ----------
    lines
        (sample, channel) values of a series; empty for a skeleton.
    poses
        (pose, joint, 2) places of joints at even times, y up; empty for another kind.
    bones
        Pairs of joints that a line connects.
    """

    modality: str
    lines: Sequence[Sequence[float]] = ()
    poses: Sequence[Sequence[tuple[float, float]]] = ()
    bones: Sequence[tuple[int, int]] = field(default_factory=tuple)


def streams_of(outcome: Outcome, recordings: Sequence[str]) -> dict[str, list[Stream]]:
    """Read recordings' series of all modalities that keep them; by recording."""
    from store.features import open_features

    rows = {each.id: row for row, each in enumerate(outcome.recordings)}
    wanted = [id_ for id_ in recordings if id_ in rows]
    found: dict[str, list[Stream]] = {id_: [] for id_ in wanted}
    first: dict[str, Encoding] = {}
    for each in outcome.encodings:
        first.setdefault(each.modality, each)
    for encoding in first.values():
        stored = open_features(outcome.store.output("encode", encoding.key))
        if "series" not in stored.names or not wanted:
            continue
        values = stored.read("series", [rows[id_] for id_ in wanted])  # (recording, sample, channel)
        skeleton = _is_skeleton(stored.attributes, values.shape[2])
        for id_, series in zip(wanted, values, strict=True):
            read = _poses if skeleton else _lines
            found[id_].append(read(encoding, series.astype("float64")))
    return found


def _is_skeleton(attributes: Mapping[str, Any], channels: int) -> bool:
    """Tell whether channels are the coordinates of joints, as far as attributes, which may be anybody's, tell."""
    match attributes:
        case {"kind": "skeleton", "sample_shapes": [[int(joints), 3]]}:
            return channels == 3 * joints
    return False


def _lines(encoding: Encoding, series: NDArray[Any]) -> Stream:
    thinned = series[:: max(1, len(series) // _POINTS)]
    return Stream(encoding.modality, lines=thinned.tolist())


def _poses(encoding: Encoding, series: NDArray[Any]) -> Stream:
    import numpy as np

    from pipeline.inspect.drawing.bones import bones, joint_names

    joints = series.reshape(len(series), -1, 3)
    pairs = bones(joint_names(encoding.source, encoding.stream, joints.shape[1]), joints)
    at = np.linspace(0, len(joints) - 1, _POSES + 2)[1:-1].round().astype(np.int64)
    return Stream(encoding.modality, poses=joints[at][:, :, :2].tolist(), bones=pairs)
