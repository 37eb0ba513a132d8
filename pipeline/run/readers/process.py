"""A process that reads videos for a step: requests come on standard input, replies go to standard output.

The process ends when its input ends, so that it outlives no step. Started with the number of the file descriptor that
is the shared memory.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.keys.loaded_code import check_code
from pipeline.plugins.loading import use_folder
from pipeline.registry import find, import_build, import_params, with_name
from pipeline.run.readers.errors import as_message
from pipeline.run.readers.messages import (
    PART_BYTES,
    PARTS,
    CloseVideo,
    Ended,
    Frames,
    Opened,
    OpenSource,
    OpenVideo,
    ReadFrames,
    Reply,
    Request,
    Stop,
)
from pipeline.sources.base import Recording, Source, Video
from pipeline.sources.validate_streams import frames_of, opened_video

Frame = NDArray[np.uint8] | NDArray[np.uint16]
_BLOCK_BYTES = 4 << 20  # of frames that are handed over at once


def main() -> None:
    """Serve one step until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides when to stop
    requests, replies = os.dup(0), os.dup(1)
    # a reader that prints, or starts a program that reads its input, must not come between the messages
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    for descriptor in (requests, replies):  # a child of a reader must not keep them open when this process has died
        os.register_at_fork(after_in_child=partial(os.close, descriptor))
    arrived: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(os.fdopen(requests, "rb"), arrived), daemon=True).start()
    _Process(int(sys.argv[1]), arrived, os.fdopen(replies, "wb")).serve()


def _receive(requests: BinaryIO, arrived: SimpleQueue[bytes]) -> None:
    """Take in requests; end the process where the step is gone, whatever a reader is at."""
    for line in requests:
        arrived.put(line)
    os._exit(0)


class _Process:
    """What the process has open."""

    def __init__(self, memory: int, requests: SimpleQueue[bytes], replies: BinaryIO) -> None:
        self._memory = mmap.mmap(memory, PARTS * PART_BYTES)
        self._requests, self._replies = requests, replies
        self._source: Source
        self._recording: Recording
        self._stream: str
        self._video: Video
        self._open = ExitStack()

    def serve(self) -> None:
        """Answer requests."""
        while True:
            request = self._next_request()
            try:
                self._answer(request)
            except BaseException as error:  # raised on the other side
                self._reply(as_message(error))

    def _answer(self, request: Request) -> None:
        if isinstance(request, OpenSource):
            self._source = open_source(request)
        elif isinstance(request, OpenVideo):
            self._recording, self._stream = request.recording, request.stream
            self._video = self._open.enter_context(opened_video(self._source, request.recording, request.stream))
            self._reply(Opened(self._video.length))
        elif isinstance(request, ReadFrames):
            self._read(request)
            self._reply(Ended())
        elif isinstance(request, CloseVideo):
            self._open.close()
            self._reply(Ended())
        # else a Stop or Release that came when all was read

    def _read(self, request: ReadFrames) -> None:
        free, part, wanted = PARTS, 0, np.array(request.wanted, np.int64)
        frames = frames_of(self._source, self._recording, self._stream, self._video, wanted, request.side)
        with closing(frames):
            for block in _blocks(islice(frames, len(wanted))):  # what a reader does after the last one does not count
                while not free:
                    if isinstance(self._next_request(), Stop):
                        return
                    free += 1
                self._reply(self._put(part * PART_BYTES, block))
                free, part = free - 1, (part + 1) % PARTS

    def _put(self, begin: int, frames: list[Frame]) -> Frames:
        """Write a block into the shared memory."""
        first = frames[0]
        if first.nbytes > PART_BYTES:
            raise BadRecording(self._recording.id, self._stream, self._stream, f"has frames of {first.nbytes} bytes")
        by_column = first.ndim == 2 and first.flags.f_contiguous and not first.flags.c_contiguous
        shape = first.shape[::-1] if by_column else first.shape
        into: NDArray[Any] = np.frombuffer(self._memory, first.dtype, len(frames) * first.size, begin)
        for row, frame in zip(into.reshape(len(frames), *shape), frames, strict=True):
            row[...] = frame.T if by_column else frame
        return Frames(begin, len(frames), first.shape, first.dtype.name, by_column)

    def _next_request(self) -> Request:
        request: Request = msgspec.json.decode(self._requests.get(), type=Request)
        return request

    def _reply(self, reply: Reply) -> None:
        message = msgspec.json.encode(reply) + b"\n"
        try:
            self._replies.write(message)
            self._replies.flush()
        except BrokenPipeError:  # the step is gone
            os._exit(0)


def open_source(request: OpenSource) -> Source:
    """Open a dataset on disk; CodeChanged where its code is not what was hashed."""
    section = {name: value for name, value in request.source.items() if name not in ("name", "times")}
    use_folder(request.folder, request.code)
    registration = find("sources", request.source["name"])
    params = msgspec.convert(section, import_params(registration, request.code))
    build = import_build(registration, request.code)
    source: Source = with_name(build(Path(section["root"]), params), registration)
    check_code(request.code)
    return source


def _blocks(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    """Put frames of one shape together, some at a time; copied, since a reader may use their memory again."""
    block: list[Frame] = []
    for frame in frames:
        if block and (frame.shape != block[0].shape or (len(block) + 1) * frame.nbytes > _BLOCK_BYTES):
            yield block
            block = []
        block.append(frame.copy(order="K"))
    if block:
        yield block


if __name__ == "__main__":
    main()
