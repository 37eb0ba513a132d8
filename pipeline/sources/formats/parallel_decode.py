"""One video decoded by several threads: cut where decoding can begin; its frames come in order all the same."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.cores import cores

Frame = Any  # an array or a tensor, which knows its `nbytes`
_FEWEST = 64  # frames to be decoded that are worth a piece of their own
_WAITING_BYTES = 48 << 20  # of decoded frames of a piece, which wait for those before them
_MOST_DECODER_THREADS = 4  # of a decoder's own: each holds a frame


class Decoder(Protocol):
    """An open file; gives frames by number, increasing, and fewer where the file ends early."""

    def frames(self, numbers: NDArray[np.int64]) -> Generator[Frame, None, None]: ...


OpenDecoder = Callable[[int], AbstractContextManager[Decoder]]  # with so many threads of its own


class _Capacity:
    """How many threads of this process decode: those that read, and helpers while these are fewer than the cores."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = 0

    def enter(self) -> int:
        """Count a thread that decodes whatever others do; return how many helpers there is room for."""
        with self._lock:
            self._busy += 1
            return max(0, cores() - self._busy)

    def take(self) -> bool:
        """Count a helper, if there is room for one."""
        with self._lock:
            if self._busy >= cores():
                return False
            self._busy += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._busy -= 1

    def is_exceeded(self) -> bool:
        with self._lock:
            return self._busy > cores()


_capacity = _Capacity()


def decode_pieces(pieces: Sequence[NDArray[np.int64]], open_decoder: OpenDecoder) -> Iterator[Frame]:
    """Decode pieces of a video, each of which decoding can begin at, and yield their frames in order.

    The calling thread decodes; where cores are idle, helpers decode pieces that come later. Their errors are raised
    where the calling thread gets to them. Fewer frames than asked for: the file ends, or is damaged, after them.
    """
    room = _capacity.enter()
    # what helpers cannot use, since there are fewer pieces, a decoder's own threads may
    own = max(1, min(_MOST_DECODER_THREADS, os.cpu_count() or 1, (1 + room) // min(len(pieces), 1 + room)))
    work = [_Piece(numbers) for numbers in pieces]
    crew = _Helpers(work, open_decoder, own)
    try:
        with open_decoder(own) as decoder:
            for piece in work:
                crew.recruit()
                found = 0
                for frame in decoder.frames(piece.numbers) if piece.claim() else _waited_for(piece, crew):
                    yield frame
                    found += 1
                if found < len(piece.numbers):
                    return
    finally:
        crew.stop()
        _capacity.leave()


def _waited_for(piece: _Piece, crew: _Helpers) -> Iterator[Frame]:
    """Yield what a helper decodes; another one may have the core of the calling thread meanwhile."""
    _capacity.leave()
    try:
        crew.recruit()
        yield from piece.decoded()
    finally:
        _capacity.enter()


def cut(wanted: NDArray[np.int64], keys: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut wanted frames where decoding can begin.

    Parameters
    ----------
    keys
        Numbers of the frames that decoding can begin at, increasing, the first of all frames among them.
    """
    begins = keys[keys.searchsorted(wanted, side="right") - 1]
    starts, cost = [0], 0
    for at in (np.flatnonzero(np.diff(begins)) + 1).tolist():
        cost += int(wanted[at - 1] - begins[at - 1]) + 1
        if cost >= _FEWEST:
            starts.append(at)
            cost = 0
    return np.split(wanted, starts[1:])


class _Piece:
    """Frames that one thread decodes."""

    def __init__(self, numbers: NDArray[np.int64]) -> None:
        self.numbers = numbers
        self._claimed = threading.Lock()
        self._frames: queue.SimpleQueue[Frame | BaseException | None] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._waiting = 0  # bytes
        self._stopped = False

    def claim(self) -> bool:
        """Tell whether the piece is the caller's to decode: it is, once."""
        return self._claimed.acquire(blocking=False)

    def decode(self, open_decoder: OpenDecoder, own_threads: int) -> None:
        """Decode for another thread; waits where it is far ahead of it."""
        try:
            with open_decoder(own_threads) as decoder, closing(decoder.frames(self.numbers)) as frames:
                for frame in frames:
                    with self._room:
                        self._room.wait_for(lambda: self._waiting < _WAITING_BYTES or self._stopped)
                        if self._stopped:
                            return
                        self._waiting += frame.nbytes
                    self._frames.put(frame)
        except BaseException as error:  # raised where the reader gets to it
            self._frames.put(error)
        finally:
            self._frames.put(None)

    def decoded(self) -> Iterator[Frame]:
        """Yield what another thread decodes."""
        while (frame := self._frames.get()) is not None:
            if isinstance(frame, BaseException):
                raise frame
            with self._room:
                self._waiting -= frame.nbytes
                self._room.notify()
            yield frame

    def stop(self) -> None:
        """Let a thread that decodes the piece end."""
        with self._room:
            self._stopped = True
            self._room.notify()


class _Helpers:
    """Threads that decode pieces nobody decodes yet, as long as cores are idle."""

    def __init__(self, pieces: Sequence[_Piece], open_decoder: OpenDecoder, own_threads: int) -> None:
        self._pieces, self._open, self._own = pieces, open_decoder, own_threads
        self._threads: list[threading.Thread] = []
        self._next = 1  # the first piece is the caller's
        self._lock = threading.Lock()
        self._stopped = False

    def recruit(self) -> None:
        """Start as many helpers as cores are idle and pieces are left."""
        while self._next < len(self._pieces) and _capacity.take():
            thread = threading.Thread(target=self._help, name="decode", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End all helpers, and wait for them."""
        self._stopped = True
        for piece in self._pieces:
            piece.stop()
        for thread in self._threads:
            thread.join()

    def _help(self) -> None:
        try:
            while (piece := self._claimed()) is not None:
                piece.decode(self._open, self._own)
                if _capacity.is_exceeded():
                    return
        finally:
            _capacity.leave()

    def _claimed(self) -> _Piece | None:
        with self._lock:
            while not self._stopped and self._next < len(self._pieces):
                piece = self._pieces[self._next]
                self._next += 1
                if piece.claim():
                    return piece
        return None
