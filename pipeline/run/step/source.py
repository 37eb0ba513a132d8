"""Raw files and weights, checked as they are read: what an output is made of is what its key names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline.errors import DataError, StepError
from pipeline.keys.file_hash import BELIEVED, LOCKED, READ, FileHash, hash_file
from pipeline.keys.raw_index import FileDigest, RawIndex, stream_digest
from pipeline.plan.recordings.table import files_of, rows_digest, table_digest
from pipeline.run.packing import PACKED_BYTES, unpack
from pipeline.sources.base import Listing, Probe, Recording, Series, Source, Video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OTHER = {
    READ: ("changed while this ran", "run again, to take it as it is now"),
    BELIEVED: (
        "not the file that was hashed here earlier, which had its size and modification time",
        "get the right file; or `touch` it and run again, to take it as it is now",
    ),
    LOCKED: (
        "not the file that the lock knows",
        "get the right file, or delete the lock to accept the data as it is here",
    ),
}


class CheckedFile:
    """One file of known content; it may be read by several threads and several times.

    It is looked at before and after it is read. Where it does not look as it did when it was hashed, or was not hashed
    on this machine, its content is compared with the digest.
    """

    def __init__(self, path: Path, known: FileHash) -> None:
        self.path = path
        self.known = known
        self.read_here = False  # whether the content was hashed here, so that this is news

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read the file inside.

        Raises
        ------
        StepError
            It is another than the one that is known, before or after; whatever else was raised inside, for a file that
            changes while it is read seems to be broken.
        """
        self.check()
        try:
            yield
        except Exception:
            self.check()
            raise
        self.check()

    def check(self) -> None:
        """Raise StepError where the file is not the one that is known."""
        known = self.known
        try:
            if known.origin == READ and known.matches(os.stat(self.path)):
                return
            found = hash_file(self.path)
        except FileNotFoundError:
            raise StepError(f"{self.path}: is gone, and was there when this began\n  run again") from None
        except OSError as error:
            raise StepError(f"{self.path}: {error.strerror}\n  check it, and run again") from None
        except DataError as error:
            raise StepError(str(error)) from None
        if found.sha256 != known.sha256:
            problem, remedy = _OTHER[known.origin]
            raise StepError(
                f"{self.path}: {problem}: expected SHA-256 {known.sha256}, found {found.sha256}\n  {remedy}"
            )
        self.known, self.read_here = found, True


class CheckedSource:
    """A source whose files are those of a step's key: each is checked as it is read.

    Parameters
    ----------
    packed
        By stream, what is known of its files, in the order of the recordings (`pipeline.run.packing`).
    recipe
        The step's, whose digests of the recordings and of the streams are compared first.

    Raises
    ------
    StepError
        The recordings or their files are not those of the recipe.
    """

    def __init__(self, source: Source, packed: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
        self._source = source
        self.name = source.name
        self.root = source.root
        self.classes = source.classes
        self.modalities = source.modalities
        self._listing = source.list()
        self._packed = packed
        self._places = {
            stream: {path: n for n, (_, path) in enumerate(files_of(self._listing, stream))} for stream in packed
        }
        self._read: dict[str, FileHash] = {}
        if problem := self._other_than(recipe):
            raise StepError(
                f"{self.root}: {problem} changed while this ran\n  run again, to take the data as it is now"
            )

    def list(self) -> Listing:
        """Return the recordings as they were when the step began."""
        return self._listing

    def probe(self, recording: Recording, stream: str) -> Probe:
        """As the source's, of checked files."""
        with self._reading(recording, stream):
            return self._source.probe(recording, stream)

    def open_series(self, recording: Recording, stream: str) -> Series:
        """As the source's, of checked files."""
        with self._reading(recording, stream):
            return self._source.open_series(recording, stream)

    def open_video(self, recording: Recording, stream: str) -> Video:
        """As the source's, of checked files, which are looked at again when the video is closed."""
        with self._reading(recording, stream):
            return _CheckedVideo(self._source.open_video(recording, stream), self._reading(recording, stream))

    def close(self) -> None:
        """Remember what had to be hashed, so that the next step need not."""
        if self._read:
            RawIndex(self.root).remember(self._read)

    @contextmanager
    def _reading(self, recording: Recording, stream: str) -> Iterator[None]:
        with ExitStack() as reading:
            for path in recording.streams.get(stream, ()):
                file = CheckedFile(self.root / path, self._known(stream, path))
                reading.callback(self._note, path, file)
                reading.enter_context(file.reading())
            yield

    def _known(self, stream: str, path: str) -> FileHash:
        """Return what is known of a file, by this step, or by an earlier one that had to hash it."""
        known = self._read.get(path) or unpack(self._packed[stream], self._places[stream][path])
        if known.origin == READ:
            return known
        noted = self._noted.get(path)
        return noted if noted and (noted.origin, noted.sha256) == (READ, known.sha256) else known

    @cached_property
    def _noted(self) -> RawIndex:
        return RawIndex(self.root)

    def _note(self, path: str, file: CheckedFile) -> None:
        if file.read_here:
            self._read[path] = file.known

    def _other_than(self, recipe: Mapping[str, Any]) -> str:
        """Say what is not that of the recipe; empty where all is."""
        listed = self._listing
        for name, digest in (("rows", rows_digest), ("table", table_digest)):
            if name in recipe and recipe[name] != digest(listed):
                return "the recordings"
        if "unparsed" in recipe and recipe["unparsed"] != [item.path for item in listed.unparsed]:
            return "the files that could not be placed"
        for stream, packed in self._packed.items():
            files = list(files_of(self._listing, stream))
            if len(packed) != len(files) * PACKED_BYTES:
                were, are = len(packed) // PACKED_BYTES, len(files)
                return f"the files of stream {stream} ({were} when it began, {are} now)"
            known = (unpack(packed, n) for n in range(len(files)))
            digests = ((*file, FileDigest(each.size, each.sha256)) for file, each in zip(files, known, strict=True))
            if stream_digest(digests) != recipe["raw"][stream]:
                return f"the files of stream {stream}"
        return ""


class _CheckedVideo:
    """A video whose files are looked at again when it is closed."""

    def __init__(self, video: Video, reading: AbstractContextManager[None]) -> None:
        self._video, self._reading = video, reading
        self.length = video.length

    def __enter__(self) -> Self:
        self._reading.__enter__()
        self._video.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._video.__exit__(*exc)
        self._reading.__exit__(*exc)

    def frames(
        self, wanted: NDArray[np.int64] | None = None, side: int | None = None
    ) -> Iterator[NDArray[np.uint8] | NDArray[np.uint16]]:
        """As the video's."""
        return self._video.frames(wanted, side)
