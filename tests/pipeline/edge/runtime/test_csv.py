"""CSV files: columns by their names, times by theirs, and the line of what is no number."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.edge.card import StreamInput
from pipeline.edge.runtime.reading.read import read_stream
from pipeline.errors import DataError

from ...exported import BODY, WRIST

NAMELESS = msgspec.structs.replace(WRIST, channels=())
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
PROPERTY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def refused(path: Path, text: str, stream: StreamInput = WRIST) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_stream(path, stream)
    return str(error.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "walk.csv"


@PROPERTY
@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=8),
    order=st.permutations(["time", "ax", "ay", "az", "note"]),
    delimiter=st.sampled_from(",;\t"),
)
def test_columns_are_taken_by_their_names_wherever_they_stand(
    path: Path, rows: list[tuple[float, ...]], order: list[str], delimiter: str
) -> None:
    names = ("time", "ax", "ay", "az")
    lines = [delimiter.join(order)]
    for row in rows:
        cells = {**dict(zip(names, map(repr, row), strict=True)), "note": f'"a{delimiter}b"'}
        lines.append(delimiter.join(cells[name] for name in order))
    path.write_text("\n".join(lines), encoding="utf-8")
    found = read_stream(path, WRIST)
    assert found.times is not None
    np.testing.assert_array_equal(np.column_stack([found.times, found.values]), np.array(rows))


@PROPERTY
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_columns_without_names_are_taken_in_order(path: Path, rows: list[tuple[float, ...]]) -> None:
    if rows[0] in ((0, 1, 2), (1, 2, 3)):
        return
    path.write_text("\n".join(",".join(map(repr, row)) for row in rows), encoding="utf-8")
    found = read_stream(path, WRIST)
    assert found.times is None
    np.testing.assert_array_equal(found.values, np.array(rows))


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("time", 3.0), ("Timestamp", 3.0), ("t", 3.0), ("seconds", 3.0), ("time_s", 3.0), ("time_ms", 3e-3),
        ("t [ms]", 3e-3), ("timestamp(us)", 3e-6), ("time µs", 3e-6), ("time_ns", 3e-9),
    ],
)  # fmt: skip
def test_times_are_seconds_unless_their_name_says_otherwise(path: Path, name: str, seconds: float) -> None:
    path.write_text(f"{name},ax,ay,az\n0,1,2,3\n3,1,2,3\n", encoding="utf-8")
    times = read_stream(path, WRIST).times
    assert times is not None
    np.testing.assert_allclose(times, [0, seconds])


@pytest.mark.parametrize("name", ["tilt", "timer", "time_h", "tms"])
def test_other_columns_are_no_times(path: Path, name: str) -> None:
    path.write_text(f"{name},ax,ay,az\n0,1,2,3\n", encoding="utf-8")
    assert read_stream(path, WRIST).times is None


def test_what_excel_writes_before_a_text_is_no_part_of_a_name(path: Path) -> None:
    path.write_text("\ufeffax,ay,az\r\n1,2,3\r\n\r\n", encoding="utf-8")
    np.testing.assert_array_equal(read_stream(path, WRIST).values, [[1, 2, 3]])


class TestRefused:
    def test_other_names(self, path: Path) -> None:
        said = refused(path, "time,accX,accY,az\n0,1,2,3\n")
        assert said.startswith(f"{path}: wrist: has no column ax, ay")
        assert "name the columns as in training: ax, ay, az" in said

    def test_names_that_no_card_knows_are_taken_in_order_if_they_are_as_many(self, path: Path) -> None:
        path.write_text("x,y,z\n1,2,3\n", encoding="utf-8")
        np.testing.assert_array_equal(read_stream(path, NAMELESS).values, [[1, 2, 3]])
        assert "has 4 columns beside times (x, y, z, q), and the model takes 3" in refused(
            path, "x,y,z,q,time\n1,2,3,4,0\n", NAMELESS
        )

    def test_more_columns_than_channels_without_names(self, path: Path) -> None:
        assert "add a first line of names (ax, ay, az, and time" in refused(path, "0,1,2,4\n.1,1,2,4\n")

    def test_a_line_that_counts_columns(self, path: Path) -> None:
        assert "counts columns" in refused(path, "0,1,2\n.1,.2,.3\n")

    def test_two_columns_of_one_name(self, path: Path) -> None:
        assert "two columns ax" in refused(path, "ax,ay,az,ax\n1,2,3,4\n")
        assert "several columns of times: time, t" in refused(path, "time,t,ax,ay,az\n0,0,1,2,3\n")

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "is empty"),
            ("\n \n", "is empty"),
            ("ax,ay,az\n", "names of columns, and no samples"),
            ("ax,ay,az\n1,2,3\n1,,3\n", "line 3, column 2 is empty"),
            ("ax,ay,az\n1,2,three\n", "line 2, column 3 holds 'three', no number"),
            ("ax;ay;az\n0,1;0,2;0,3\n", "line 2, column 1 holds '0,1', no number"),
            ("ax,ay,az,note\n1,2,3,a\n2,3,a\n", "line 3 has 3 columns, the first has 4"),
            ("ax,ay,az\n1,2,3\n\n1,2,3\n", "line 3 has 0 columns"),
        ],
    )
    def test_a_damaged_line_is_named(self, path: Path, text: str, why: str) -> None:
        assert why in refused(path, text)

    def test_an_empty_line_of_a_single_channel(self, path: Path) -> None:
        one = msgspec.structs.replace(WRIST, sample=(1,), channels=("pulse",), low=(), high=())
        assert "line 3, column 1 is empty" in refused(path, "pulse\n1\n\n2\n", one)

    def test_bytes_that_are_no_text(self, path: Path) -> None:
        path.write_bytes(b"ax,ay,az\n\xff\xfe1,2,3\n")
        with pytest.raises(DataError, match="no text in UTF-8"):
            read_stream(path, WRIST)

    def test_a_skeleton_goes_joint_after_joint(self, path: Path) -> None:
        good = [f"{joint}_{axis}" for joint in ("hip", "neck", "left", "right") for axis in "xyz"]
        row = ",".join(map(str, range(10, 22)))
        path.write_text(f"{','.join(good)}\n{row}\n", encoding="utf-8")
        np.testing.assert_array_equal(read_stream(path, BODY).values[0], np.arange(10, 22).reshape(4, 3))
        axis_by_axis = ",".join(sorted(good, key=lambda name: name[-1]))
        assert "joint after joint" in refused(path, f"{axis_by_axis}\n{row}\n", BODY)
