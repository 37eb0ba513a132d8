"""What only the content of long files says of their recordings; remembered in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline.errors import ConfigError
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.segments import Stretch
from pipeline.sources.folder.params import Column, Params

if TYPE_CHECKING:
    from pipeline.sources.folder.reading.read import Reading


_GAP = 5  # nominal steps: a longer one is a gap


class _Seen(msgspec.Struct, frozen=True):
    """What a stream's files were found to say, as long as they look as they did: sizes, times and inodes."""

    state: list[tuple[int, int, int]]
    stretches: list[tuple[float, float, str | None]]


class Content:
    """Reads files to tell what lies in them; see `pipeline.sources.folder.listing.segments.Look`."""

    def __init__(self, root: Path, params: Params) -> None:
        self._root, self._params = root, params
        described = msgspec.json.encode([params.streams, params.segments, params.clocks])
        place = os.fsencode(os.path.realpath(root))
        self._file = cache_folder() / "folder" / f"{hashlib.sha256(place + described).hexdigest()[:24]}.cache"
        self._seen = self._load()

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        """See `Look`."""
        (found,) = self._of("span", stream, paths)
        return found

    def labelled(self, stream: str, paths: tuple[str, ...]) -> Sequence[Stretch]:
        """See `Look`."""
        return self._of("labels", stream, paths)

    def save(self) -> None:
        """Remember what was read; losing it costs only time."""
        write_cache(self._file, msgspec.json.encode(self._seen))

    def _of(self, what: str, stream: str, paths: tuple[str, ...]) -> list[Stretch]:
        name = "\n".join((what, stream, *paths))
        status = [os.stat(self._root / path) for path in paths]
        state = [(each.st_size, each.st_mtime_ns, each.st_ino) for each in status]
        seen = self._seen.get(name)
        if seen is None or seen.state != state:
            found = self._read(what, stream, paths)
            seen = self._seen[name] = _Seen(state, [(each.start, each.end, each.label) for each in found])
        return [Stretch(*each) for each in seen.stretches]

    def _read(self, what: str, stream: str, paths: tuple[str, ...]) -> list[Stretch]:
        try:
            return self._spans(what, stream, paths)
        except BrokenFileError as error:
            remedy = "it is to say which recordings lie in it: repair it, or `ignore` it"
            raise ConfigError(f"{self._root / paths[0]}: {error}\n  {remedy}") from None

    def _spans(self, what: str, stream: str, paths: tuple[str, ...]) -> list[Stretch]:
        described = self._params.streams[stream]
        if described.kind == "video":
            from pipeline.sources.folder.reading.frames.video import Owner, open_video

            video = open_video(self._root, paths, described, Owner("", stream))
            return [Stretch(described.offset, described.offset + video.length / described.rate)]
        from pipeline.sources.folder.reading.cut import Span
        from pipeline.sources.folder.reading.read import read_series

        column = label_column(self._params, stream)
        files = [self._root / path for path in paths]
        reading = read_series(files, described, clocks=self._params.clocks, span=Span(), label=column)
        times = _times(reading, described.rate)
        if what == "span":
            return [Stretch(times[0], times[-1])]
        return _runs(reading, times, described.rate)

    def _load(self) -> dict[str, _Seen]:
        try:
            return msgspec.json.decode(read_cache(self._file) or b"{}", type=dict[str, _Seen])
        except msgspec.DecodeError:  # of another version
            return {}


def label_column(params: Params, stream: str) -> Column | None:
    """Return the column of a stream's files that has labels, and so no values."""
    segments = params.segments
    if segments is None or segments.column is None:
        return None
    return segments.column if (segments.stream or next(iter(params.streams))) == stream else None


def _times(reading: Reading, rate: float) -> list[float]:
    """Return when each sample is, and one time more: when the last one ends."""
    series = reading.series
    if series.times is None:
        return [number / rate for number in range(len(series.values) + 1)]
    return [*series.times.tolist(), float(series.times[-1]) + 1 / rate]


def _runs(reading: Reading, times: Sequence[float], rate: float) -> list[Stretch]:
    """Return the stretches of samples that have one label, which is not empty; a gap between two is of neither."""
    assert reading.labels is not None
    stretches, begin = [], 0
    labels = [str(label) for label in reading.labels.tolist()]
    for at in range(1, len(labels) + 1):
        if at == len(labels) or labels[at] != labels[begin]:
            if labels[begin].strip():
                last = times[at - 1]
                end = times[at] if times[at] <= last + _GAP / rate else last + 1 / rate
                stretches.append(Stretch(times[begin], end, labels[begin]))
            begin = at
    return stretches
