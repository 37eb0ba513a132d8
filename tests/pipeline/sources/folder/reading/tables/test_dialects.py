"""Text tables as programs and people write them: each has its right values, or a message that says what to do."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.sources.folder.reading.tables import lines

from ..reads import read, refused, times, values

TWO = [[1.0, 2.0], [3.0, 4.0]]
READ: dict[str, tuple[str | bytes, dict[str, Any], list[list[float]]]] = {
    "plain": ("x,y\n1,2\n3,4\n", {}, TWO),
    "no header": ("1,2\n3,4\n", {}, TWO),
    "no line end at the end": ("x,y\n1,2\n3,4", {}, TWO),
    "carriage returns": ("x,y\r\n1,2\r\n3,4\r\n", {}, TWO),
    "carriage returns alone": ("x,y\r1,2\r3,4\r", {}, TWO),
    "byte order mark": ("\ufeffx,y\n1,2\n3,4\n", {"columns": ["x", "y"]}, TWO),
    "utf-16": ("x,y\n1,2\n3,4\n".encode("utf-16"), {"columns": ["x", "y"]}, TWO),
    "tabs": ("x\ty\n1\t2\n3\t4\n", {}, TWO),
    "semicolons, decimal commas": ("x;y\n1,5;2\n3;4,25\n", {}, [[1.5, 2], [3, 4.25]]),
    "semicolons, decimal commas later": ("x;y\n1;2\n3;4,25\n", {}, [[1, 2], [3, 4.25]]),
    "tabs, decimal commas": ("1,5\t2\n3\t4,5", {}, [[1.5, 2], [3, 4.5]]),
    "bars": ("x|y\n1|2\n3|4\n", {}, TWO),
    "colons, as said": ("x:y\n1:2\n3:4\n", {"csv": {"delimiter": ":"}}, TWO),
    "aligned by blanks": ("   x    y\n 1.0  2.0\n 3.0  4.0 \n", {}, TWO),
    "aligned by blanks and tabs": ("1 \t2\n3\t 4\n", {"csv": {"delimiter": "whitespace"}}, TWO),
    "exponents in fixed width": ("  1.0000000e+000 -2.0000000e-001\n -3.0e+000  4.0e+000\n", {}, [[1, -0.2], [-3, 4]]),
    "comma and blank": ("x, y\n1, 2\n3, 4\n", {"columns": ["y", "x"]}, [[2, 1], [4, 3]]),
    "quoted": ('"x","y"\n"1","2"\n"3","4"\n', {"columns": ["x", "y"]}, TWO),
    "quoted names with commas": ('"acc, x","acc, y"\n1,2\n3,4\n', {"columns": ["acc, x", "acc, y"]}, TWO),
    "comments": ("# made by hand\n1,2\n# pause\n3,4\n", {}, TWO),
    "comments of MATLAB": ("% made by hand\n1 2\n3 4\n", {}, TWO),
    "comments as said": ("// made by hand\nx,y\n1,2\n// pause\n3,4\n", {"csv": {"comment": "//"}}, TWO),
    "names in a comment": ("# made by numpy\n# x,y\n1,2\n3,4\n", {"columns": ["x", "y"]}, TWO),
    "names in a comment of ROS": ("%time,field.x\n1,2\n3,4\n", {"columns": ["time", "field.x"]}, TWO),
    "empty lines": ("x,y\n\n1,2\n\n\n3,4\n\n", {}, TWO),
    "lines of blanks": ("x,y\n1,2\n   \n3,4\n", {}, TWO),
    "lines of delimiters": ("x,y\n1,2\n,\n3,4\n,\n,\n", {}, TWO),
    "delimiters at all ends": ("x,y,\n1,2,\n3,4,\n", {}, TWO),
    "delimiters at the ends of data": ("x,y\n1,2,\n3,4,\n", {}, TWO),
    "delimiters at some ends": ("1,2\n3,4,\n", {}, TWO),
    "delimiter at the end of names": ("x,y,\n1,2\n3,4\n", {}, TWO),
    "delimiters at ends, no names": ("1,2,\n3,4,\n", {}, TWO),
    "semicolons at ends": ("1,walk,2;\n3,walk,4;\n", {"columns": [1, 3]}, TWO),
    "row numbers of pandas": (",x,y\n0,1,2\n1,3,4\n", {}, TWO),
    "row numbers of R": ('"x" "y"\n"1" 1 2\n"2" 3 4\n', {}, TWO),
    "numbers for names": ("time,0,1\n9,1,2\n9,3,4\n", {"columns": ["0", "1"]}, TWO),
    "text before the table": ("Device: 7\nDate: today\n\nx,y\n1,2\n3,4\n", {"csv": {"skip": 3}}, TWO),
    "units below the names": ("x,y\nm/s2,m/s2\n1,2\n3,4\n", {"csv": {"skip": 2, "header": False}}, TWO),
    "two columns of one name": ("x,x\n1,2\n3,4\n", {"columns": [1, 2]}, TWO),
    "columns by number, one twice": ("a,b,c\n9,1,2\n9,3,4\n", {"columns": [3, 2, 3]}, [[2, 1, 2], [4, 3, 4]]),
    "text in a column that is not read": ("who,x,y\nann,1,2\nben,3,4\n", {"columns": ["x", "y"]}, TWO),
    "latin names": (
        "größe,y\n1,2\n3,4\n".encode("cp1252"), {"csv": {"encoding": "cp1252"}, "columns": ["größe", "y"]}, TWO,
    ),
    "Excel's hint": ("sep=;\nx;y\n1;2\n3;4\n", {"columns": ["x", "y"]}, TWO),
    "delimiters above the names": (",,\nx,y,\n1,2,\n3,4,\n", {"columns": ["x", "y"]}, TWO),
    "one column": ("x\n1.5\n2.5\n", {}, [[1.5], [2.5]]),
    "one column, decimal commas": ("x\n1,5\n2,5\n", {}, [[1.5], [2.5]]),
    "plus signs": ("x,y\n+1,+2\n+3,+4\n", {}, TWO),
    "NaN in many spellings": (
        "a,b,c,d\n1,2,3,4\nNaN,NA,null,\nnan,?,N/A,None\n5,6,7,8\n",
        {"missing": "drop"},
        [[1, 2, 3, 4], [5, 6, 7, 8]],
    ),
    "more digits than a double has": ("0.1000000000000000055511151231257827,1\n3,4\n", {}, [[0.1, 1], [3, 4]]),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_values(case: str, tmp_path: Path) -> None:
    content, said, expected = READ[case]
    assert values(tmp_path, content, **said).tolist() == expected


@pytest.mark.parametrize("case", READ)
def test_packed_values(case: str, tmp_path: Path) -> None:
    content, said, expected = READ[case]
    packed = gzip.compress(content.encode() if isinstance(content, str) else content)
    assert values(tmp_path, packed, "a.csv.gz", **said).tolist() == expected


REFUSED: dict[str, tuple[str | bytes, dict[str, Any], list[str]]] = {
    "no byte": ("", {}, ["empty"]),
    "blank": ("\n \n", {}, ["no samples"]),
    "names alone": ("x,y\n", {}, ["no samples", "names"]),
    "comments alone": ("# x\n# y\n", {}, ["no samples"]),
    "a word": ("x,y\n1,2\n3,four\n", {}, ["line 3", "column 2 (`y`)", "'four'", "no number"]),
    "a word after comments": ("# a\n\nx,y\n1,2\n\n# b\n3,four\n", {}, ["line 7", "'four'"]),
    "a word in the first line": ("0.5,abc,1.5\n1,2,3\n", {}, ["line 1", "column 2", "'abc'"]),
    "a quote without end": ('x,y\n1,"2\n3,4\n', {}, ["'1,\"2'"]),
    "a total below": ("x,y\n1,2\n3,4\ntotal 2\n", {}, ["line 4 has 1 column"]),
    "thousands": ("1.234,5;2\n1;2\n", {"csv": {"decimal": ","}}, ["line 1", "'1.234,5'"]),
    "a pointer of Git LFS": ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", {}, ["git lfs pull"]),
    "a date": ("2026-11-29 17:00,1\n2026-11-29 17:01,2\n", {}, ["line 1", "iso8601"]),
    "decimal commas in quotes": ('x,y\n"1,5","2,5"\n', {}, ["line 2", '{decimal: ","}']),
    "a decimal point among commas": ("x;y\n1,5;2,5\n1.5;2\n", {}, ["line 3", "'1.5'", 'decimal: "."']),
    "infinity": ("1,2\n3,inf\n", {}, ["line 2", "column 2", "infinite"]),
    "more than a double": ("1,2\n3,1e999\n", {}, ["line 2", "column 2"]),
    "nothing": ("x,y\n1,2\n\n,4\n", {}, ["line 4", "`x`", "no value", "1 of 4", "interpolate"]),
    "a line cut off": ("x,y,z\n1,2,3\n4,5\n", {}, ["line 3 has 2 columns", "3"]),
    "a line too long": ("x,y\n1,2\n1,2,3\n", {}, ["line 3 has 3 columns", "2"]),
    "a value after the ends": ("1,2,\n" * 60 + "1,2,3\n", {}, ["line 61", "'3'", "column 3"]),
    "text before the table": ("Device: 7\nDate: today\n\nx,y\n1,2\n3,4\n3,4\n", {}, ["lines 1 to 2", "{skip: 3}"]),
    "names of other columns": ("x,y,z,w\n1,2\n3,4\n", {"csv": {"header": True}}, ["4", "2"]),
    "no such column": ("x,y\n1,2\n", {"columns": ["z"]}, ["`z`", "columns", "`x`, `y`"]),
    "no such number": ("x,y\n1,2\n", {"columns": [3]}, ["2 columns", "column 3"]),
    "a name that two have": ("x,x\n1,2\n", {"columns": ["x"]}, ["2 columns called `x`", "1 and 2"]),
    "a name without names": ("1,2\n3,4\n", {"columns": ["x"]}, ["`x`", "header: true"]),
    "no such time": ("x,y\n1,2\n", {"time": {"column": "t"}}, ["`t`", "time.column"]),
    "time alone": ("t\n1\n2\n", {"time": {"column": "t"}}, ["no columns"]),
    "another encoding": ("größe\n1\n".encode("cp1252"), {}, ["line 1", "0xf6", "encoding"]),
    "another encoding below": (b"x,y\n1,2\n1,\xe9\n", {}, ["line 3", "0xe9", "encoding"]),
    "an encoding that is none": ("1,2\n", {"csv": {"encoding": "utf-9"}}, ["utf-9"]),
    "half an encoding": (b"1,2\n\x81", {"csv": {"encoding": "shift_jis"}}, ["shift_jis"]),
    "two characters": ("1::2\n", {"csv": {"delimiter": "::"}}, ["csv.delimiter"]),
    "binary": (b"\x00\x01\x02", {}, ["no text table"]),
    "other units": ("1,2\n", {"units": ["g", "g", "g"]}, ["3 units", "2 columns"]),
    "too few columns for joints": ("1,2\n", {"kind": "skeleton"}, ["2 columns", "x, y and z"]),
    "more skipped than there is": ("1,2\n", {"csv": {"skip": 5}}, ["no samples", "5"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_messages(case: str, tmp_path: Path) -> None:
    content, said, words = REFUSED[case]
    message = refused(tmp_path, content, **said)
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"1,2\n3,4\n", mtime=0)[:-6], b"1,2\n", gzip.compress(b"1,2\n", mtime=0)[:9] + b"damage"],
    ids=["cut off", "not packed", "damaged"],
)
def test_damaged_gzip(content: bytes, tmp_path: Path) -> None:
    assert "gzip" in refused(tmp_path, content, "a.csv.gz")


def test_a_missing_column_of_time_is_no_channel(tmp_path: Path) -> None:
    assert values(tmp_path, "t,x\n1,2\n3,4\n", time={"column": "t"}).tolist() == [[2], [4]]
    assert times(tmp_path, "t,x\n1,2\n3,4\n", time={"column": 1}) == [0, 2]


def test_thousands_of_columns(tmp_path: Path) -> None:
    names = ",".join(f"c{at}" for at in range(5000))
    row = ",".join(map(str, range(5000)))
    found = values(tmp_path, f"{names}\n{row}\n{row}\n")
    assert (found == np.arange(5000)).all()
    assert values(tmp_path, f"{names}\n{row}\n", columns=["c4999", "c0"]).tolist() == [[4999, 0]]


def test_lines_longer_and_shorter_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad line has its number wherever blocks are cut."""
    from pipeline.sources.folder.reading.tables import lines, text

    monkeypatch.setattr(text, "blocks", lambda path, encoding: lines.blocks(path, encoding, size=64))
    rows = [f"{at},{at / 7!r}" for at in range(100)]
    assert values(tmp_path, "\n".join(["x,y", "# a", "", *rows])).tolist() == [[at, at / 7] for at in range(100)]
    rows[80] = "80,bad"
    assert "line 84, column 2 (`y`): 'bad'" in refused(tmp_path, "\n".join(["x,y", "# a", "", *rows]))
    rows[80] = "80,"
    assert "line 84, column 2 (`y`): no value" in refused(tmp_path, "\n".join(["x,y", "# a", "", *rows]))


def test_the_notes_say_how_a_file_was_read(tmp_path: Path) -> None:
    notes = read(tmp_path, ",a;b,c\n0,1,2\n1,3,4\n").notes
    assert "names" in notes.layout
    assert "`,`" in notes.layout
    assert notes.left_out == ("column 1, which has no name",)
    assert notes.samples == 2


def test_a_small_file_that_unpacks_to_a_huge_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(b"1,2\n" * (1 << 19))
    assert len(values(tmp_path, packed, "a.csv.gz")) == 1 << 19
    monkeypatch.setattr(lines, "_UNPACKED", 1 << 19)
    assert "100 times its size" in refused(tmp_path, packed, "a.csv.gz")
