"""The reader of MMAct's layout.

On disk, under the root: ``trimmed_*/subject1/cam1/scene1/session1/carrying.mp4``, and for each sensor
``{acc_phone,acc_watch,gyro,orientation}_clip/subject1/scene1/session1/carrying.csv``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series, Unparsed
from pipeline.sources.broken_file import for_recording
from pipeline.sources.folder_listing import names, no_recordings_message, walk
from pipeline.sources.formats.video import VideoFile
from pipeline.sources.mmact import rows
from pipeline.sources.mmact.mp4 import check_whole
from pipeline.sources.mmact.names import (
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


class Mmact:
    """Reader of MMAct's layout.

    A recording is a clip as one camera sees it, with its video and the clip's sensors. A clip without any video of
    the chosen cameras is one recording without a view, of sensors alone.

    Parameters
    ----------
    root
        As in `Params`, resolved.
    params
        As the stages file gave them.
    """

    name: str = "mmact"
    classes: tuple[str, ...] = CLASSES
    modalities: Mapping[str, Modality] = MODALITIES

    def __init__(self, root: Path, params: Params | None = None) -> None:
        self.root = root
        self.params = params or Params(str(root))

    def list(self) -> Listing:
        """List the clips that any folder names, for each chosen camera; see `Source.list`."""
        clips: dict[Clip, dict[str | int, str]] = {}  # a clip's files, by stream or camera
        unparsed: list[Unparsed] = []
        for stream, path, unreadable in self._files():
            clip, camera, problem = parse(stream, path)
            if clip is None or unreadable:
                unparsed.append(Unparsed(stream, path, unreadable or problem))
                continue
            first = clips.setdefault(clip, {}).setdefault(stream if camera is None else camera, path)
            if first != path:
                unparsed.append(Unparsed(stream, path, f"names the same clip as {first}"))
        recordings = [recording for clip, files in clips.items() for recording in self._views(clip, files)]
        if not recordings:
            raise ConfigError(self._nothing(unparsed, {each for files in clips.values() for each in files}))
        recordings.sort(key=lambda each: each.id)
        return Listing(tuple(recordings), tuple(sorted(unparsed, key=lambda each: each.path)))

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Check one stream: sensors in full, a video by its length, its packets and its first frame."""
        if stream in SENSORS:
            return Probe.of(self.open_series(recording, stream))
        return self.open_video(recording, stream).probe()

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read a sensor as (T, 3): m/s2, for the gyroscope and the orientation as the file has them."""
        path, name = self._file(recording, stream)
        with for_recording(recording.id, stream, name):
            return rows.read(path)

    def open_video(self, recording: Recording, stream: str) -> VideoFile:
        """Open the video; one frame is in memory at a time."""
        path, name = self._file(recording, stream)
        with for_recording(recording.id, stream, name):
            check_whole(path)
        return VideoFile(path, recording.id, stream, name)

    def _views(self, clip: Clip, files: Mapping[str | int, str]) -> Iterator[Recording]:
        chosen = self.params.views
        sensors = {key: (path,) for key, path in files.items() if isinstance(key, str)}
        seen = {key: (path,) for key, path in files.items() if not isinstance(key, str)}
        wanted = [camera for camera in sorted(seen) if chosen == "all" or camera in chosen]
        for camera in wanted:
            yield row(clip, camera, {"rgb": seen[camera], **sensors})
        if sensors and not wanted:
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

    def _files(self) -> Iterator[tuple[str, str, str]]:
        """Yield each file's stream, its path relative to the root, and why it cannot be read where it cannot.

        In an order that no file system decides.
        """
        folders = sorted(name for name in names(self.root, "") if name.startswith(VIDEOS))
        for stream, folder in [*SENSORS.items(), *(("rgb", folder) for folder in folders)]:
            found = (
                (f"{inside}/{name}", problem) for inside, files in walk(self.root, folder) for name, problem in files
            )
            yield from ((stream, path, problem) for path, problem in sorted(found))

    def _nothing(self, unparsed: Sequence[Unparsed], found: Collection[str | int]) -> str:
        if found:
            there = ", ".join(str(camera) for camera in sorted(found, key=str))
            return f"source.views: no clip in {self.root} has one of these views; there are {there}, or set it to all"
        expected = f"{VIDEOS}*/{VIDEO_EXAMPLE} or {SENSORS['acc_phone']}/{SENSOR_EXAMPLE}"
        return no_recordings_message("MMAct", self.root, unparsed, expected)


def parse(stream: str, path: str) -> tuple[Clip | None, int | None, str]:
    """Return the clip and the camera that a path names; without a clip, why not."""
    pattern, example = (VIDEO_FILE, VIDEO_EXAMPLE) if stream == "rgb" else (SENSOR_FILE, SENSOR_EXAMPLE)
    found = pattern.fullmatch(path.partition("/")[2])
    if found is None:
        return None, None, f"not named like {example}"
    action = found["action"].lower()  # some clips are called Carrying_light
    if action not in CLASSES:
        return None, None, f"{found['action']!r} is not one of the {len(CLASSES)} actions"
    clip = Clip(int(found["subject"]), int(found["scene"]), int(found["session"]), action)
    return clip, int(found["cam"]) if stream == "rgb" else None, ""


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
