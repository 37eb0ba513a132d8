"""UTD-MHAD (Chen, Jafari, Kehtarnavaz, ICIP 2015): 27 actions, 8 subjects, 4 trials, four kinds of sensor.

On disk: ``RGB/a1_s1_t1_color.avi`` and ``{Depth,Skeleton,Inertial}/a1_s1_t1_{depth,skeleton,inertial}.mat``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series, Video
from pipeline.sources.broken_file import for_recording
from pipeline.sources.folder_listing import StreamFiles, gather, list_folder, no_recordings_message, sorted_listing
from pipeline.sources.formats import mat
from pipeline.sources.formats.video import VideoFile
from pipeline.sources.joint_parents import parents_by_name
from pipeline.sources.skeletons import layout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES = (
    "swipe_left", "swipe_right", "wave", "clap", "throw", "arm_cross", "basketball_shoot",
    "draw_x", "draw_circle_cw", "draw_circle_ccw", "draw_triangle", "bowling", "boxing",
    "baseball_swing", "tennis_swing", "arm_curl", "tennis_serve", "push", "knock", "catch",
    "pickup_throw", "jog", "walk", "sit_to_stand", "stand_to_sit", "lunge", "squat",
)  # fmt: skip

_FORCE, _TURNING = ("g",) * 3, ("deg/s",) * 3

MODALITIES: Mapping[str, Modality] = {
    "rgb": Modality("video", ("rgb",), 30.0),
    "depth": Modality("video", ("depth",), 30.0),
    "skeleton": Modality("skeleton", ("skeleton",), 30.0, units=("m",)),
    "inertial": Modality("series", ("inertial",), 50.0, units=_FORCE + _TURNING),
    "accelerometer": Modality("series", ("inertial",), 50.0, channels=(0, 1, 2), units=_FORCE),
    "gyroscope": Modality("series", ("inertial",), 50.0, channels=(3, 4, 5), units=_TURNING),
}

FILES = {  # stream: folder, end of the file's name
    "rgb": ("RGB", "_color.avi"),
    "depth": ("Depth", "_depth.mat"),
    "skeleton": ("Skeleton", "_skeleton.mat"),
    "inertial": ("Inertial", "_inertial.mat"),
}
_ARRAYS = {
    "depth": mat.Expected("d_depth", (240, 320, None), "uint16"),
    "skeleton": mat.Expected("d_skel", (20, 3, None)),
    "inertial": mat.Expected("d_iner", (None, 6)),
}
Trial = tuple[int, int, int]  # action, subject, trial
EXPECTED = "RGB, Depth, Skeleton or Inertial with files like a1_s1_t1_inertial.mat"
_NOT_DATA = {"Skeleton_joint_order.txt"}  # comes with the dataset


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``source:`` takes beside its name."""

    root: str


class UtdMhad:
    """Reader of UTD-MHAD's layout; `root` is that of the parameters, resolved.

    It holds RGB, Depth, Skeleton and Inertial, or some of them.
    """

    name: str = "utd-mhad"
    classes: tuple[str, ...] = CLASSES
    releases_lock = True
    modalities: Mapping[str, Modality] = MODALITIES

    def __init__(self, root: Path, params: Params | None = None) -> None:
        self.root = root
        self.params = params

    def list(self) -> Listing:
        """List the recordings that any of the four folders names; see `Source.list`."""
        streams, unparsed = gather(self._files())
        if not streams:
            raise ConfigError(no_recordings_message(self.name, self.root, unparsed, EXPECTED))
        return sorted_listing((row(self.classes, key, files) for key, files in streams.items()), unparsed)

    def skeleton_joints(self, modality: str) -> Mapping[str, Sequence[int]]:
        """Return the joint that each joint hangs on; encode's defaults are this order's otherwise."""
        return {"parents": parents_by_name(layout("utd-mhad").joints)}

    def _files(self) -> Iterator[StreamFiles[Trial]]:
        for stream, (folder, end) in FILES.items():
            pattern = re.compile(r"a([1-9]\d*)_s([1-9]\d*)_t([1-9]\d*)" + re.escape(end))
            for file, problem in list_folder(self.root, folder):
                if file in _NOT_DATA:
                    continue
                match = pattern.fullmatch(file)
                owner = self._parse(match) if match else f"not named like a1_s1_t1{end}"
                yield stream, (f"{folder}/{file}",), problem or owner

    def _parse(self, match: re.Match[str]) -> Trial | str:
        """Return the trial that a name gives, or why it cannot be one."""
        action, subject, trial = map(int, match.groups())
        if action > len(self.classes):
            return f"action {action} is not one of 1..{len(self.classes)}"
        return action, subject, trial

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Check one stream: arrays of numbers in full, depth by its header, RGB to its first frame."""
        path, name = self._file(recording, stream)
        if stream == "rgb":
            return VideoFile(path, recording.id, stream, name).probe()
        if stream == "depth":
            with for_recording(recording.id, stream, name):
                height, width, length = mat.header(path, _ARRAYS[stream])
                return Probe(length, (height, width))
        return Probe.of(self.open_series(recording, stream))

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read the skeleton as (T, 20, 3) in metres, or the inertial unit as (T, 6) in g and deg/s."""
        import numpy as np

        path, name = self._file(recording, stream)
        with for_recording(recording.id, stream, name):
            values = mat.read(path, _ARRAYS[stream])
        # The file has (joint, axis, frame); series have time first.
        if stream == "skeleton":
            values = values.transpose(2, 0, 1)
        return Series(np.ascontiguousarray(values))

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Open the RGB video (one frame in memory) or the depth frames (the whole file in memory)."""
        path, name = self._file(recording, stream)
        if stream == "rgb":
            return VideoFile(path, recording.id, stream, name)
        with for_recording(recording.id, stream, name):
            return DepthFrames(mat.read(path, _ARRAYS[stream]))

    def _file(self, recording: Recording, stream: str) -> tuple[Path, str]:
        folder, end = FILES[stream]
        files = recording.streams.get(stream)
        if not files:
            name = f"{folder}/{re.sub('^a0*', 'a', recording.id)}{end}"
            raise BadRecording(recording.id, stream, name, "file is missing")
        return self.root / files[0], files[0]


class DepthFrames(Video):
    """Depth frames that are in memory as the file has them, (H, W, T) uint16 millimetres."""

    def __init__(self, values: NDArray[np.uint16]) -> None:
        self.loaded: NDArray[np.uint16] = values.transpose(2, 0, 1)
        self.length = len(self.loaded)

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[NDArray[np.uint16]]:
        """Yield each (wanted) frame as (H, W) uint16, in the file's order of memory: column after column."""
        for t in range(self.length) if wanted is None else wanted.tolist():
            yield self.loaded[t]


def row(classes: tuple[str, ...], key: Trial, streams: Mapping[str, tuple[str, ...]]) -> Recording:
    """Build the row of one (action, subject, trial)."""
    action, subject, trial = key
    return Recording(
        id=f"a{action:02d}_s{subject}_t{trial}",
        subject=str(subject),
        action=classes[action - 1],
        session=str(trial),
        streams=streams,
    )
