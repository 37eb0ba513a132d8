"""The reader of MMAct's layout.

On disk, under the root: ``trimmed_*/subject1/cam1/scene1/session1/carrying.mp4``, and for each sensor
``{acc_phone,acc_watch,gyro,orientation}_clip/subject1/scene1/session1/carrying.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series, Unparsed
from pipeline.sources.broken_file import for_recording
from pipeline.sources.folder_listing import StreamFiles, gather, list_names, no_recordings_message, sorted_listing, walk
from pipeline.sources.formats.mp4 import check_whole
from pipeline.sources.formats.video import VideoFile
from pipeline.sources.mmact import sensor_csv
from pipeline.sources.mmact.layout import (
    CLASSES,
    MODALITIES,
    SENSOR_EXAMPLE,
    SENSOR_FILE,
    SENSORS,
    VIDEO_EXAMPLE,
    VIDEO_FILE,
    VIDEOS,
)

Camera = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``source:`` takes beside its name.

    Attributes
    ----------
    root
        The folder that holds ``trimmed_*`` and the sensors' folders, or some of them.
    views
        Cameras to list, or ``all``. The cameras of a clip share its sensors, so that each of several is one more
        recording with the same sensor data; the default lists every clip once.
    """

    root: str
    views: Literal["all"] | Annotated[tuple[Camera, ...], msgspec.Meta(min_length=1)] = (1,)


class Clip(NamedTuple):
    """One action of one subject, seen by several cameras."""

    subject: int
    scene: int
    session: int
    action: str


View = tuple[Clip, int | None]  # a clip and the camera that saw it; None for its sensors, which all cameras share


class Mmact:
    """Reader of MMAct's layout.

    A recording is a clip as one camera sees it, with its video and the clip's sensors. A clip without any video of
    the chosen cameras is one recording without a view, of sensors alone.
    `root` is that of the parameters, resolved; without parameters, the others are the default ones.
    """

    name: str = "mmact"
    classes: tuple[str, ...] = CLASSES
    releases_lock = True
    modalities: Mapping[str, Modality] = MODALITIES

    def __init__(self, root: Path, params: Params | None = None) -> None:
        self.root = root
        self.params = params or Params(str(root))

    def list(self) -> Listing:
        """List the clips that any folder names, for each chosen camera; see `Source.list`."""
        streams, unparsed = gather(self._files())
        recordings = [*self._recordings(streams)]
        if not recordings:
            cameras = sorted({camera for _, camera in streams if camera is not None})
            raise ConfigError(self._no_recordings_message(unparsed, cameras))
        return sorted_listing(recordings, unparsed)

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Check one stream: sensors in full, a video by its length, its packets and its first frame."""
        if stream in SENSORS:
            return Probe.of(self.open_series(recording, stream))
        return self.open_video(recording, stream).probe()

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read a sensor as (T, 3): m/s2, for the gyroscope and the orientation as the file has them."""
        path, name = self._file(recording, stream)
        with for_recording(recording.id, stream, name):
            return sensor_csv.read(path)

    def open_video(self, recording: Recording, stream: str) -> VideoFile:
        """Open the video; one frame is in memory at a time."""
        path, name = self._file(recording, stream)
        with for_recording(recording.id, stream, name):
            check_whole(path)
        return VideoFile(path, recording.id, stream, name)

    def _recordings(self, streams: Mapping[View, Mapping[str, tuple[str, ...]]]) -> Iterator[Recording]:
        """Yield a recording for each chosen camera of a clip, or one of its sensors alone where no camera saw it."""
        clips: dict[Clip, dict[int | None, Mapping[str, tuple[str, ...]]]] = {}
        for (clip, camera), files in streams.items():
            clips.setdefault(clip, {})[camera] = files
        for clip, views in clips.items():
            sensors = views.pop(None, {})
            chosen = [camera for camera in views if self.params.views == "all" or camera in self.params.views]
            for camera in chosen:
                yield row(clip, camera, {**views[camera], **sensors})
            if sensors and not chosen:
                yield row(clip, None, sensors)

    def _file(self, recording: Recording, stream: str) -> tuple[Path, str]:
        files = recording.streams.get(stream)
        if files:
            return self.root / files[0], files[0]
        subject, scene, session = f"subject{recording.subject}", f"scene{recording.scene}", recording.session
        folder = f"{SENSORS[stream]}/{subject}" if stream in SENSORS else f"{VIDEOS}*/{subject}/cam*"
        end = "csv" if stream in SENSORS else "mp4"
        name = f"{folder}/{scene}/session{session}/{recording.action}.{end}"
        raise BadRecording(recording.id, stream, name, "file is missing")

    def _files(self) -> Iterator[StreamFiles[View]]:
        """Yield each file in an order that no file system decides: where two name one view, the first is taken."""
        folders = sorted(name for name in list_names(self.root, "") if name.startswith(VIDEOS))
        for stream, folder in [*SENSORS.items(), *(("rgb", folder) for folder in folders)]:
            files = sorted(
                (f"{inside}/{name}", problem) for inside, found in walk(self.root, folder) for name, problem in found
            )
            yield from ((stream, (path,), problem or parse(stream, path)) for path, problem in files)

    def _no_recordings_message(self, unparsed: Sequence[Unparsed], cameras: Sequence[int]) -> str:
        if cameras:
            present = ", ".join(map(str, cameras))
            return f"source.views: no clip in {self.root} has one of these views; there are {present}, or set it to all"
        expected = f"{VIDEOS}*/{VIDEO_EXAMPLE} or {SENSORS['acc_phone']}/{SENSOR_EXAMPLE}"
        return no_recordings_message("MMAct", self.root, unparsed, expected)


def parse(stream: str, path: str) -> View | str:
    """Return the clip and the camera that a path names, or why it names none."""
    pattern, example = (VIDEO_FILE, VIDEO_EXAMPLE) if stream == "rgb" else (SENSOR_FILE, SENSOR_EXAMPLE)
    match = pattern.fullmatch(path.partition("/")[2])
    if match is None:
        return f"not named like {example}"
    action = match["action"].lower()  # some clips are called Carrying_light
    if action not in CLASSES:
        return f"{match['action']!r} is not one of the {len(CLASSES)} actions"
    clip = Clip(int(match["subject"]), int(match["scene"]), int(match["session"]), action)
    return clip, int(match["cam"]) if stream == "rgb" else None


def row(clip: Clip, camera: int | None, streams: Mapping[str, tuple[str, ...]]) -> Recording:
    """Build the row of one clip as one camera saw it."""
    view = "" if camera is None else f"_cam{camera}"
    return Recording(
        id=f"s{clip.subject:02d}_scene{clip.scene}_session{clip.session}_{clip.action}{view}",
        subject=str(clip.subject),
        action=clip.action,
        session=str(clip.session),
        scene=str(clip.scene),
        view=None if camera is None else str(camera),
        streams=streams,
    )
