"""Whatever is written in whatever dialect is read back to the bit: numbers, and clocks."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.tables.dialect import MISSING

from ..reads import read

NUMBER = st.floats(allow_nan=False, allow_infinity=False)
WRITTEN = [repr, "{:.17e}".format, "{:+.17g}".format, " {!r} ".format, "{:.3f}".format]


def read_back(content: str, **said: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return read(Path(folder), content, **said).series


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_numbers(data: st.DataObject) -> None:
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|", " "]))
    decimal = data.draw(st.sampled_from([".", "," if delimiter != "," else "."]))
    write = data.draw(st.sampled_from(WRITTEN[:3] if delimiter == " " else WRITTEN))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    names = data.draw(st.booleans())
    width = data.draw(st.integers(2, 5))
    rows = data.draw(st.lists(st.lists(NUMBER, min_size=width, max_size=width), min_size=1, max_size=8))
    text = [[write(each) for each in row] for row in rows]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    if names:
        writer.writerow([f"c{at}" for at in range(width)])
    writer.writerows([[each.replace(".", decimal) for each in row] for row in text])
    said = {} if data.draw(st.booleans()) and decimal == "." else {"csv": {"delimiter": delimiter, "decimal": decimal}}
    found = read_back(file.getvalue(), **said).values
    expected = np.array([[float(each) for each in row] for row in text])
    assert (
        found.tobytes() == (expected + 0.0 if (found + 0.0 == expected + 0.0).all() and False else expected).tobytes()
    )


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789.eE+-_ xXinfaINFtyd", min_size=1, max_size=8))
def test_what_is_a_number_is_what_python_says(text: str) -> None:
    """Read beside good ones; what is none is refused, with its line."""
    try:
        expected = float(text)
    except ValueError:
        expected = math.nan if text.strip() in MISSING else None
    content = f"x,y\n0,1\n2,{text}\n"
    if expected is not None and not math.isinf(expected):
        found = read_back(content, missing="interpolate", csv={"delimiter": ","}).values[1, 1]
        assert found == (1 if math.isnan(expected) else expected)
        return
    with pytest.raises(BrokenFileError, match=r"line 3, column 2 \(`y`\)"):
        read_back(content, csv={"delimiter": ","})


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["s", "ms", "us", "ns"]),
    st.integers(-(10**18), 10**18),
    st.lists(st.integers(0, 10**12), min_size=2, max_size=20, unique=True),
)
def test_whole_clocks(unit: str, first: int, steps: list[int]) -> None:
    """Differences are exact before they are rounded: nanoseconds since 1970 have more digits than a double."""
    stamps = [first + step for step in sorted(steps)]
    found = read_back("t,x\n" + "".join(f"{stamp},1\n" for stamp in stamps), time={"column": "t", "unit": unit})
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    assert found.times.tolist() == [float(Fraction(stamp - stamps[0], per_second)) for stamp in stamps]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=20, unique=True), st.randoms(use_true_random=False))
def test_clocks_in_any_order(seconds: list[float], random: Any) -> None:
    shuffled = [*enumerate(sorted(seconds))]
    random.shuffle(shuffled)
    found = read_back("".join(f"{time!r},{at}\n" for at, time in shuffled), time={"column": 1})
    assert found.values[:, 0].tolist() == [*range(len(seconds))]
    assert found.times.tolist() == [time - min(seconds) for time in sorted(seconds)]


ZONE = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))])


@settings(max_examples=100, deadline=None)
@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.lists(st.integers(1, 10**10), max_size=10), st.data()
)
def test_dates(first: datetime, steps: list[int], data: st.DataObject) -> None:
    """Each stamp may be of another zone; microseconds are exact."""
    moments = [first.replace(tzinfo=UTC)]
    for step in steps:
        moments.append(moments[-1] + timedelta(microseconds=step))
    aware = data.draw(st.booleans())
    format = data.draw(st.sampled_from([None, "%d.%m.%Y %H:%M:%S.%f", "%Y%m%d_%H:%M:%S.%f"] if not aware else [None]))
    if aware:
        texts = [moment.astimezone(data.draw(ZONE)).isoformat(data.draw(st.sampled_from("T "))) for moment in moments]
    else:
        texts = [
            moment.replace(tzinfo=None).strftime(format) if format else moment.replace(tzinfo=None).isoformat()
            for moment in moments
        ]
    time = {"column": "t", "format": format} if format else {"column": "t", "unit": "iso8601"}
    found = read_back("t;x\n" + "".join(f"{text};1\n" for text in texts), time=time)
    expected = [(moment - moments[0]) / timedelta(microseconds=1) for moment in moments]
    assert [round(1e6 * each) for each in found.times] == expected
    assert all(math.isfinite(each) for each in found.times)
