"""Which module reads tables of a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.sources.folder.params import Column, Stream
from pipeline.sources.folder.reading.samples import Samples


def table_readers() -> Mapping[str, Callable[[Path, Stream, Sequence[Column]], Samples]]:
    """Return what reads a file, by format."""
    from pipeline.sources.folder.reading.tables import excel, parquet, text

    return {"csv": text.read, "parquet": parquet.read, "excel": excel.read}
