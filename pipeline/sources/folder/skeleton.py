"""A skeleton as encoding wants it: y points up, and there are joints in the middle of hips and of shoulders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.file_format import format_of
from pipeline.sources.joint_parents import parents_by_name
from pipeline.sources.skeletons import Up, chosen_joints, layout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Of which axis, and with which sign, x, y and z are made, so that what points up becomes y; turned, never mirrored.
_UPRIGHT: Mapping[Up, tuple[tuple[int, int], ...]] = {
    "y": ((0, 1), (1, 1), (2, 1)),
    "-y": ((0, 1), (1, -1), (2, -1)),
    "z": ((0, 1), (2, 1), (1, -1)),
    "-z": ((0, 1), (2, -1), (1, 1)),
    "x": ((1, -1), (0, 1), (2, 1)),
    "-x": ((1, 1), (0, -1), (2, 1)),
}


@dataclass(frozen=True)
class Skeleton:
    """What a layout says of a stream's joints.

    Attributes
    ----------
    named
        Numbers of the joints that encoding goes by, by the keys of its parameters.
    pairs
        Joints that are added behind all others: each is the middle between two.
    up
        The direction that points up in the files.
    joints
        Names of all joints, with those that are added.
    """

    named: dict[str, int]
    pairs: tuple[tuple[int, int], ...]
    up: Up
    joints: tuple[str, ...] = ()

    @classmethod
    def of(cls, stream: Stream) -> Skeleton:
        """Return what is known of a stream that says its joints."""
        known = layout(stream.joints)
        if stream.columns and not _is_table(stream):
            known = known.only(chosen_joints(stream.joints, len(known.joints), stream.columns))
        named: dict[str, int] = {}
        pairs: list[tuple[int, int]] = []
        for name in ("hip_centre", "shoulder_centre"):
            joints = getattr(known, name)
            if len(joints) == 1:
                named[name] = joints[0]
            elif len(joints) == 2:
                named[name] = len(known.joints) + len(pairs)
                pairs.append(joints)
        sides = {name: getattr(known, name) for name in ("left_shoulder", "right_shoulder")}
        named |= {name: joint for name, joint in sides.items() if joint is not None}
        added = tuple(name for name, joint in named.items() if joint >= len(known.joints))
        return cls(named, tuple(pairs), stream.up or known.up, known.joints + added)

    @property
    def parents(self) -> tuple[int, ...]:
        """The number of each joint's parent, the root's own for the root; empty where names make no one tree."""
        found = parents_by_name(self.joints)
        return found if sum(parent == joint for joint, parent in enumerate(found)) == 1 else ()

    def prepared(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (T, joints, 3), upright, with the middles of pairs behind."""
        import numpy as np

        if self.up != "y":
            axes, signs = zip(*_UPRIGHT[self.up], strict=True)
            joints = joints[:, :, list(axes)] * np.array(signs, np.float64)
        middles = [(joints[:, one] + joints[:, other]) / 2 for one, other in self.pairs]
        return np.concatenate([joints, np.stack(middles, axis=1)], axis=1) if middles else joints


def check_columns(name: str, stream: Stream) -> None:
    """Raise ConfigError where the columns that are chosen of a skeleton's tables are not x, y and z of its joints."""
    count = len(stream.columns)
    if not count or not _is_table(stream):
        return
    try:
        joints = len(layout(stream.joints).joints) if stream.joints else None
    except ValueError as error:
        raise ConfigError(f"source.streams.{name}.joints: {error}") from None
    if count % 3 or count < 6 or (joints is not None and count != 3 * joints):
        wanted = "x, y and z of each joint" if joints is None else f"{3 * joints}: x, y and z of {joints} joints"
        raise ConfigError(
            f"source.streams.{name}.columns: names {count} columns of a skeleton, wanted {wanted}\n"
            "  name them joint by joint, or say kind: series"
        )


def _is_table(stream: Stream) -> bool:
    """Tell whether a stream's files are tables, whose columns are no joints."""
    files = stream.files if isinstance(stream.files, str) else next(iter(stream.files), "")
    try:
        return format_of(Path(files or "table.csv"), stream.format) in ("csv", "parquet", "excel")
    except BrokenFileError:  # a pattern without an end that is known
        return False
