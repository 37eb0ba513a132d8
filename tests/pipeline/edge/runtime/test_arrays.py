"""NumPy and MATLAB files: an array of which one axis is time, and no guess which."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy.io import savemat

from pipeline.edge.card import StreamInput
from pipeline.edge.runtime.reading.read import read_stream
from pipeline.edge.runtime.recordings import Claims, prepared
from pipeline.errors import DataError

from ...exported import BODY, WRIST, card_of

WRIST_6 = msgspec.structs.replace(WRIST, sample=(6,), channels=(), low=(), high=())
VALUES = np.random.default_rng(0).normal(size=(50, 6))
JOINTS = np.random.default_rng(1).normal(size=(50, 4, 3))


def refused(path: Path, stream: StreamInput) -> str:
    with pytest.raises(DataError) as error:
        prepared(card_of(stream), {stream.name: read_stream(path, stream)}, Claims({stream.name: stream.rate}))
    return str(error.value)


class TestNumPy:
    def test_an_array(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", JOINTS.astype(np.float32))
        np.testing.assert_array_equal(read_stream(tmp_path / "a.npy", BODY).values, JOINTS.astype(np.float32))

    def test_one_channel_may_be_a_plain_row(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", VALUES[:, 0])
        one = msgspec.structs.replace(WRIST_6, sample=(1,))
        np.testing.assert_array_equal(read_stream(tmp_path / "a.npy", one).values, VALUES[:, :1])

    def test_an_archive_with_times(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", values=VALUES, times=np.arange(50) / 50)
        found = read_stream(tmp_path / "a.npz", WRIST_6)
        assert found.times is not None
        np.testing.assert_array_equal(found.times, np.arange(50) / 50)

    def test_time_that_stands_last(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", VALUES.T)
        assert "has shape 6 x 50, and the model takes T x 6" in refused(tmp_path / "a.npy", WRIST_6)
        assert "time first" in refused(tmp_path / "a.npy", WRIST_6)

    def test_a_wrong_number_of_channels(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", VALUES)
        assert "store the 3 channels of training alone: ax, ay, az" in refused(tmp_path / "a.npy", WRIST)

    def test_other_names_of_arrays(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", acc=VALUES)
        assert "has no array `values` (found: acc)" in refused(tmp_path / "a.npz", WRIST_6)

    def test_pickles_are_not_loaded(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
        assert "cannot be read by NumPy" in refused(tmp_path / "a.npy", WRIST_6)
        np.savez(tmp_path / "a.npz", values=np.array([{"a": 1}], object))
        assert "cannot be read" in refused(tmp_path / "a.npz", WRIST_6)

    @pytest.mark.parametrize("kept", [0, 5, 60, 300])
    def test_a_file_that_was_cut_off(self, tmp_path: Path, kept: int) -> None:
        np.save(tmp_path / "a.npy", VALUES)
        np.savez_compressed(tmp_path / "b.npz", values=VALUES)
        for path in (tmp_path / "a.npy", tmp_path / "b.npz"):
            path.write_bytes(path.read_bytes()[:kept])
            assert "cannot be read" in refused(path, WRIST_6)

    def test_words_and_complex_numbers(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", VALUES.astype("U8"))
        assert "not real numbers" in refused(tmp_path / "a.npy", WRIST_6)
        np.save(tmp_path / "a.npy", VALUES + 1j)
        assert "not real numbers" in refused(tmp_path / "a.npy", WRIST_6)


class TestMatlab:
    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_time_may_be_any_axis(self, tmp_path: Path, at: int) -> None:
        savemat(tmp_path / "a.mat", {"d_skel": np.moveaxis(JOINTS, 0, at)})
        np.testing.assert_array_equal(read_stream(tmp_path / "a.mat", BODY).values, JOINTS)

    def test_times_beside_it(self, tmp_path: Path) -> None:
        savemat(tmp_path / "a.mat", {"acc": VALUES, "t": np.arange(50) / 50})
        found = read_stream(tmp_path / "a.mat", WRIST_6)
        assert found.times is not None
        np.testing.assert_array_equal(found.times, np.arange(50) / 50)

    def test_what_can_be_read_in_two_ways_is_refused(self, tmp_path: Path) -> None:
        savemat(tmp_path / "a.mat", {"acc": VALUES[:6]})
        assert "in more than one way as T x 6" in refused(tmp_path / "a.mat", WRIST_6)
        savemat(tmp_path / "a.mat", {"left": VALUES, "right": VALUES})
        assert "in more than one way" in refused(tmp_path / "a.mat", WRIST_6)
        savemat(tmp_path / "a.mat", {"acc": VALUES[:, :5]})
        assert "its arrays (acc 50 x 5) can be read in no way as T x 6" in refused(tmp_path / "a.mat", WRIST_6)

    def test_what_is_no_matlab_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.mat").write_text("ax,ay,az\n" * 40)
        assert "is not a MATLAB v5 file" in refused(tmp_path / "a.mat", WRIST_6)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\n")
    assert "files in .txt are not read" in refused(tmp_path / "a.txt", WRIST)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "a.csv", WRIST)
    (tmp_path / "b.csv").mkdir()
    assert "Is a directory" in refused(tmp_path / "b.csv", WRIST)
