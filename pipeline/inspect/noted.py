"""Reading a stream together with what its reader noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pipeline.sources.base import Recording, Series, Source
from pipeline.sources.time_limits import TimeLimits
from pipeline.sources.validate_streams import series_of

if TYPE_CHECKING:
    from pipeline.sources.folder.reading.notes import Notes


class _Noting:
    """A source that keeps the notes of the series that it opened last."""

    def __init__(self, wrapped: Source) -> None:
        self.wrapped = wrapped
        self.notes: Notes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    def open_series(self, recording: Recording, stream: str) -> Series:
        read = getattr(self.wrapped, "open_reading", None)
        if read is None:
            return self.wrapped.open_series(recording, stream)
        reading = read(recording, stream)
        self.notes = reading.notes
        series: Series = reading.series
        return series


def noted_series(source: Source, recording: Recording, stream: str, limits: TimeLimits) -> tuple[Series, Notes | None]:
    """Read a series, checked as stages do, with the notes of a source that makes them; BadRecording as for those."""
    noting = _Noting(source)
    series = series_of(cast(Source, noting), recording, stream, limits)
    return series, noting.notes
