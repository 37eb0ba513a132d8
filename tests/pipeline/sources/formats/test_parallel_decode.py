"""A video that several threads decode gives its frames in order, errors in their place, and leaves no thread behind."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.sources.formats import parallel_decode
from pipeline.sources.formats.parallel_decode import cut, decode_pieces


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    yield
    assert parallel_decode._capacity._busy == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "decode"]


class Decoder:
    """Gives frames that hold their number; at `bad` it raises, at `end` the file ends."""

    def __init__(self, bad: int | None = None, end: int | None = None) -> None:
        self.bad, self.end = bad, end
        self.threads: set[str] = set()

    def frames(self, numbers: NDArray[np.int64]) -> Generator[NDArray[np.uint8], None, None]:
        self.threads.add(threading.current_thread().name)
        for number in numbers.tolist():
            if number == self.bad:
                raise ValueError("damaged")
            if number == self.end:
                return
            yield np.full((1000, 1000, 3), number, np.uint8)

    @contextmanager
    def open(self, threads: int) -> Iterator[Decoder]:
        yield self


def numbers_of(frames: Any) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in frames]


def pieces(*sizes: int) -> list[NDArray[np.int64]]:
    return np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_frames_come_in_order(sizes: list[int]) -> None:
    assert numbers_of(decode_pieces(pieces(*sizes), Decoder().open)) == list(range(sum(sizes)))


def test_helpers_decode_while_the_reader_is_busy() -> None:
    decoder = Decoder()
    found = []
    for frame in decode_pieces(pieces(3, 3, 3, 3), decoder.open):
        found.append(frame)
        while len(decoder.threads) < 2:  # a helper has begun, though the reader has its first piece only
            threading.Event().wait(0.001)
    assert numbers_of(found) == list(range(12))


def test_an_error_arrives_after_the_frames_before_it() -> None:
    frames = decode_pieces(pieces(4, 4, 4), Decoder(bad=6).open)
    assert numbers_of(itertools.islice(frames, 6)) == list(range(6))
    with pytest.raises(ValueError, match="damaged"):
        next(frames)


def test_nothing_follows_where_the_file_ends() -> None:
    assert numbers_of(decode_pieces(pieces(4, 4, 4), Decoder(end=6).open)) == list(range(6))


def test_a_reader_that_leaves_ends_its_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_decode, "_WAITING_BYTES", 1)  # helpers wait after a frame
    reading = decode_pieces(pieces(4, 4, 4, 4), Decoder().open)
    next(reading)
    reading.close()  # type: ignore[attr-defined]


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, 2000), min_size=1, max_size=200), st.sets(st.integers(1, 2000), max_size=40))
def test_a_video_is_cut_at_frames_that_decoding_can_begin_at(wanted: set[int], keys: set[int]) -> None:
    numbers, starts = np.array(sorted(wanted)), np.array(sorted({0, *keys}))
    found = cut(numbers, starts)
    np.testing.assert_array_equal(np.concatenate(found), numbers)
    for before, after in itertools.pairwise(found):
        begin = starts[starts.searchsorted(after[0], side="right") - 1]
        assert before[-1] < begin  # else both would decode what lies between
