"""Arrays of NumPy, MATLAB and HDF5, with their axes in any order."""

from __future__ import annotations

import io
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from ..reads import read, refused, times, values

SERIES = np.arange(12.0).reshape(4, 3)  # (T, C)
JOINTS = np.arange(24.0).reshape(4, 2, 3)  # (T, J, 3)


def npy(array: Any, **said: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **said)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def mat(**arrays: Any) -> bytes:
    file = io.BytesIO()
    savemat(file, arrays, do_compression=True)
    return file.getvalue()


def hdf5(matlab: bool = False, **arrays: Any) -> bytes:
    """Write HDF5; MATLAB's own has a text in front, and axes turned round."""
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w", userblock_size=512 if matlab else 0) as root:
        for name, array in arrays.items():
            root[name.replace("__", "/")] = np.asarray(array).T if matlab else array
    content = file.getvalue()
    return b"MATLAB 7.3 MAT-file".ljust(512) + content[512:] if matlab else content


@pytest.mark.parametrize("order", [*itertools.permutations(("time", "joint", "axis"))])
def test_a_skeletons_axes_in_any_order(order: tuple[str, ...], tmp_path: Path) -> None:
    array = JOINTS.transpose([("time", "joint", "axis").index(axis) for axis in order])
    for name, content in (("a.npy", npy(array)), ("a.mat", mat(skeleton=array)), ("a.npz", npz(skeleton=array))):
        found = values(tmp_path, content, name, kind="skeleton", axes=order)
        assert (found == JOINTS).all()
        assert found.dtype == np.float64


@pytest.mark.parametrize("axes", [("time", "channel"), ("channel", "time")])
def test_a_series_axes(axes: tuple[str, ...], tmp_path: Path) -> None:
    array = SERIES if axes[0] == "time" else SERIES.T
    assert (values(tmp_path, npy(array), "a.npy", axes=axes) == SERIES).all()
    assert (values(tmp_path, hdf5(imu__acc=array), "a.h5", key="imu/acc", axes=axes) == SERIES).all()
    assert (values(tmp_path, hdf5(matlab=True, acc=array), "a.mat", axes=axes) == SERIES).all()


def test_flat_joints(tmp_path: Path) -> None:
    assert (values(tmp_path, npy(JOINTS.reshape(4, 6)), "a.npy", kind="skeleton") == JOINTS).all()
    swapped = JOINTS.transpose(0, 2, 1).reshape(4, 6)
    text = "\n".join(",".join(map(str, row)) for row in swapped)
    assert (values(tmp_path, text, kind="skeleton", axes=["time", "axis", "joint"]) == JOINTS).all()


def test_chosen_joints(tmp_path: Path) -> None:
    array = np.arange(4 * 25 * 3.0).reshape(4, 25, 3)
    found = values(tmp_path, npy(array), "a.npy", kind="skeleton", joints="ntu", columns=["head", 1])
    assert (found == array[:, [3, 0]]).all()
    assert "25 joints" in refused(tmp_path, npy(array), "a.npy", kind="skeleton", joints="kinect20")
    message = refused(tmp_path, npy(array), "a.npy", kind="skeleton", joints="kinect25", columns=["tail"])
    assert "`tail`" in message
    assert "layout" in refused(tmp_path, npy(array), "a.npy", kind="skeleton", joints="kinect99")


def test_joints_without_depth_lie_in_a_plane(tmp_path: Path) -> None:
    found = read(tmp_path, npy(JOINTS[..., :2]), "a.npy", kind="skeleton")
    assert found.notes.flat
    assert (found.series.values == JOINTS * [1, 1, 0]).all()


def test_one_channel(tmp_path: Path) -> None:
    assert values(tmp_path, npy(np.arange(3)), "a.npy").tolist() == [[0], [1], [2]]
    assert values(tmp_path, npy(np.arange(3, dtype=">i2")), "a.npy").tolist() == [[0], [1], [2]]


def test_chosen_channels_and_a_column_of_time(tmp_path: Path) -> None:
    found = read(tmp_path, npy(SERIES), "a.npy", time={"column": 1}, columns=[3])
    assert found.series.values.tolist() == [[2], [5], [8], [11]]
    assert found.series.times is not None
    assert found.series.times.tolist() == [0, 3, 6, 9]


@pytest.mark.parametrize("write", [npz, mat, hdf5])
def test_times_in_an_array_of_their_own(write: Any, tmp_path: Path) -> None:
    name = {npz: "a.npz", mat: "a.mat", hdf5: "a.h5"}[write]
    content = write(acc=SERIES, t=np.array([[0, 10, 20, 30]]).T)
    assert times(tmp_path, content, name, time={"column": "t", "unit": "ms"}) == [0, 0.01, 0.02, 0.03]
    assert (values(tmp_path, content, name, key="acc", time={"column": "t"}) == SERIES).all()
    assert "4 times" in refused(tmp_path, content, name, time={"column": "t"}, axes=["channel", "time"])
    assert "`u`" in refused(tmp_path, content, name, key="acc", time={"column": "u"})
    assert "say which in key" in refused(tmp_path, content, name)
    assert "`gyr` (key)" in refused(tmp_path, content, name, key="gyr")


def test_dates_in_an_array(tmp_path: Path) -> None:
    stamps = np.array(["2026-11-29T17:00:00", "2026-11-29T17:00:00.250"], "datetime64[ms]")
    content = npz(acc=SERIES[:2], t=stamps)
    assert times(tmp_path, content, "a.npz", key="acc", time={"column": "t", "unit": "iso8601"}) == [0, 0.25]


def test_missing_values_of_arrays(tmp_path: Path) -> None:
    array = SERIES.copy()
    array[1, 2] = np.nan
    for name, content in (("a.npy", npy(array)), ("a.mat", mat(acc=array)), ("a.h5", hdf5(acc=array))):
        assert "sample 2, column 3: no value" in refused(tmp_path, content, name)
        assert (values(tmp_path, content, name, missing="interpolate") == SERIES).all()
    array[1, 2] = np.inf
    assert "sample 2, column 3" in refused(tmp_path, mat(acc=array), "a.mat")


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    objects = np.array([{"a": 1}], dtype=object)
    for name, content in (
        ("a.npy", npy(objects, allow_pickle=True)),
        ("a.npz", npz(a=objects)),
        ("a.pkl", b"\x80\x04."),
        ("a.pickle.gz", b"\x80\x04."),
        ("a.pt", b"PK"),
    ):
        message = refused(tmp_path, content, name)
        assert "never loaded" in message
        assert "numpy.save" in message


WRONG: dict[str, tuple[str, Any, dict[str, Any], list[str]]] = {
    "cut off": ("a.npy", lambda: npy(SERIES)[:-5], {}, ["NumPy"]),
    "no array": ("a.npy", lambda: b"1,2,3", {}, ["NumPy"]),
    "no byte": ("a.npy", lambda: b"", {}, ["empty"]),
    "an empty .npz": ("a.npz", lambda: b"", {}, ["empty"]),
    "a damaged .npz": ("a.npz", lambda: npz(a=SERIES)[:-30], {}, ["NumPy"]),
    "an .npy called .npz": ("a.npz", lambda: npy(SERIES), {}, ["format: npy"]),
    "a damaged .mat": ("a.mat", lambda: mat(a=SERIES)[:-30], {}, ["truncated"]),
    "damaged HDF5": ("a.h5", lambda: hdf5(a=SERIES)[:-600], {}, ["HDF5"]),
    "no HDF5": ("a.h5", lambda: b"nothing of it", {}, ["HDF5"]),
    "text": ("a.npy", lambda: npy(np.array(["a"])), {}, ["no real numbers"]),
    "complex numbers": ("a.npy", lambda: npy(SERIES + 1j), {}, ["complex", "no real numbers"]),
    "no sample": ("a.npy", lambda: npy(SERIES[:0]), {}, ["no samples"]),
    "three axes of a series": ("a.npy", lambda: npy(JOINTS), {}, ["4 x 2 x 3", "axes"]),
    "too few axes": ("a.npy", lambda: npy(JOINTS), {"axes": ["time", "channel"]}, ["4 x 2 x 3", "axes names 2"]),
    "no time": ("a.npy", lambda: npy(SERIES), {"axes": ["channel", "joint"]}, ["needs time"]),
    "four numbers a joint": (
        "a.npy", lambda: npy(np.zeros((5, 6, 4))), {"kind": "skeleton"}, ["5 x 6 x 4", "3 long"],
    ),
    "a name of an .npy": ("a.npy", lambda: npy(SERIES), {"time": {"column": "t"}}, ["`t`", "number of a column"]),
    "a name of a column": ("a.npy", lambda: npy(SERIES), {"columns": ["x"]}, ["`x`", "1 to 3"]),
    "an end that says nothing": ("a.bin", lambda: b"1", {}, ["`.bin`", "format"]),
    "a video": ("a.mp4", lambda: b"1", {}, ["kind: video"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_messages(case: str, tmp_path: Path) -> None:
    name, make, said, words = WRONG[case]
    message = refused(tmp_path, make(), name, **said)
    assert [word for word in words if word not in message] == []


def test_hdf5_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "pip install h5py" in refused(tmp_path, b"whatever", "a.h5")
    message = refused(tmp_path, b"MATLAB 7.3 MAT-file".ljust(600), "a.mat")
    assert "pip install h5py" in message
    assert "-v7" in message
