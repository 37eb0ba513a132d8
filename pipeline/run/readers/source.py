"""A source whose videos are read in processes of their own, one for each thread that reads at the time."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any, NoReturn, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StepError
from pipeline.run.readers.errors import as_error
from pipeline.run.readers.messages import (
    PART_BYTES,
    PARTS,
    CloseVideo,
    Ended,
    Frames,
    Opened,
    OpenSource,
    OpenVideo,
    ReadFailed,
    ReadFrames,
    Release,
    Reply,
    Request,
    Stop,
)
from pipeline.sources.base import Listing, Probe, Recording, Series, Source, Video


class SourceInProcesses:
    """Another source, but that its videos are read elsewhere.

    Parameters
    ----------
    opening
        What opens the same source in a process.
    """

    def __init__(self, source: Source, opening: OpenSource) -> None:
        self.wrapped, self._opening = source, opening
        self.name, self.root, self.classes, self.modalities = (
            source.name,
            source.root,
            source.classes,
            source.modalities,
        )
        self._idle: list[_Reader] = []
        self._all: list[_Reader] = []
        self._lock = threading.Lock()

    def list(self) -> Listing:
        """See `Source.list`."""
        return self.wrapped.list()

    def probe(self, recording: Recording, stream: str) -> Probe:
        """See `Source.probe`."""
        return self.wrapped.probe(recording, stream)

    def open_series(self, recording: Recording, stream: str) -> Series:
        """See `Source.open_series`."""
        return self.wrapped.open_series(recording, stream)

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Open a video in a process that is idle, or a new one; StepError where that dies."""
        with self._lock:
            reader = self._idle.pop() if self._idle else None
            if reader is None:
                reader = _Reader(self._opening)
                self._all.append(reader)
        try:
            length = reader.open(recording, stream)
        except Exception:  # of this recording, mostly; raised again, and the process is free for another
            self._idle.append(reader)
            raise
        return _VideoInProcess(reader, length, lambda: self._idle.append(reader))

    def close(self) -> None:
        """End the processes."""
        for reader in self._all:
            reader.end()


class _VideoInProcess(Video):
    """A video that another process has open; a context manager, which gives the process back."""

    def __init__(self, reader: _Reader, length: int, give_back: Callable[[], None]) -> None:
        self._reader, self.length, self._give_back = reader, length, give_back

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self._reader.close()
        finally:
            self._give_back()

    def frames(
        self, wanted: NDArray[np.int64] | None = None, side: int | None = None
    ) -> Iterator[NDArray[np.uint8] | NDArray[np.uint16]]:
        """Yield frames; each lies in memory that is used again for later ones."""
        numbers = range(self.length) if wanted is None else wanted.tolist()
        return self._reader.frames(ReadFrames(list(numbers), side))


class _Reader:
    """A process that runs `pipeline.run.readers.process`; for one thread at a time."""

    def __init__(self, opening: OpenSource) -> None:
        with _nameless_file() as memory:
            memory.truncate(PARTS * PART_BYTES)
            self._memory = mmap.mmap(memory.fileno(), PARTS * PART_BYTES)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipeline.run.readers.process", str(memory.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[memory.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._reading, self._task = False, "a source"
        self._send(opening)

    def open(self, recording: Recording, stream: str) -> int:
        """Open a video; return how many frames it has."""
        file = next(iter(recording.streams.get(stream, ())), "it has no file")
        self._task = f"recording {recording.id}, stream {stream} ({file}),"
        self._send(OpenVideo(recording, stream))
        opened = self._receive()
        assert isinstance(opened, Opened)
        return opened.length

    def frames(self, request: ReadFrames) -> Iterator[NDArray[Any]]:
        """Yield the frames of the open video that a request names."""
        self._send(request)
        self._reading = True
        try:
            while isinstance(block := self._receive(), Frames):
                shape = block.shape[::-1] if block.by_column else block.shape
                count = block.count * int(np.prod(shape))
                values = np.frombuffer(self._memory, block.dtype, count, block.begin).reshape(block.count, *shape)
                for frame in values:
                    yield frame.T if block.by_column else frame
                self._send(Release())
            self._reading = False
        finally:
            if self._reading and self._process.poll() is None:
                self._stop()

    def close(self) -> None:
        """Close the open video."""
        self._send(CloseVideo())
        self._receive()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _stop(self) -> None:
        """Have the process read no further; what it has sent is dropped."""
        self._reading = False
        self._send(Stop())
        while isinstance(self._next_reply(), Frames):
            pass

    def _send(self, request: Request) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._died()

    def _receive(self) -> Opened | Frames | Ended:
        reply = self._next_reply()
        if isinstance(reply, ReadFailed):
            self._reading = False
            raise as_error(reply)
        return reply

    def _next_reply(self) -> Reply:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            self._died()
        reply: Reply = msgspec.json.decode(line, type=Reply)
        return reply

    def _died(self) -> NoReturn:
        code = self._process.wait()
        end = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        remedy = "signal 9 often means that memory ran out" if code == -9 else "see whether it printed why, above"
        self._reading = False
        raise StepError(
            f"the process that read {self._task} {end}\n"
            f"  {remedy}; run again to go on where it stopped; where that does not help, take the file out"
        )


def _nameless_file() -> IO[bytes]:
    """Open a file that is gone with the last process that has it open; in memory, where the system offers that."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("frames"), "w+b")
    return tempfile.TemporaryFile()
