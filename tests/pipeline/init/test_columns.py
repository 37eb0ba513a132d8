"""Columns of tables: which is the time, what is measured, and in which unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError

from .folders import turning, wrist, write_table
from .proposals import check_read, proposal_of, source_of, streams_of


def test_tables_without_names_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            columns = [[f"{each:.4f}".replace(".", ",") for each in column] for column in wrist(60, gravity=1000.0).T]
            write_table(tmp_path / f"s{subject}_{label}.csv", columns, delimiter=";")
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["units"] == "mg"
    assert "assumed" in found.comments["source.streams.accelerometer.rate"]
    series = source_of(tmp_path, found)
    values = series.open_series(series.list().recordings[0], "accelerometer").values
    assert np.median(np.linalg.norm(values, axis=1)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("format", ["iso8601", "%Y%m%d_%H:%M:%S.%f", "%d.%m.%Y %H:%M:%S.%f"])
def test_times_that_are_dates(tmp_path: Path, format: str) -> None:
    start = datetime(2024, 3, 5, 14, 0, 1, tzinfo=UTC)
    for subject in range(1, 4):
        for label in ("walk", "run"):
            moments = [start + timedelta(milliseconds=10 * at) for at in range(150)]
            times = [
                m.isoformat(timespec="microseconds") if format == "iso8601" else m.strftime(format) for m in moments
            ]
            write_table(tmp_path / f"s{subject}_{label}.csv", [times, *wrist(150).T])
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["time"] == (
        {"column": 1, "unit": "iso8601"} if format == "iso8601" else {"column": 1, "format": format}
    )
    assert stream["rate"] == 100
    check_read(tmp_path, found, accelerometer=(3,))


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for subject in range(1, 4):
        for label in ("walk", "run"):
            values = wrist(60)
            columns = {"time": np.arange(60) / 50, **{f"a{axis}": values[:, at] for at, axis in enumerate("xyz")}}
            parquet.write_table(pa.table(columns), tmp_path / f"s{subject}_{label}.parquet")
    found = proposal_of(tmp_path)
    stream = streams_of(found)["accelerometer"]
    assert (stream["units"], stream["rate"], stream["time"]) == ("g", 50, {"column": "time"})
    check_read(tmp_path, found, accelerometer=(3,))


def test_units_that_names_of_columns_say(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            header = (
                "t [ms]",
                "Acc X (m/s^2)",
                "Acc Y (m/s^2)",
                "Acc Z (m/s^2)",
                "Gyro X (rad/s)",
                "Gyro Y (rad/s)",
                "Gyro Z (rad/s)",
            )
            columns = [np.arange(60) * 10, *(0.1 * wrist(60)).T, *turning(60, 4.0).T]
            write_table(tmp_path / f"s{subject}_{label}.csv", columns, header)
    found = proposal_of(tmp_path)
    assert streams_of(found)["inertial"]["units"] == ["m/s2"] * 3 + ["rad/s"] * 3
    assert streams_of(found)["inertial"]["rate"] == 100
    assert found.questions == []


def write_turns(root: Path, largest: float, swing: float | None = None) -> None:
    """A gyroscope that turns so fast; beside it an accelerometer whose length varies by a share of gravity."""
    for subject in range(1, 4):
        for label in ("walk", "run"):
            columns = [np.arange(60) / 50, *turning(60, largest).T]
            header = ["time", "gyro_x", "gyro_y", "gyro_z"]
            if swing is not None:
                columns += [0.001 * columns[0], 0.001 * columns[0], 1 + swing / 2 * np.sin(np.arange(60))]
                header += ["acc_x", "acc_y", "acc_z"]
            write_table(root / f"s{subject}_{label}.csv", columns, header)


@pytest.mark.parametrize(
    ("largest", "swing", "unit", "asked"),
    [
        (400.0, None, "deg/s", False),  # more than sensors measure in rad/s
        (8.0, 1.2, "rad/s", False),  # somebody moves, and in deg/s would hardly turn
        (8.0, 0.1, "rad/s", True),
        (8.0, None, "rad/s", True),
        (0.3, None, "rad/s", True),
        (60.0, None, "deg/s", True),
        (30_000.0, None, "raw", False),  # counts
    ],
)
def test_the_unit_of_a_gyroscope_by_magnitude(
    tmp_path: Path, largest: float, swing: float | None, unit: str, asked: bool
) -> None:
    write_turns(tmp_path, largest, swing)
    found = proposal_of(tmp_path)
    ((name, stream),) = streams_of(found).items()
    assert (stream["units"] if isinstance(stream["units"], str) else stream["units"][0]) == unit
    assert bool(found.questions) is asked
    comment = found.comments[f"source.streams.{name}.units"]
    assert f"gyroscope: {'guessed: ' if asked else ''}reaches" in comment
    for question in found.questions:
        assert question.guess == stream["units"]
        assert {value if isinstance(value, str) else value[0] for value, _ in question.choices} == {
            "rad/s",
            "deg/s",
            "raw",
        }


def test_a_unit_that_is_decided_on_is_not_asked_for(tmp_path: Path) -> None:
    write_turns(tmp_path, 8.0)
    decided = proposal_of(tmp_path, source__streams__gyroscope__units="deg/s")
    assert (decided.questions, streams_of(decided)["gyroscope"]["units"]) == ([], "deg/s")


def test_the_unit_of_a_gyroscope_in_an_array(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            np.save(tmp_path / f"s{subject}_{label}_gyro.npy", turning(60 + subject, 8.0))
    found = proposal_of(tmp_path)
    assert [question.guess for question in found.questions] == ["rad/s"]


def test_both_units_are_asked_for_where_neither_is_told(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            header = ("time", "linear_acc_x", "linear_acc_y", "linear_acc_z", "gyro_x", "gyro_y", "gyro_z")
            columns = [np.arange(60) / 50, *(0.2 * wrist(60)).T, *turning(60, 4.0).T]
            write_table(tmp_path / f"s{subject}_{label}.csv", columns, header)
    (question,) = proposal_of(tmp_path).questions
    assert ["m/s2"] * 3 + ["rad/s"] * 3 in [value for value, _ in question.choices]


def epoch(samples: int) -> list[int]:
    return (1_720_048_035_023 + 20 * np.arange(samples)).tolist()


def dates(samples: int) -> list[str]:
    start = datetime(2025, 3, 30, 1, 59, 58, tzinfo=UTC)
    return [(start + timedelta(milliseconds=20 * at)).isoformat(timespec="milliseconds") for at in range(samples)]


def seconds(samples: int) -> list[str]:
    jitter = np.random.default_rng(1).uniform(-0.004, 0.004, samples)
    return [f"{each:.4f}" for each in np.arange(samples) / 50 + jitter]


def milliseconds(samples: int) -> list[int]:
    return (20 * np.arange(samples)).tolist()


def write_trials(root: Path, columns: Sequence[Sequence[Any]], header: Sequence[str], delimiter: str = ",") -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            values = wrist(len(columns[0]), seed=subject, gravity=9.81).T
            write_table(root / f"s{subject}_{label}.csv", [*columns, *values], header, delimiter)


@pytest.mark.parametrize("name", ["Zeit", "zeitstempel", "Zeit [ms]", "Uhrzeit", "tiempo", "x0"])
@pytest.mark.parametrize(("stamps", "unit"), [(epoch, "ms"), (dates, "iso8601"), (seconds, None), (milliseconds, "ms")])
def test_a_column_that_rises_as_times_do_is_time_whatever_it_is_called(
    tmp_path: Path, name: str, stamps: Callable[[int], Sequence[Any]], unit: str | None
) -> None:
    write_trials(tmp_path, [stamps(100)], (name, "AccX", "AccY", "AccZ"), ";")
    found = proposal_of(tmp_path)
    ((stream, keys),) = streams_of(found).items()
    assert keys["time"] == {"column": name, **({} if unit is None else {"unit": unit})}
    assert (keys["rate"], keys["units"]) == (50, "m/s2")
    assert "by its values" in found.comments[f"source.streams.{stream}.time"]
    assert found.questions == []
    check_read(tmp_path, found, **{stream: (3,)})


def test_of_two_clocks_one_is_time_and_none_is_a_channel(tmp_path: Path) -> None:
    counter = [7 * at for at in range(100)]
    write_trials(tmp_path, [epoch(100), seconds(100), counter], ("Zeit", "time", "Paket", "acc_x", "acc_y", "acc_z"))
    (stream,) = streams_of(proposal_of(tmp_path)).values()
    assert stream["time"] == {"column": "time"}
    assert stream["columns"] == ["acc_x", "acc_y", "acc_z"]


def test_what_is_measured_is_no_time_though_it_rises(tmp_path: Path) -> None:
    rising = [f"{each:.4f}" for each in np.linspace(0, 2, 100)]
    write_trials(tmp_path, [rising], ("gyro_x", "acc_x", "acc_y", "acc_z"))
    (stream,) = streams_of(proposal_of(tmp_path)).values()
    assert "time" not in stream
    assert "columns" not in stream


def test_a_unit_in_a_column_name_tells_its_sensor(tmp_path: Path) -> None:
    pulse = np.random.default_rng(0).integers(60, 90, 100).tolist()
    header = ("Puls", "Beschl. X (m/s²)", "Beschl. Y (m/s²)", "Beschl. Z (m/s²)")
    write_trials(tmp_path, [pulse], header)
    found = proposal_of(tmp_path)
    assert streams_of(found)["accelerometer"]["units"] == ["raw", "m/s2", "m/s2", "m/s2"]
    assert "Puls: as in the files" in found.comments["source.streams.accelerometer.units"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_column_that_the_user_calls_time_is_no_channel(tmp_path: Path, whole: bool) -> None:
    doubtful = [(37 * at) % 1000 for at in range(100)]  # a counter that starts anew
    write_trials(tmp_path, [doubtful], ("Takt", "AccX", "AccY", "AccZ"))
    plain = streams_of(proposal_of(tmp_path))["accelerometer"]
    assert plain["units"] == ["raw", "m/s2", "m/s2", "m/s2"]
    time: Any = {"column": "Takt", "unit": "ms", "wraps": 1000}
    settings = {"time": time} if whole else {f"time__{key}": value for key, value in time.items()}
    found = proposal_of(tmp_path, **{f"source__streams__accelerometer__{key}": each for key, each in settings.items()})
    keys = streams_of(found)["accelerometer"]
    assert (keys["time"], keys["units"]) == (time, "m/s2")
    assert "Takt" not in keys.get("columns", [])
    check_read(tmp_path, found, accelerometer=(3,))


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8", "utf-16"])
def test_text_that_is_not_utf_8(tmp_path: Path, encoding: str) -> None:
    labels = ["gähnen"] * 100 + ["laufen"] * 100
    header = ("Uhrzeit", "Beschl. X (m/s²)", "Beschl. Y (m/s²)", "Beschl. Z (m/s²)", "label")
    for name in ("Jürgen", "Zoë"):
        path = tmp_path / f"subject_{name}.csv"
        write_table(path, [dates(200), *wrist(200, gravity=9.81).T, labels], header, ";")
        path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    found = proposal_of(tmp_path)
    stream = streams_of(found)["accelerometer"]
    other = encoding in ("cp1252", "latin-1")
    assert stream.get("csv") == ({"encoding": "cp1252"} if other else None)
    assert ("source.streams.accelerometer.csv" in found.comments) is other
    assert (stream["units"], found.document["source"]["classes"]) == ("m/s2", ["gähnen", "laufen"])
    check_read(tmp_path, found, accelerometer=(3,))


def test_columns_that_only_count_are_named(tmp_path: Path) -> None:
    for subject in (1, 2):
        lines = [f"{at / 50},{at},{at + 1},left" for at in range(100)]
        (tmp_path / f"s{subject}_walk.csv").write_text("t,x,y,side\n" + "\n".join(lines) + "\n")
    with pytest.raises(ConfigError, match=r"no columns of measured .* \(x, y: count samples, or stay the same\)"):
        proposal_of(tmp_path)
