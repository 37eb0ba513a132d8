"""Write a file as somebody has it, and read it through the face of the room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.read import read_series
from pipeline.sources.folder.reading.whole import Reading


def stream(**said: Any) -> Stream:
    """Return a stream as a stages file would describe it."""
    return msgspec.convert({"rate": 100.0, **said}, Stream)


def write(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, name: str = "a.csv", **said: Any) -> Reading:
    return read_series([write(folder, content, name)], stream(**said))


def values(folder: Path, content: str | bytes, name: str = "a.csv", **said: Any) -> NDArray[np.float64]:
    return read(folder, content, name, **said).series.values


def times(folder: Path, content: str | bytes, name: str = "a.csv", **said: Any) -> list[float]:
    found = read(folder, content, name, **said).series.times
    assert found is not None
    return [float(time) for time in found]


def refused(folder: Path, content: str | bytes, name: str = "a.csv", **said: Any) -> str:
    """Return the message; it never names the file, which the caller does."""
    with pytest.raises(BrokenFileError) as error:
        read(folder, content, name, **said)
    message = str(error.value)
    print(message)
    assert name not in message
    assert "\n" not in message
    return message
