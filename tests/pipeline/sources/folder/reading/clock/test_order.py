"""Samples out of order, doubled, in bursts, with gaps; counters that begin anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.folder.reading.clock.order import in_order, steps_of

from ..reads import read, refused, times, values, write

TIME = {"column": 1}


def table(rows: list[tuple[float, float]]) -> str:
    return "".join(f"{time!r},{value!r}\n" for time, value in rows)


def test_out_of_order(tmp_path: Path) -> None:
    found = read(tmp_path, table([(3, 30), (1, 10), (2, 20), (4, 40)]), time=TIME)
    assert found.series.times is not None
    assert found.series.times.tolist() == [0, 1, 2, 3]
    assert found.series.values[:, 0].tolist() == [10, 20, 30, 40]
    assert (found.notes.sorted, found.notes.spread, found.notes.doubled) == (2, 0, 0)


def test_doubled_samples_are_one(tmp_path: Path) -> None:
    found = read(tmp_path, table([(0, 5), (1, 6), (1, 6), (2, 7), (0, 5)]), time=TIME)
    assert found.series.values[:, 0].tolist() == [5, 6, 7]
    assert (found.notes.doubled, found.notes.spread) == (2, 0)


def test_a_burst_is_spread_up_to_the_next_stamp(tmp_path: Path) -> None:
    rows = [(0, 0), (0, 1), (0, 2), (0, 3), (4, 4), (4, 5), (8, 6), (8, 7), (8, 8), (8, 9), (12, 10)]
    found = read(tmp_path, table([(float(t), float(v)) for t, v in rows]), time=TIME)
    assert found.series.times is not None
    assert found.series.times.tolist() == [0, 1, 2, 3, 4, 6, 8, 9, 10, 11, 12]
    assert found.series.values[:, 0].tolist() == [*range(11)]
    assert found.notes.spread == 10


def test_a_gap_after_a_burst_stays_a_gap(tmp_path: Path) -> None:
    rows = [(float(burst), float(at)) for burst in (0, 1, 2, 3, 60, 61, 62) for at in range(10)]
    found = read(tmp_path, table(rows), time=TIME)
    assert found.series.times is not None
    assert found.series.times[30:40] == pytest.approx(3 + np.arange(10) / 10)
    assert found.series.times[40] == 60
    assert (found.notes.gaps, found.notes.longest_gap) == (1, pytest.approx(56.1))
    assert found.notes.rate == pytest.approx(10)


def test_a_clock_of_seconds_at_a_higher_rate(tmp_path: Path) -> None:
    """A clock that ticks once a second gives each of 50 samples its own time, whatever the sensor measures."""
    rows = [(float(at // 50), float(at % 7)) for at in range(200)]
    assert times(tmp_path, table(rows), time=TIME) == pytest.approx(np.arange(200) / 50)


def test_one_time_for_all_is_refused(tmp_path: Path) -> None:
    assert "same time" in refused(tmp_path, table([(1, 2), (1, 3)]), time=TIME)


def test_one_sample_has_no_rate(tmp_path: Path) -> None:
    found = read(tmp_path, "7,1\n", time=TIME)
    assert found.notes.rate is None
    assert found.series.times is not None
    assert found.series.times.tolist() == [0]


@pytest.mark.parametrize("kind", ["whole", "fractions"])
def test_a_counter_that_begins_anew(kind: str, tmp_path: Path) -> None:
    counter = [(at * 7 + 250) % 256 for at in range(100)]
    content = "".join(f"{each}{'' if kind == 'whole' else '.0'},1\n" for each in counter)
    found = read(tmp_path, content, time={"column": 1, "unit": "ms", "wraps": 256})
    assert found.series.times is not None
    assert found.series.times == pytest.approx(np.arange(100) * 0.007)
    assert found.notes.wrapped == 3


def test_a_counter_beyond_what_it_wraps_at(tmp_path: Path) -> None:
    assert "line 2" in refused(tmp_path, "0,1\n300,1\n", time={"column": 1, "wraps": 256})


def test_a_time_of_day_goes_on_after_midnight(tmp_path: Path) -> None:
    rows = "23:59:59.5,1\n00:00:00.25,2\n"
    assert times(tmp_path, rows, time={"column": 1, "format": "%H:%M:%S.%f", "wraps": 86400}) == [0, 0.75]
    assert times(tmp_path, rows, time={"column": 1, "unit": "iso8601", "wraps": 86400}) == [0, 0.75]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=60))
def test_order_is_kept_whatever_comes(samples: list[tuple[int, int]]) -> None:
    """Times do not decrease; samples keep their order by stamp, then by place; none moves before its stamp."""
    stamps, values = np.array(samples, np.float64).T
    found = in_order(stamps, values[:, None])
    assert (np.diff(found.times) >= 0).all()
    assert [*found.rows] == sorted(found.rows, key=lambda row: (stamps[row], row))
    assert (found.times >= stamps[found.rows]).all()
    distinct = np.unique(stamps)
    later = np.append(distinct[1:], np.inf)[np.searchsorted(distinct, stamps[found.rows])]
    assert (found.times < later).all()
    assert len(found.rows) + found.doubled == len(samples)


def test_the_usual_step_is_no_gap() -> None:
    jitter = np.cumsum(np.random.default_rng(0).uniform(0.008, 0.012, 1000))
    found = steps_of(jitter)
    assert found.gaps == 0
    assert found.rate == pytest.approx(100, rel=0.01)


SAID = {
    "no date": ("yesterday,1\ntoday,2\n", {"column": 1, "unit": "iso8601"}, ["line 1", "'yesterday'", "ISO 8601"]),
    "of another format": ("2026-11-29,1\n2026,2\n", {"column": 1, "format": "%Y-%m-%d"}, ["line 2", "'2026'", "%Y"]),
    "with a zone and without": (
        "2026-11-29T17:00:00Z,1\n2026-11-29T17:00:01,2\n", {"column": 1, "unit": "iso8601"}, ["zone"],
    ),
    "no time": ("t,x\n1,2\n,3\n", {"column": "t"}, ["line 3", "no time", "drop"]),
    "text that is a number's": ("t,x\nnow,2\n", {"column": "t"}, ["line 2", "'now'", "the time"]),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_messages(case: str, tmp_path: Path) -> None:
    content, time, words = SAID[case]
    message = refused(tmp_path, content, time=time)
    assert [word for word in words if word not in message] == []


def test_nanoseconds_of_a_date(tmp_path: Path) -> None:
    rows = "2026-11-29T17:00:00.000000001Z,1\n2026-11-29 18:00:00.000000003 +01:00,2\n20261129T170000.5Z,3\n"
    assert times(tmp_path, rows, time={"column": 1, "unit": "iso8601"}) == [0, 2e-9, 0.5 - 1e-9]


def test_whole_stamps_and_fractions_in_one_file(tmp_path: Path) -> None:
    rows = "".join(f"{at},1\n" for at in range(50)) + "50.5,1\n"
    assert times(tmp_path, rows, time={"column": 1}) == [*range(50), 50.5]


def test_a_date_and_a_time_of_day_in_two_columns(tmp_path: Path) -> None:
    rows = "date,x,time\n2026-11-29,1,23:59:59.5\n2026-11-30,2,00:00:00.25\n"
    assert times(tmp_path, rows, time={"column": ["date", "time"]}) == [0, 0.75]
    assert values(tmp_path, rows, time={"column": ["date", "time"]}).tolist() == [[1], [2]]
    rows = rows.replace("2026-11-29", "29.11.26").replace("2026-11-30", "30.11.26").replace(",1,", ",+1_0,")
    said = {"column": [1, 3], "format": "%d.%m.%y %H:%M:%S.%f"}
    assert times(tmp_path, rows, time=said) == [0, 0.75]
    assert "line 3: '30.11.26 noon'" in refused(tmp_path, rows.replace("00:00:00.25", "noon"), time=said)
    assert "column 3" in refused(tmp_path, "1,2\n", time={"column": [1, 3]})


def test_a_shared_clock_is_kept_and_offset(tmp_path: Path) -> None:
    from pipeline.sources.folder.reading.read import read_series

    from ..reads import stream

    path = write(tmp_path, "1700000000500,1\n1700000001000,2\n")
    said = stream(time={"column": 1, "unit": "ms"}, offset=-2.0)
    shared = read_series([path], said, clocks="shared").series.times
    relative = read_series([path], said).series.times
    assert shared is not None
    assert relative is not None
    assert shared.tolist() == [1699999998.5, 1699999999.0]
    assert relative.tolist() == [-2.0, -1.5]


def test_an_offset_gives_a_stream_without_times_a_clock(tmp_path: Path) -> None:
    assert times(tmp_path, "1\n2\n3\n", rate=10, offset=5) == pytest.approx([5, 5.1, 5.2])
    assert values(tmp_path, "1\n2\n3\n", rate=10, offset=5)[:, 0].tolist() == [1, 2, 3]
