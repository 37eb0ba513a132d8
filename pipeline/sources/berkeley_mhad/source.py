"""The reader of Berkeley-MHAD's layout.

On disk, under the root: ``Accelerometer/Shimmer01/acc_h01_s01_a01_r01.txt``, and for each camera
``Camera/Cluster01/Cam01/S01/A01/R01/img_l01_c01_s01_a01_r01_00000.pgm``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series, Video
from pipeline.sources.berkeley_mhad import shimmer
from pipeline.sources.berkeley_mhad.layout import (
    CLASSES,
    EXAMPLE,
    FRAME,
    MODALITIES,
    SENSORS,
    TRIAL,
    TRIAL_FOLDER,
    camera_folder,
    sensor_file,
    trial,
)
from pipeline.sources.broken_file import for_recording
from pipeline.sources.folder_listing import (
    StreamFiles,
    gather,
    list_folder,
    no_recordings_message,
    sorted_listing,
    walk,
)
from pipeline.sources.formats.pgm import GreyFrames

Trial = tuple[int, int, int]  # subject, action, repetition


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``source:`` takes beside its name.

    Attributes
    ----------
    root
        The folder that holds Accelerometer and Camera, or one of them.
    camera
        The one whose frames are `rgb`: cluster and number as in the files' names.
    limit
        Largest acceleration on an axis, in g, that is taken for one; see `shimmer.read`. All values that a
        sensor can send lie within 2 g.
    """

    root: str
    camera: Annotated[str, msgspec.Meta(pattern="^l0[1-4]_c0[1-4]$")] = "l01_c01"
    limit: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = 2.0


class BerkeleyMhad:
    """Reader of Berkeley-MHAD's layout.

    `root` is that of the parameters, resolved; without parameters, the others are the default ones.
    """

    name: str = "berkeley-mhad"
    classes: tuple[str, ...] = CLASSES
    releases_lock = True
    modalities: Mapping[str, Modality] = MODALITIES

    def __init__(self, root: Path, params: Params | None = None) -> None:
        self.root = root
        self.params = params or Params(str(root))

    def list(self) -> Listing:
        """List the trials that a sensor or the chosen camera has; see `Source.list`."""
        streams, unparsed = gather([*self._sensors(), *self._frames()])
        if not streams:
            camera = camera_folder(self.params.camera)
            expected = f"{sensor_file(1, EXAMPLE)} and the like, or {camera}/S01/A01/R01/*.pgm"
            raise ConfigError(no_recordings_message(self.name, self.root, unparsed, expected))
        return sorted_listing((row(key, files) for key, files in streams.items()), unparsed)

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Check one stream: a sensor in full, frames by their number and the first one."""
        if stream in SENSORS:
            return Probe.of(self.open_series(recording, stream))
        frames = self.open_video(recording, stream)
        return Probe(frames.length, tuple(next(iter(frames.frames())).shape))

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read a sensor as (T, 3) in g at its own times; see `shimmer.read`."""
        (name,) = self._files(recording, stream)
        with for_recording(recording.id, stream, name):
            return shimmer.read(self.root / name, self.params.limit)

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Open the camera's frames; one is in memory at a time."""
        return GreyFrames(self.root, self._files(recording, stream), recording.id, stream)

    def _files(self, recording: Recording, stream: str) -> tuple[str, ...]:
        files = recording.streams.get(stream)
        if files:
            return files
        if stream in SENSORS:
            name = sensor_file(SENSORS[stream], recording.id)
        else:
            folder = recording.id.upper().replace("_", "/")
            name = f"{camera_folder(self.params.camera)}/{folder}/img_{self.params.camera}_{recording.id}_00000.pgm"
        raise BadRecording(recording.id, stream, name, "file is missing")

    def _sensors(self) -> Iterator[StreamFiles[Trial]]:
        for stream, number in SENSORS.items():
            folder, _, example = sensor_file(number, EXAMPLE).rpartition("/")
            for file, problem in list_folder(self.root, folder):
                path, match = f"{folder}/{file}", TRIAL.search(file)
                good = match is not None and file == example.replace(EXAMPLE, match[0])
                yield stream, (path,), problem or (parse(match) if match and good else f"not named like {example}")

    def _frames(self) -> Iterator[StreamFiles[Trial]]:
        """Yield the frames of each trial together; their numbers have leading zeros, so that names sort."""
        camera = camera_folder(self.params.camera)
        for folder, files in walk(self.root, camera):
            match = TRIAL_FOLDER.fullmatch(folder.removeprefix(f"{camera}/"))
            owner = parse(match) if match else f"not in a folder like {camera}/S01/A01/R01"
            yield from (("rgb", (f"{folder}/{file}",), problem) for file, problem in files if problem)
            paths = {file: f"{folder}/{file}" for file, problem in sorted(files) if not problem}
            if isinstance(owner, str):
                yield from (("rgb", (path,), owner) for path in paths.values())
                continue
            start = f"img_{self.params.camera}_{trial(*owner)}_"
            frames = {file: path for file, path in paths.items() if FRAME.fullmatch(file.removeprefix(start))}
            for file in paths.keys() - frames.keys():
                yield "rgb", (paths[file],), f"not named like {start}00000.pgm"
            if frames:
                yield "rgb", tuple(frames.values()), owner


def parse(match: re.Match[str]) -> Trial | str:
    """Return the trial that a name gives, or why it cannot be one."""
    subject, action, repetition = (int(number) for number in match.groups())
    if action > len(CLASSES):
        return f"action {action} is not one of 1..{len(CLASSES)}"
    return subject, action, repetition


def row(key: Trial, streams: Mapping[str, tuple[str, ...]]) -> Recording:
    """Build the row of one trial."""
    subject, action, repetition = key
    return Recording(
        id=trial(subject, action, repetition),
        subject=str(subject),
        action=CLASSES[action - 1],
        session=str(repetition),
        streams=streams,
    )
