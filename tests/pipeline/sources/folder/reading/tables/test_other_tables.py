"""Parquet and Excel."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.read import read_series
from pipeline.sources.folder.reading.whole import Reading

from ..reads import refused, stream


def parquet(folder: Path, **columns: Any) -> Path:
    pa.parquet.write_table(pa.table(columns), folder / "a.parquet")
    return folder / "a.parquet"


def excel(folder: Path, rows: list[list[Any]], sheet: str = "Sheet1") -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.create_sheet("empty")
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def read(path: Path, **said: Any) -> Reading:
    return read_series([path], stream(**said))


def test_parquet(tmp_path: Path) -> None:
    path = parquet(tmp_path, t=pa.array([10**18 + 5, 10**18 + 1], pa.int64()), x=[1.5, None], n=[1, 2], who=["a", "b"])
    found = read(path, columns=["n", "x"], time={"column": "t", "unit": "ns"}, missing="interpolate")
    assert found.series.values.tolist() == [[2, 1.5], [1, 1.5]]
    assert found.series.times is not None
    assert found.series.times.tolist() == [0, 4e-9]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_says_the_unit_of_dates_itself(unit: str, tmp_path: Path) -> None:
    stamps = pa.array([1_700_000_000, 1_700_000_002], pa.timestamp("s", "UTC")).cast(pa.timestamp(unit, "UTC"))
    found = read_series([parquet(tmp_path, t=stamps, x=[1, 2])], stream(time={"column": "t"}), clocks="shared")
    assert found.series.times is not None
    assert found.series.times.tolist() == [1_700_000_000, 1_700_000_002]


def test_parquet_of_text(tmp_path: Path) -> None:
    with pytest.raises(BrokenFileError, match=r"column 2 \(`who`\) holds string, no numbers"):
        read(parquet(tmp_path, x=[1.0], who=["a"]))


def test_parquet_without_a_value(tmp_path: Path) -> None:
    with pytest.raises(BrokenFileError, match="row 2, column 1"):
        read(parquet(tmp_path, x=[1.0, None]))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x,y\n1,2\n" * 10])
def test_damaged_parquet(content: bytes, tmp_path: Path) -> None:
    assert refused(tmp_path, content, "a.parquet")


def test_truncated_parquet(tmp_path: Path) -> None:
    content = parquet(tmp_path, x=np.arange(1000.0)).read_bytes()
    assert "Parquet" in refused(tmp_path, content[:-20], "b.parquet")
    assert "Parquet" in refused(tmp_path, content[:50] + content[90:], "b.parquet")


def test_excel(tmp_path: Path) -> None:
    start = datetime(2026, 11, 29, 17)
    rows = [["when", "x", "y"], [start, 1, 2.5], [start + timedelta(seconds=0.5), "3", None], [None, None, None]]
    found = read(excel(tmp_path, rows), time={"column": "when"}, missing="interpolate")
    assert found.series.values.tolist() == [[1, 2.5], [3, 2.5]]
    assert found.series.times is not None
    assert found.series.times.tolist() == [0, 0.5]
    assert read(excel(tmp_path, [[1, 2], [3, 4]]), time={"column": 1}).series.values.tolist() == [[2], [4]]


def test_a_date_and_a_time_of_day_in_two_columns(tmp_path: Path) -> None:
    start = datetime(2026, 11, 29, 23, 59, 59)
    moments = [start, start + timedelta(seconds=2)]
    rows = [["x", "day", "time"], *([at, each.date(), each.time()] for at, each in enumerate(moments))]
    for path in (
        excel(tmp_path, rows),
        parquet(tmp_path, x=[0, 1], day=[each.date() for each in moments], time=[each.time() for each in moments]),
    ):
        found = read(path, time={"column": ["day", "time"]}).series
        assert found.times is not None
        assert found.times.tolist() == [0, 2]


def test_excel_messages(tmp_path: Path) -> None:
    path = excel(tmp_path, [["x", "y"], [1, 2], [3, "four"]], "walk")
    with pytest.raises(BrokenFileError, match=r"row 3, column 2 \(`y`\): 'four' is no number"):
        read(path)
    with pytest.raises(BrokenFileError, match=r"no sheet `run` .*walk, empty"):
        read(path, key="run")
    with pytest.raises(BrokenFileError, match="no samples"):
        read(path, key="empty")
    assert "xlsx" in refused(tmp_path, b"damage", "b.xlsx")
    assert ".csv" in refused(tmp_path, b"damage", "b.xls")


def test_excel_without_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "pip install openpyxl" in refused(tmp_path, b"whatever", "a.xlsx")
