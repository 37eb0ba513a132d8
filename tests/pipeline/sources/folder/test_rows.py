"""Arrays of many recordings: each is one, with the values that its row has, and whose it is stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.io import savemat

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.folder.listing.patterns import Pattern
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder

VALUES = np.random.default_rng(0).normal(size=(6, 40, 3))  # recordings, time, channels
LABELS = np.array([2, 1, 2, 1, 1, 2])
SUBJECTS = np.array([1, 1, 1, 7, 7, 7])
BESIDE = {"label": "y.npy", "subject": "subjects.npy"}
SERIES = {"rate": 50, "files": "x.npy"}

Write = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Folder]:
    """Save arrays by their files' names, and describe them."""
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"

    def folder(files: Mapping[str, Any], **described: Any) -> Folder:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(path)
            elif path.suffix == ".npy":
                np.save(path, content)
            elif isinstance(content, str):
                path.write_text(content)
            else:
                np.savetxt(path, content, fmt="%.17g")
        body = {"root": ".", "classes": ["walk", "run"], "labels": {"1": "walk", "2": "run"}, **described}
        return Folder(root, msgspec.convert(body, Params))

    return folder


def check(source: Folder, values: Any = VALUES, stream: str = "imu") -> None:
    """Compare what is listed and read with the arrays."""
    listing = source.list()
    assert not listing.unparsed
    rows = sorted(listing.recordings, key=lambda each: int(each.columns["row"]))
    assert [(r.subject, r.action) for r in rows] == [
        (str(subject), "walk" if label == 1 else "run") for subject, label in zip(SUBJECTS, LABELS, strict=True)
    ]
    for row, wanted in zip(rows, values, strict=True):
        series = source.open_series(row, stream)
        np.testing.assert_allclose(series.values, wanted, rtol=1e-15)
        assert series.times is None


def as_npz(path: Path) -> None:
    np.savez(path, data=VALUES, y=LABELS, who=SUBJECTS.astype(float))


def as_mat(path: Path) -> None:
    savemat(path, {"data": VALUES, "y": LABELS, "who": SUBJECTS[:, None]})


WITHIN: Any = {"label": {"key": "y"}, "subject": {"key": "who"}}


@pytest.mark.parametrize(
    ("files", "stream", "rows"),
    [
        ({"x.npy": VALUES, "y.npy": LABELS, "subjects.npy": SUBJECTS[:, None]}, SERIES, BESIDE),
        (
            {"x.npy": VALUES.transpose(0, 2, 1), "y.npy": LABELS, "subjects.npy": SUBJECTS},
            {**SERIES, "axes": ["recording", "channel", "time"]},
            BESIDE,
        ),
        (
            {"x.npy": VALUES.transpose(1, 2, 0), "y.npy": LABELS.astype(str), "subjects.npy": SUBJECTS},
            {**SERIES, "axes": ["time", "channel", "recording"]},
            BESIDE,
        ),
        ({"x.npz": as_npz}, {**SERIES, "files": "x.npz", "key": "data"}, WITHIN),
        ({"x.mat": as_mat}, {**SERIES, "files": "x.mat", "key": "data"}, WITHIN),
        (
            {f"x_{axis}.txt": VALUES[:, :, at] for at, axis in enumerate("xyz")}
            | {"meta.csv": "id,act,who\n" + "".join(f"{n},{LABELS[n]},{SUBJECTS[n]:03d}\n" for n in range(6))},
            {**SERIES, "files": "x_{part}.txt"},
            {
                "label": {"files": "meta.csv", "column": "act"},
                "subject": {"files": "meta.csv", "column": 3, "csv": {"header": True}},
            },
        ),
        (
            {"x.npy": VALUES, "y.txt": "".join(f"{('walk', 'run')[label - 1]}\n" for label in LABELS)}
            | {"meta.csv": "".join(f"{who},left\n" for who in SUBJECTS)},
            SERIES,
            {"label": "y.txt", "subject": {"files": "meta.csv", "csv": {"header": False}}},
        ),
        (
            {"x.npy": VALUES} | {"meta.csv": "hand,act,who\n" + "".join(
                f"left,{('walk', 'run')[label - 1]},{who}\n" for label, who in zip(LABELS, SUBJECTS, strict=True))},
            SERIES,
            {"label": {"files": "meta.csv", "column": "act"}, "subject": {"files": "meta.csv", "column": "who"},
             "hand": {"files": "meta.csv", "column": "hand"}},
        ),
    ],
    ids=["npy", "channels first", "recordings last", "npz", "mat", "a text file a channel", "words", "words by name"],
)  # fmt: skip
def test_each_row_is_a_recording(folder: Any, files: Any, stream: Any, rows: Any) -> None:
    check(folder(files, streams={"imu": stream}, rows=rows))


def test_a_skeleton(folder: Any) -> None:
    joints = np.random.default_rng(1).normal(size=(6, 10, 17, 3))
    stream = {"kind": "skeleton", "rate": 30, "files": "x.npy"}
    check(
        folder({"x.npy": joints, "y.npy": LABELS, "subjects.npy": SUBJECTS}, streams={"imu": stream}, rows=BESIDE),
        joints,
    )


def test_parts_of_names_are_columns_and_all_else_holds(folder: Any) -> None:
    """As of UCI-HAR's release of 2012: a folder for each side of the published split."""
    files: dict[str, Any] = {}
    padded = VALUES.copy()
    padded[0, 30:] = np.nan
    for side, rows in (("train", slice(4)), ("test", slice(4, 6))):
        files[f"{side}/acc_{side}.npy"] = padded[rows]
        files[f"{side}/y_{side}.txt"] = LABELS[rows]
        files[f"{side}/subject_{side}.txt"] = SUBJECTS[rows]
    stream = {"rate": 50, "files": "{set}/acc_{set}.npy", "units": "m/s2", "columns": [3, 1], "missing": "drop"}
    rows_of = {"label": "{set}/y_{set}.txt", "subject": "{set}/subject_{set}.txt"}
    source = folder(files, streams={"imu": stream}, rows=rows_of, only={"set": "train", "subject": 1})
    found = source.list().recordings
    assert [each.id for each in found] == ["s1_1_row2_settrain", "s1_2_row1_settrain", "s1_2_row3_settrain"]
    first = next(each for each in found if each.columns == {"row": "1", "set": "train"})
    np.testing.assert_allclose(source.open_series(first, "imu").values, VALUES[0, :30][:, [2, 0]] / 9.80665)


@pytest.mark.parametrize(
    ("files", "rows", "said"),
    [
        ({"y.npy": LABELS[:5]}, {}, r"y.npy: has 5 values, x.npy 6 rows\n  source.rows.label wants one for each"),
        ({}, {"label": "z.npy"}, r"source.rows.label: no file fits 'z.npy'"),
        (
            {"y2.npy": LABELS},
            {"label": "y*.npy"},
            r"source.rows.label: 2 files fit 'y\*.npy', such as y.npy and y2.npy",
        ),
        ({"gyro.npy": VALUES[:4]}, {}, r"gyro.npy: has 4 rows, x.npy 6"),
        ({"7.npy": VALUES}, {}, "7.npy, row 1: says subject 1, but its path says subject 7"),
    ],
)
def test_what_does_not_fit(folder: Any, files: Any, rows: Any, said: str) -> None:
    streams = {"imu": SERIES, "gyro": {**SERIES, "files": "gyro.npy"}}
    if "7.npy" in files:
        streams = {"imu": {**SERIES, "files": "{subject:d}.npy"}}
    arrays = {"x.npy": VALUES, "gyro.npy": VALUES, "y.npy": LABELS, "subjects.npy": SUBJECTS, **files}
    with pytest.raises(ConfigError, match=said):
        folder(arrays, streams=streams, rows=BESIDE | rows).list()


@pytest.mark.parametrize(
    ("files", "stream", "said"),
    [
        (
            {"y.npy": np.eye(6)},
            {},
            r"x.npy: the label of its rows, in y.npy: has shape \(6, 6\), wanted one value for each row",
        ),
        (
            {"x.npy": VALUES[None]},
            {},
            "has an array of shape 1 x 6 x 40 x 3: say what its axes are, as in axes: \\[rec",
        ),
        ({"x.npy": VALUES}, {"axes": ["time", "channel"]}, "as in axes: \\[recording, time, channel\\]"),
        ({"x.npy": "no array"}, {}, "array of NumPy"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(folder: Any, files: Any, stream: Any, said: str) -> None:
    def text(path: Path) -> None:
        path.write_text("no array")

    arrays = {"x.npy": VALUES, "y.npy": LABELS, "subjects.npy": SUBJECTS, **files}
    arrays = {name: text if isinstance(content, str) else content for name, content in arrays.items()}
    with pytest.raises(ConfigError, match=said):  # there is no other recording
        folder(arrays, streams={"imu": {**SERIES, **stream}}, rows=BESIDE).list()


def test_a_value_that_is_missing_costs_its_row(folder: Any) -> None:
    values = VALUES.copy()
    values[2, 5, 1] = np.nan
    source = folder({"x.npy": values, "y.npy": LABELS, "subjects.npy": SUBJECTS}, streams={"imu": SERIES}, rows=BESIDE)
    by_row = {each.columns["row"]: each for each in source.list().recordings}
    source.open_series(by_row["2"], "imu")
    with pytest.raises(BadRecording, match="sample 6, column 2: no value"):
        source.open_series(by_row["3"], "imu")


def test_an_array_is_read_once(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.sources.folder.reading import stack

    read, made = stack._read, []
    monkeypatch.setattr(stack, "_read", lambda path, stream: made.append(path.name) or read(path, stream))
    files = {"x.npy": VALUES + 1, "g.npy": VALUES, "y.npy": LABELS, "subjects.npy": SUBJECTS}
    source = folder(files, streams={"imu": SERIES, "gyro": {**SERIES, "files": "g.npy"}}, rows=BESIDE)
    for recording in source.list().recordings:
        for stream in ("imu", "gyro"):
            source.open_series(recording, stream)
    assert sorted(made) == ["g.npy", "x.npy"]


def test_twice_the_files_are_twice_the_work(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    match = Pattern.match
    monkeypatch.setattr(Pattern, "match", lambda self, path: tried.append(path) or match(self, path))
    described = {"streams": {"imu": {"rate": 50, "files": "{subject}_x.npy"}}, "rows": {"label": "{subject}_y.npy"}}
    costs = []
    for count in (10, 20):
        files = {f"{who}_{name}.npy": of for who in range(count) for name, of in (("x", VALUES), ("y", LABELS))}
        tried.clear()
        assert len(folder(files, **described).list().recordings) == count * len(VALUES)
        costs.append(len(tried))
    assert costs[1] == 2 * costs[0]


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"segments": {"windows": {"seconds": 1}}}, "rows: has segments beside it"),
        ({"rows": {"row": "y.npy"}}, "rows: row is no column that a file can say"),
        ({"rows": {"label": "/y.npy"}}, "rows: label: '/y.npy' is no path"),
        ({"streams": {"v": {"rate": 1, "files": "x.npy", "kind": "video"}}}, "rows: stream v has a video"),
        ({"streams": {"v": {"rate": 1, "files": "x.npy", "time": {"column": 1}}}}, "rows: stream v has times"),
    ],
)
def test_a_description_that_says_nothing_sensible(folder: Any, described: Any, said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        folder({}, **{"streams": {"imu": SERIES}, "rows": BESIDE, **described})
