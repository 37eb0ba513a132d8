"""Units, missing values, several files, labels, and stretches of one long file."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.natural_order import natural
from pipeline.sources.folder.reading import read as reading
from pipeline.sources.folder.reading.cache import Latest
from pipeline.sources.folder.reading.cut import Span, within
from pipeline.sources.folder.reading.read import read_series

from .reads import read, refused, stream, values, write


@pytest.mark.parametrize(
    ("unit", "one"),
    [("g", 1), ("mg", 1e-3), ("m/s2", 1 / 9.80665), ("deg/s", 1), ("rad/s", 180 / np.pi), ("m", 1), ("cm", 0.01),
     ("mm", 1e-3), ("uT", 1), ("raw", 1)],
)  # fmt: skip
def test_units(unit: str, one: float, tmp_path: Path) -> None:
    assert values(tmp_path, "1,2\n3,4\n", units=unit).ravel() == pytest.approx(np.array([1, 2, 3, 4]) * one)


def test_units_of_each_column(tmp_path: Path) -> None:
    assert values(tmp_path, "9.80665,3000\n", units=["m/s2", "mg"]).tolist() == [[1, 3]]


def test_missing_values(tmp_path: Path) -> None:
    content = "t,x,y\n0,1,\n1,,5\n3,7,6\n4,9,\n"
    said = {"time": {"column": "t"}}
    filled = read(tmp_path, content, missing="interpolate", **said)
    assert filled.series.values.tolist() == [[1, 5], [3, 5], [7, 6], [9, 6]]
    assert filled.notes.interpolated == 3
    dropped = read(tmp_path, content, missing="drop", **said)
    assert dropped.series.times is not None
    assert (dropped.series.values.tolist(), dropped.series.times.tolist()) == ([[7, 6]], [3])
    assert dropped.notes.dropped == 3
    assert "line 2, column 3 (`y`)" in refused(tmp_path, content, **said)


def test_what_is_beyond_the_limit_is_missing(tmp_path: Path) -> None:
    content = "1,5\n-9,6\n3,7\n"
    assert read(tmp_path, content, limit=8, missing="drop").series.values.tolist() == [[1, 5], [3, 7]]
    assert read(tmp_path, content, limit=8, missing="interpolate").series.values.tolist() == [[1, 5], [2, 6], [3, 7]]
    said = refused(tmp_path, content, limit=8)
    assert "line 2, column 1: -9 is beyond the limit, 8; say missing: drop or interpolate" in said


def test_dropping_leaves_the_others_in_their_place(tmp_path: Path) -> None:
    found = read(tmp_path, "1\n2\nnan\n4\n", rate=2, missing="drop").series
    assert found.times is not None
    assert (found.values[:, 0].tolist(), found.times.tolist()) == ([1, 2, 4], [0, 0.5, 1.5])


def test_nothing_to_interpolate_from(tmp_path: Path) -> None:
    assert "column 2" in refused(tmp_path, "1,nan\n2,nan\n", missing="interpolate")
    assert "no sample left" in refused(tmp_path, "1,nan\n2,nan\n", missing="drop")


def test_a_sample_without_a_time_is_dropped(tmp_path: Path) -> None:
    found = read(tmp_path, "t,x\n1,2\n,3\n4,5\n", time={"column": "t"}, missing="interpolate")
    assert found.series.values[:, 0].tolist() == [2, 5]
    assert found.notes.dropped == 1


def test_several_files_of_one_stream(tmp_path: Path) -> None:
    files = [write(tmp_path, f"t,x\n{at},{at}\n{at + 0.5},{at}\n", f"part{at}.csv") for at in (1, 9, 10)]
    assert read_series(files[::-1], stream()).series.values[:, 1].tolist() == [10, 10, 9, 9, 1, 1]
    found = read_series(files, stream()).series
    assert found.values[:, 1].tolist() == [1, 1, 9, 9, 10, 10]
    timed = read_series(files, stream(time={"column": "t"})).series
    assert timed.times is not None
    assert timed.times.tolist() == [0, 0.5, 8, 8.5, 9, 9.5]
    write(tmp_path, "t,x\n1.2,1\n1.3,1\n", "part10.csv")
    with pytest.raises(BrokenFileError, match="files 1 and 3 of the stream cover the same time"):
        read_series(files, stream(time={"column": "t"}))
    write(tmp_path, "t,x\n10,\n", "part10.csv")
    with pytest.raises(BrokenFileError, match="file 3 of the stream, line 2"):
        read_series(files, stream(columns=["x"]))
    write(tmp_path, "t,x,y\n10,1,2\n", "part10.csv")
    with pytest.raises(BrokenFileError, match="file 3 of the stream has 3 columns, the first has 2"):
        read_series(files, stream())


def test_labels_go_with_their_samples(tmp_path: Path) -> None:
    content = "t,x,what\n2,1,sit\n0,2,walk\n1,,run\n3,4,sit\n"
    path = write(tmp_path, content)
    found = read_series([path], stream(time={"column": "t"}, missing="drop"), label="what")
    assert found.labels is not None
    assert found.labels.tolist() == ["walk", "sit", "sit"]
    assert found.series.values.tolist() == [[2], [1], [4]]
    with pytest.raises(BrokenFileError, match="no column `when`"):
        read_series([path], stream(columns=["x"], missing="drop"), label="when")
    later = read_series([path], stream(time={"column": "t"}, missing="drop"), label="what", span=Span(1.5))
    assert later.labels is not None
    assert later.labels.tolist() == ["sit", "sit"]


def test_stretches_of_a_long_file_are_right_to_the_sample(tmp_path: Path) -> None:
    samples = 3000
    path = write(tmp_path, "".join(f"{at / 100!r},{at}\n" for at in range(samples)))
    timed, timeless = stream(time={"column": 1}), stream(columns=[2])
    for start in range(0, 30, 3):
        for said in (timed, timeless):
            found = read_series([path], said, span=Span(start + 0.29, start + 1.13)).series
            assert found.values[:, 0].tolist() == [*range(100 * start + 29, 100 * start + 113)]
    cut = read_series([path], timed, span=Span(12.5, 12.53)).series
    assert cut.times == pytest.approx([0, 0.01, 0.02])
    with pytest.raises(BrokenFileError, match="no sample from 30 s to before 40 s: it has 3000"):
        read_series([path], timed, span=Span(30, 40))


def test_stretches_by_a_shared_clock(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(f"{1_700_000_000_000 + 10 * at},{at}\n" for at in range(500)))
    said = stream(time={"column": 1, "unit": "ms"})
    found = read_series([path], said, clocks="shared", span=Span(1_700_000_001, 1_700_000_001.03)).series
    assert found.values[:, 0].tolist() == [100, 101, 102]
    assert found.times is not None
    assert found.times.tolist() == [1_700_000_001, 1_700_000_001.01, 1_700_000_001.02]


@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 400), st.sampled_from([7.0, 30.0, 50.0, 100.0, 29.97]))
def test_neighbouring_stretches_share_no_sample(length: int, one: int, two: int, rate: float) -> None:
    """Wherever two stretches meet, each sample is in one of them, with times or without."""
    edge = min(one, two) / rate
    for times in (None, np.arange(length) / rate):
        chosen: list[int] = []
        for span in (Span(0, edge), Span(edge, None)):
            try:
                chosen += range(length)[within(times, length, rate, span)]
            except BrokenFileError:
                continue
        assert chosen == [*range(length)]


def test_one_long_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "".join(f"{at}\n" for at in range(1000)))
    reads = []
    whole = reading._samples
    monkeypatch.setattr(reading, "_samples", lambda *given: (reads.append(1), whole(*given))[1])
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda at: read_series([path], stream(), span=Span(at, at + 1)), range(10))]
    assert [int(each.series.values[0, 0]) for each in found] == [*range(0, 1000, 100)]
    assert len(reads) == 1
    found[0].series.values[:] = -1
    assert read_series([path], stream(), span=Span(0, 1)).series.values[0, 0] == 0
    path.write_text("5\n" * 1000)
    os.utime(path, ns=(1, 1))
    assert read_series([path], stream(), span=Span(0, 1)).series.values[0, 0] == 5
    assert len(reads) == 2


def test_the_latest_are_kept_within_their_limits() -> None:
    kept: Latest[bytes] = Latest(count=2, limit=10, size=len)
    made: list[str] = []

    def get(key: str, size: int) -> None:
        kept.get(key, lambda: (made.append(key), bytes(size))[1])

    for key, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4), ("huge", 11), ("huge", 11), ("b", 4)):
        get(key, size)
    assert made == ["a", "b", "c", "b", "huge", "huge"]
    get("d", 9)
    get("b", 4)
    assert made[-2:] == ["d", "b"]


def test_an_error_of_reading_is_not_kept() -> None:
    kept: Latest[bytes] = Latest(count=2, limit=10, size=len)
    barrier = threading.Barrier(2, timeout=10)

    def fail() -> bytes:
        raise BrokenFileError("is damaged")

    def ask() -> None:
        barrier.wait()
        with pytest.raises(BrokenFileError):
            kept.get("a", fail)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(ask), pool.submit(ask)]:
            each.result()
    assert kept.get("a", lambda: b"good") == b"good"


def test_a_file_that_is_gone_is_no_broken_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_series([tmp_path / "a.csv"], stream())


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=20))
def test_names_in_the_order_of_counting(numbers: list[int]) -> None:
    assert sorted((f"frame{each}.png" for each in numbers), key=natural) == [
        f"frame{each}.png" for each in sorted(numbers)
    ]
