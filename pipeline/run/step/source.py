"""Opening a step's dataset, and comparing its raw files and weights with the key as they are read.

An output's key names the digests of the files that it was made from. `CheckedSource` reads the dataset as any source
does, and raises StepError where a file is another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from pipeline.cores import cores
from pipeline.errors import DataError, StepError
from pipeline.keys.cache import cache_folder
from pipeline.keys.file_hash import BELIEVED, LOCKED, READ, FileHash, hash_file
from pipeline.keys.raw_index import FileDigest, RawIndex, stream_digest
from pipeline.plan.recordings.table import files_of, rows_digest, table_digest
from pipeline.plugins.loading import use_folder
from pipeline.registry import find, import_build, import_params, with_name
from pipeline.run.messages import StepJob
from pipeline.run.packing import PACKED_BYTES, unpack
from pipeline.run.readers.messages import OpenSource
from pipeline.run.readers.source import SourceInProcesses
from pipeline.sources.base import Listing, Probe, Recording, Series, Source, Video
from pipeline.stages.context import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OTHER_CONTENT = {  # how the digest came to be known: what another one means, and the remedy
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


def open_source(job: StepJob, progress: Progress) -> Source:
    """Open a job's dataset: one on disk as a `CheckedSource`; a generated one makes its files on first use."""
    use_folder(job.folder, job.code)
    section = dict(job.source)
    registration = find("sources", section.pop("name"))
    section.pop("times", None)  # stages read these in the recipe
    build = import_build(registration, job.code)
    params: Any = msgspec.convert(section, import_params(registration, job.code))
    root = getattr(params, "root", None)
    if root is None:
        generator = with_name(build(params, cache_folder()), registration)
        generator.ensure(lambda done, total: progress(done, total, "recordings made"))
        source: Source = generator
        return source
    source = with_name(build(Path(root), params), registration)
    if _reads_video(job) and cores() > 1 and not getattr(source, "releases_lock", False):
        source = SourceInProcesses(source, OpenSource(job.source, job.code, job.folder))
    return CheckedSource(source, job.files, job.recipe)


def _reads_video(job: StepJob) -> bool:
    return job.stage == "encode" and job.recipe["modality"]["kind"] == "video"


class CheckedFile:
    """A file whose content must have a known digest; several threads may read it, several times.

    Before and after it is read its size, times and inode are compared, which costs little. Only where these are not as
    they were when it was hashed, or it was not hashed on this machine, its content is hashed again.
    """

    def __init__(self, path: Path, known: FileHash) -> None:
        self.path = path
        self.known = known
        self.rehashed = False  # hashed again, so that `known` is worth remembering

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Check the file before and after what is done inside; StepError where it is another one.

        This takes the place of an error raised inside: a file that changes while it is read seems to be broken.
        """
        self.check()
        try:
            yield
        except Exception:  # whatever a reader makes of a file that was replaced; raised again where it was not
            self.check()
            raise
        self.check()

    def check(self) -> None:
        """Raise StepError where the file has another content than the known one."""
        known = self.known
        try:
            if known.origin == READ and known.matches(os.stat(self.path)):
                return
            actual = hash_file(self.path)
        except FileNotFoundError:
            raise StepError(f"{self.path}: is gone, and was there when this began\n  run again") from None
        except OSError as error:
            raise StepError(f"{self.path}: {error.strerror}\n  check it, and run again") from None
        except DataError as error:
            raise StepError(str(error)) from None
        if actual.sha256 != known.sha256:
            problem, remedy = _OTHER_CONTENT[known.origin]
            raise StepError(
                f"{self.path}: {problem}: expected SHA-256 {known.sha256}, found {actual.sha256}\n  {remedy}"
            )
        self.known, self.rehashed = actual, True


class CheckedSource:
    """A source whose recordings and files are those of a step's key; each file is checked as it is read.

    `packed` are by stream the known hashes of its files, in the order of the recordings (`pipeline.run.packing`).
    The recipe's digests of the list of recordings and of the streams are compared at once: StepError where they
    differ.
    """

    def __init__(self, source: Source, packed: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
        self.wrapped = source
        self.name = source.name
        self.root = source.root
        self.classes = source.classes
        self.modalities = source.modalities
        self._listing = source.list()
        self._packed = packed
        self._positions = {  # of each file in the packed hashes of its stream
            stream: {path: n for n, (_, path) in enumerate(files_of(self._listing, stream))} for stream in packed
        }
        self._rehashed: dict[str, FileHash] = {}
        if problem := self._difference(recipe):
            raise StepError(
                f"{self.root}: {problem} changed while this ran\n  run again, to take the data as it is now"
            )

    def list(self) -> Listing:
        """Return the recordings as they were when the step began."""
        return self._listing

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Probe checked files."""
        with self._reading(recording, stream):
            return self.wrapped.probe(recording, stream)

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read a series of checked files."""
        with self._reading(recording, stream):
            return self.wrapped.open_series(recording, stream)

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Open a video, whose files are checked now and again when it is closed."""
        with self._reading(recording, stream):
            return _CheckedVideo(self.wrapped.open_video(recording, stream), self._reading(recording, stream))

    def close(self) -> None:
        """Remember what had to be hashed, so that the next step need not hash it; end processes that read."""
        if isinstance(self.wrapped, SourceInProcesses):
            self.wrapped.close()
        if self._rehashed:
            RawIndex(self.root).remember(self._rehashed)

    @contextmanager
    def _reading(self, recording: Recording, stream: str) -> Iterator[None]:
        with ExitStack() as reading:
            for path in recording.streams.get(stream, ()):
                file = CheckedFile(self.root / path, self._known(stream, path))
                reading.callback(self._keep_hash, path, file)
                reading.enter_context(file.reading())
            yield

    def _known(self, stream: str, path: str) -> FileHash:
        """Return the known hash of a file.

        One that is only believed, or stands in the lock, gives place to one that an earlier step had to read.
        """
        known = self._rehashed.get(path) or unpack(self._packed[stream], self._positions[stream][path])
        if known.origin == READ:
            return known
        remembered = self._raw_index.get(path)
        return remembered if remembered and (remembered.origin, remembered.sha256) == (READ, known.sha256) else known

    @cached_property
    def _raw_index(self) -> RawIndex:
        return RawIndex(self.root)

    def _keep_hash(self, path: str, file: CheckedFile) -> None:
        if file.rehashed:
            self._rehashed[path] = file.known

    def _difference(self, recipe: Mapping[str, Any]) -> str:
        """Name what is not that of the recipe; empty where all is."""
        listing = self._listing
        for name, digest in (("rows", rows_digest), ("table", table_digest)):
            if name in recipe and recipe[name] != digest(listing):
                return "the recordings"
        if "unparsed" in recipe and recipe["unparsed"] != [item.path for item in listing.unparsed]:
            return "the files that could not be placed"
        for stream, packed in self._packed.items():
            files = list(files_of(listing, stream))
            if len(packed) != len(files) * PACKED_BYTES:
                return f"the files of stream {stream} ({len(packed) // PACKED_BYTES} when it began, {len(files)} now)"
            known = (unpack(packed, n) for n in range(len(files)))
            digests = ((*file, FileDigest(each.size, each.sha256)) for file, each in zip(files, known, strict=True))
            if stream_digest(digests) != recipe["raw"][stream]:
                return f"the files of stream {stream}"
        return ""


class _CheckedVideo:
    """A video whose files are checked again when it is closed."""

    def __init__(self, video: Video, reading: AbstractContextManager[None]) -> None:
        self._video, self._reading = video, reading
        self.length = video.length
        self.loaded = getattr(video, "loaded", None)  # a reader of a user's own may have none

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
        """Yield frames of the video."""
        return self._video.frames(wanted, side)
