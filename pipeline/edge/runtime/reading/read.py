"""One stream of one recording from a file, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.edge.card import StreamInput
from pipeline.edge.runtime.reading.array_files import read_mat, read_npy, read_npz
from pipeline.edge.runtime.reading.csv_file import read_csv
from pipeline.edge.runtime.recordings import RawStream, unusable
from pipeline.errors import ConfigError
from pipeline.sources.broken_file import BrokenFileError

READERS: Mapping[str, Callable[[Path, StreamInput], RawStream]] = {
    ".csv": read_csv,
    ".npy": read_npy,
    ".npz": read_npz,
    ".mat": read_mat,
}


def read_stream(path: Path, stream: StreamInput) -> RawStream:
    """Read a stream from a file.

    Raises
    ------
    DataError
        The file is not there, cannot be read, or what is in it is ambiguous.
    ConfigError
        A package that reads files of its kind is not installed.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        problem = f"files {f'in {path.suffix}' if path.suffix else 'without an ending'} are not read"
        raise unusable(str(path), stream.name, problem, f"give one of {', '.join(READERS)}")
    try:
        with needed_packages(str(path)):
            return reader(path, stream)
    except BrokenFileError as error:
        raise unusable(str(path), stream.name, str(error), "record or save it again") from error
    except OSError as error:
        raise unusable(str(path), stream.name, error.strerror or str(error), "check the name") from error


@contextmanager
def needed_packages(place: str) -> Iterator[None]:
    """Say what to install where a reader needs a package that is not there."""
    try:
        yield
    except ImportError as error:
        name = (error.name or str(error)).partition(".")[0]
        raise ConfigError(f"{place}: {name} is not installed here, which reads it\n  pip install {name}") from error
