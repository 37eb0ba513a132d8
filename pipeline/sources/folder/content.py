"""What only the content of long files says of their recordings; remembered in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.errors import BadRecording
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.segments import Stretch
from pipeline.sources.folder.params import Column, Params, RowColumn

if TYPE_CHECKING:
    from pipeline.sources.folder.reading.whole import Reading


_Span = tuple[float, float, str | None, dict[str, str]]  # start, end, label, further columns
_GAP = 5  # nominal steps: a longer one is a gap


class _Seen(msgspec.Struct, frozen=True):
    """What files were found to say, as long as they look as they did: sizes, times of changes and inodes."""

    state: list[tuple[int, int, int, int]]
    found: list[Any] = []
    problem: str = ""  # why they cannot be read: of this process alone: a missing package may be installed


class Content:
    """Reads files to tell what lies in them; see `Look` of listing/segments.py and `LookIntoRows` of array_rows.py."""

    def __init__(self, root: Path, params: Params) -> None:
        self._root, self._params = root, params
        described = msgspec.json.encode([params.streams, params.segments, params.clocks, params.rows])
        place = os.fsencode(os.path.realpath(root))
        self._file = cache_folder() / "folder" / f"{hashlib.sha256(place + described).hexdigest()[:24]}.content"
        self._seen = self._load()
        self._changed = False

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        """See `Look`."""
        (found,) = self._of(f"span {stream}", paths, partial(self._spans, "span", stream, paths))
        return Stretch(*found)

    def labelled(self, stream: str, paths: tuple[str, ...]) -> Sequence[Stretch]:
        """See `Look`."""
        found = self._of(f"labels {stream}", paths, partial(self._spans, "labels", stream, paths))
        return [Stretch(*each) for each in found]

    def count(self, stream: str, paths: tuple[str, ...]) -> int:
        """See `LookIntoRows`."""
        (found,) = self._of(f"rows {stream}", paths, partial(self._count, stream, paths))
        return int(found)

    def values(self, path: str, described: RowColumn) -> Sequence[str]:
        """See `LookIntoRows`."""
        from pipeline.sources.folder.reading.stack import read_column

        return self._of(f"{described}", (path,), partial(read_column, self._root / path, described))

    def save(self) -> None:
        """Remember what was read; losing it costs only time."""
        if self._changed:
            kept = {name: seen for name, seen in self._seen.items() if not seen.problem}
            write_cache(self._file, msgspec.json.encode(kept))

    def _of(self, what: str, paths: tuple[str, ...], read: Callable[[], Sequence[Any]]) -> list[Any]:
        """Return what files say, which is read where they changed; BrokenFileError where they cannot be read."""
        name = "\n".join((what, *paths))
        status = [os.stat(self._root / path) for path in paths]
        state = [(each.st_size, each.st_mtime_ns, each.st_ctime_ns, each.st_ino) for each in status]
        seen = self._seen.get(name)
        if seen is None or seen.state != state:
            try:
                seen = _Seen(state, [*read()])
            except (BrokenFileError, BadRecording) as error:  # the latter of a video
                seen = _Seen(state, [], error.reason if isinstance(error, BadRecording) else str(error))
            self._seen[name] = seen
            self._changed |= not seen.problem
        if seen.problem:
            raise BrokenFileError(seen.problem)
        return seen.found

    def _count(self, stream: str, paths: tuple[str, ...]) -> list[int]:
        from pipeline.sources.folder.reading.stack import count_rows

        counts = {path: count_rows(self._root / path, self._params.streams[stream]) for path in paths}
        if len({*counts.values()}) > 1:
            listed = ", ".join(f"{path} {count}" for path, count in counts.items())
            raise BrokenFileError(f"is one of several files of {stream} that have other numbers of rows: {listed}")
        return [counts[paths[0]]]

    def _spans(self, what: str, stream: str, paths: tuple[str, ...]) -> list[_Span]:
        described = self._params.streams[stream]
        if described.kind == "video":
            from pipeline.sources.folder.reading.frames.video import Owner, open_video

            video = open_video(self._root, paths, described, Owner("", stream))
            return [(described.offset, described.offset + video.length / described.rate, None, {})]
        from pipeline.sources.folder.reading.cut import Span
        from pipeline.sources.folder.reading.read import read_series, values_of

        label = label_column(self._params, stream)
        files = [self._root / path for path in paths]
        names = {} if self._params.segments is None else self._params.segments.apart
        found: list[_Span] = []
        for values in values_of(files, described, [*names.values()], label) if names else [()]:
            apart = tuple(zip(names.values(), values, strict=True))
            clocks = self._params.clocks
            reading = read_series(files, described, clocks=clocks, span=Span(), label=label, check=False, apart=apart)
            times, whose = _times(reading, described.rate), dict(zip(names, values, strict=True))
            if what == "span" or label is None:
                found.append((times[0], times[-1], None, whose))
            else:
                found += [(*run, whose) for run in _runs(reading, times, described.rate)]
        return found

    def _load(self) -> dict[str, _Seen]:
        try:
            return msgspec.json.decode(read_cache(self._file) or b"{}", type=dict[str, _Seen])
        except msgspec.DecodeError:  # of another version
            return {}


def label_column(params: Params, stream: str) -> Column | None:
    """Return the column of a stream's files that has labels, and so no values."""
    segments = params.segments
    if segments is None or segments.label is None:
        return None
    return segments.label if (segments.stream or next(iter(params.streams))) == stream else None


def _times(reading: Reading, rate: float) -> list[float]:
    """Return when each sample is, and one time more: when the last one ends."""
    series = reading.series
    if series.times is None:
        return [number / rate for number in range(len(series.values) + 1)]
    return [*series.times.tolist(), float(series.times[-1]) + 1 / rate]


def _runs(reading: Reading, times: Sequence[float], rate: float) -> list[tuple[float, float, str]]:
    """Return the stretches of samples that have one label, which is not empty; a gap between two is of neither."""
    assert reading.labels is not None
    stretches, begin = [], 0
    labels = [str(label) for label in reading.labels.tolist()]
    for at in range(1, len(labels) + 1):
        if at == len(labels) or labels[at] != labels[begin]:
            if labels[begin].strip():
                last = times[at - 1]
                end = times[at] if times[at] <= last + _GAP / rate else last + 1 / rate
                stretches.append((times[begin], end, labels[begin]))
            begin = at
    return stretches
