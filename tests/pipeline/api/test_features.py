"""Features as xarray: the stored values, read row by row and checked, beside what each row is."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr

import pipeline

from ..project import Project

xarray = pytest.importorskip("xarray")


def zarr_of(done: Project, stage: str, key: str) -> zarr.Group:
    folder = next((done.store / "outputs" / stage / key).glob("*/zarr.json")).parent
    return zarr.open_group(folder, mode="r")


@pytest.mark.parametrize(("modality", "entry", "stage"), [("skeleton", None, "encode"), ("inertial", "gaf", "gaf")])
def test_values_are_the_stored_ones(
    done: Project, experiment: pipeline.Experiment, modality: str, entry: str | None, stage: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = experiment.features(modality, entry)
    stored = zarr_of(done, stage, features.attrs["key"])
    for name, array in stored.arrays():
        values = np.asarray(array[:])
        if name == "images":  # uint8 stands for -1 to 1
            values = values.astype(np.float32) / 127.5 - 1
        assert features[name].dims == array.metadata.dimension_names
        assert features[name].dtype == values.dtype
        np.testing.assert_array_equal(features[name].values, values)
        np.testing.assert_array_equal(features[name][5, 0].values, values[5, 0])
        np.testing.assert_array_equal(features[name][[70, 3, 3]].values, values[[70, 3, 3]])
        np.testing.assert_array_equal(features[name][60:68, ::-1].values, values[60:68, ::-1])


def test_a_row_is_its_recording(experiment: pipeline.Experiment) -> None:
    features = experiment.features("skeleton")
    listed = experiment.recordings()
    assert features.recording.values.tolist() == [row["recording"] for row in listed]
    assert features.subject.values.tolist() == [row["subject"] for row in listed]
    assert [experiment.classes[label] for label in features.label.values] == [row["action"] for row in listed]


def test_sides_are_those_that_were_trained_and_tested(experiment: pipeline.Experiment) -> None:
    features = experiment.features("skeleton")
    predictions = experiment.predictions("teacher")
    for fold in experiment.folds:
        one = features.sel(fold=fold)
        tested = one.sel(recording=one.side == "test").recording.values.tolist()
        assert tested == [row["recording"] for row in predictions if (row["fold"], row["seed"]) == (fold, 0)]
        assert set(one.subject.values[one.side.values == "test"]) == {fold.removeprefix("subject=")}
    assert (features.side != "").all()


def test_only_the_shards_of_the_rows_are_read(done: Project, tmp_path: Path) -> None:
    copy = done.copy(tmp_path / "copy")
    features = pipeline.open(copy.file).features("skeleton")
    shard = next((copy.store / "outputs" / "encode" / features.attrs["key"]).glob("*/features/c/1/0/0"))
    shard.write_bytes(bytes(len(shard.read_bytes())))
    assert np.isfinite(features.features[:64].values).all()
    with pytest.raises(pipeline.StepError, match=r"changed after it was published.*\n.*moved to .*run\(\)"):
        features.features[64].load()
    again = pipeline.open(copy.file).run("encode").features("skeleton")
    assert np.isfinite(again.features.values).all()
    with pytest.raises(pipeline.StepError, match="made anew since"):
        features.features[64].load()


def test_equal_keys_of_two_stores_are_two_arrays(done: Project, tmp_path: Path) -> None:
    one, other = (pipeline.open(done.copy(tmp_path / name).file).features("skeleton") for name in ("a", "b"))
    assert one.features.data.name != other.features.data.name


def test_other_processes_read_them_too(experiment: pipeline.Experiment) -> None:
    features = experiment.features("skeleton").features
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(again[3].values, features[3].values)


def test_times_are_the_middles_of_windows(experiment: pipeline.Experiment) -> None:
    features = experiment.features("skeleton")
    window, stride, length = (features.attrs[name] for name in ("window", "stride", "length"))
    middles = [np.arange(start, start + window).mean() for start in range(0, length - window + 1, stride)]
    np.testing.assert_allclose(features.time.values, np.array(middles) / (length - 1))
    np.testing.assert_allclose(features.sample_time.values, np.arange(length) / (length - 1))
    assert features.time.attrs["units"] == "1"


@pytest.mark.parametrize("align", ["truncate", "pad"])
def test_times_are_seconds_where_recordings_keep_their_length(
    small: dict[str, object], tmp_path: Path, align: str
) -> None:
    encode = {"inertial": {"align": align, "keep_series": False, "window": 10, "stride": 5, "patches": 6}}
    project = Project(tmp_path / "project").write({**small, "stages": {"encode": encode}})
    project.run()
    times = pipeline.open(project.file).features("inertial").time
    np.testing.assert_allclose(times.values, (np.arange(6) * 5 + 4.5) / 50)  # the sample's wrist sensor has 50 Hz
    assert times.attrs["units"] == "s"


def test_they_can_be_written_elsewhere(experiment: pipeline.Experiment, tmp_path: Path) -> None:
    features = experiment.features("skeleton")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zarr: text of fixed width has no specification yet
        features.to_zarr(tmp_path / "copy.zarr")
    assert xarray.open_zarr(tmp_path / "copy.zarr").equals(features)
