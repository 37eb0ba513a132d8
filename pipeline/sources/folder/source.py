"""A folder of one's own recordings, as the stages file describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.errors import BadRecording
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series, Video
from pipeline.sources.broken_file import for_recording
from pipeline.sources.folder.content import Content, label_column
from pipeline.sources.folder.listing.choice import columns_of
from pipeline.sources.folder.listing.files import find_files
from pipeline.sources.folder.listing.recordings import list_recordings
from pipeline.sources.folder.params import ROW, Column, Params, Stream
from pipeline.sources.folder.remembered import Remembered, lost_links

if TYPE_CHECKING:
    from pipeline.sources.folder.reading.cut import Span
    from pipeline.sources.folder.reading.whole import Reading
    from pipeline.sources.folder.skeleton import Skeleton


class Folder:
    """Reader of files that are described by YAML alone; `root` is that of the parameters, resolved."""

    name = "folder"
    releases_lock = True

    def __init__(self, root: Path, params: Params) -> None:
        self.root, self.params = root, params
        self.classes = params.classes
        self.modalities: Mapping[str, Modality] = _modalities(params)
        for stream, described in params.streams.items():
            if described.kind == "skeleton" and described.columns:
                from pipeline.sources.folder.skeleton import check_columns

                check_columns(stream, described)

    def list(self) -> Listing:
        """List recordings; the content of data files is read only where segments want it. Either is remembered."""
        if self.params.segments is not None or self.params.rows is not None:
            content = Content(self.root, self.params)
            try:
                return list_recordings(find_files(self.root, self.params), self.root, self.params, content, content)
            finally:
                content.save()
        remembered = Remembered(self.root, self.params)
        if (known := remembered.get()) is not None:
            return known
        found = find_files(self.root, self.params)
        lost = [*lost_links(self.root, found.folders)]
        listing = list_recordings(found, self.root, self.params)
        remembered.put(listing, found.folders, lost)
        return listing

    def recipe_of(self, streams: Iterable[str]) -> dict[str, Any]:
        """Return what the values of some streams depend on, beside their files and the recordings' stretches."""
        described = {stream: _recipe(self.params.streams[stream]) for stream in streams}
        labels = {stream: column for stream in described if (column := label_column(self.params, stream)) is not None}
        found: dict[str, Any] = {"clocks": self.params.clocks, "streams": described}
        if labels:
            found["label"] = labels
        if self.params.rows is not None:
            found["rows"] = True
        if self.params.segments is not None and self.params.segments.apart:
            found["apart"] = self.params.segments.apart
        return found

    def skeleton_joints(self, modality: str) -> dict[str, int | Sequence[int]]:
        """Return which joints encoding goes by, by the keys of its parameters; none where no layout says it.

        What each joint hangs on is among them where the names make one tree of all joints.
        """
        (stream,) = self.modalities[modality].streams
        skeleton = _skeleton(self.params.streams[stream])
        if skeleton is None:
            return {}
        parents = skeleton.parents
        return {**skeleton.named, **({"parents": parents} if parents else {})}

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Read a series whole, of a video the first frame."""
        if self.params.streams[stream].kind != "video":
            return Probe.of(self.open_series(recording, stream))
        from pipeline.sources.folder.reading.frames.video import probe_video

        return probe_video(self.open_video(recording, stream))

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read a series (T, C) or a skeleton (T, joints, 3), in g, deg/s and m; of the recording's stretch."""
        return self.open_reading(recording, stream).series

    def open_reading(self, recording: Recording, stream: str) -> Reading:
        """Read a series as `open_series` does, with what was found and assumed."""
        from pipeline.sources.folder.reading.read import read_series
        from pipeline.sources.folder.reading.whole import Reading

        files = self._files(recording, stream)
        with for_recording(recording.id, stream, files[0]):
            reading = read_series(
                [self.root / file for file in files],
                self.params.streams[stream],
                clocks=self.params.clocks,
                span=_span(recording),
                label=label_column(self.params, stream),
                row=None if self.params.rows is None else int(recording.columns[ROW]) - 1,
                apart=self._apart(recording),
            )
        skeleton = _skeleton(self.params.streams[stream])
        if skeleton is None:
            return reading
        series = reading.series
        return Reading(Series(skeleton.prepared(series.values), series.times), reading.notes, reading.labels)

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Open a video, or pictures; of the recording's stretch."""
        from pipeline.sources.folder.reading.frames.video import Owner, open_video

        files = self._files(recording, stream)
        return open_video(self.root, files, self.params.streams[stream], Owner(recording.id, stream), _span(recording))

    def _apart(self, recording: Recording) -> tuple[tuple[Column, str], ...]:
        """Return the columns that say which samples of a file are a recording's, with what they say."""
        apart = {} if self.params.segments is None else self.params.segments.apart
        known = columns_of(recording) if apart else {}
        return tuple((column, known[name]) for name, column in apart.items() if name in known)

    def _files(self, recording: Recording, stream: str) -> tuple[str, ...]:
        files = recording.streams.get(stream, ())
        if not files:
            raise BadRecording(recording.id, stream, recording.id, f"has no {stream} file")
        return files


def _recipe(stream: Stream) -> dict[str, Any]:
    """Return what a stream's values depend on beside its files, with lists as JSON has them."""
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(stream, files=())))
    return values


def _span(recording: Recording) -> Span | None:
    from pipeline.sources.folder.reading.cut import Span

    return None if recording.start is None and recording.end is None else Span(recording.start or 0.0, recording.end)


def _modalities(params: Params) -> dict[str, Modality]:
    """Return the modalities that are named, or else one for each stream."""
    if not params.modalities:
        return {
            name: Modality(each.kind, (name,), each.rate, units=_units([each], ()))
            for name, each in params.streams.items()
        }
    found = {}
    for name, each in params.modalities.items():
        first = params.streams[each.streams[0]]
        channels = tuple(channel - 1 for channel in each.channels)
        units = _units([params.streams[stream] for stream in each.streams], channels)
        found[name] = Modality(first.kind, each.streams, each.rate or first.rate, channels, units)
    return found


_AS_READ: Mapping[str, str] = {"m/s2": "g", "mg": "g", "rad/s": "deg/s", "mm": "m", "cm": "m"}  # others stay


def _units(streams: Sequence[Stream], channels: Sequence[int]) -> tuple[str, ...]:
    """Return the units that channels of joined streams have once they are read; none where it is said of none."""
    if any(each.kind == "skeleton" and not each.joints for each in streams):
        return ()  # nor is it known which axis points up
    declared = [[each.units] if isinstance(each.units, str) else [*each.units] for each in streams]
    read = [[_AS_READ.get(unit, unit) for unit in units] for units in declared]
    of_all = {unit for units in read for unit in units}
    if len(of_all) == 1:
        return tuple(of_all - {"raw"})
    found: list[str] = []
    for stream, units in zip(streams, read, strict=True):
        if len(units) == 1 and not stream.columns:
            return ()
        found += units * len(stream.columns) if len(units) == 1 else units
    if channels:
        return tuple(found[at] for at in channels) if max(channels) < len(found) else ()
    return tuple(found)


def _skeleton(stream: Stream) -> Skeleton | None:
    """Return what is known of a stream's skeleton; None where it is none, or no layout is said."""
    if stream.kind != "skeleton" or not stream.joints:
        return None
    from pipeline.sources.folder.skeleton import Skeleton

    return Skeleton.of(stream)
