"""Arrays of recordings, beside arrays of labels and subjects: `init` proposes `rows`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from tests.pipeline.init.proposals import check_read, proposal_of, source_of, streams_of

Arrays = dict[str, NDArray[Any]]
_SAMPLES, _NAMES = 40, np.array(["walk", "run", "sit"])


def _arrays(count: int = 30, first: int = 1) -> Arrays:
    """Accelerations (recordings, time, channels), labels and subjects."""
    at = np.arange(count)
    values = np.random.default_rng(count).normal(0, 0.2, (count, _SAMPLES, 3)) + np.array([0, 0, 9.8])
    return {"X": values, "y": at % 3, "subject": first + at // 10}


def _check(root: Path, *, classes: tuple[str, ...], subjects: int, count: int) -> dict[str, Any]:
    """Check what the source lists and reads by the proposal; return the source's section."""
    proposal = proposal_of(root)
    source = check_read(root, proposal, **dict.fromkeys(streams_of(proposal), (3,)))
    recordings = source.list().recordings
    assert proposal.listing.recordings == recordings
    assert len(recordings) == count
    assert tuple(proposal.document["source"]["classes"]) == classes
    assert len({each.subject for each in recordings}) == subjects
    return {**proposal.document["source"], "protocol": proposal.document["protocol"]}


@pytest.mark.parametrize(
    ("samples", "labels", "subjects"),
    [
        ("X_{}", "y_{}", "subject_{}"),
        ("x_{}", "labels_{}", "subjects_{}"),
        ("X{}", "Y{}", "participants_{}"),
        ("{}_X", "{}_labels", "{}_users"),
        ("{}/X", "{}/y", "{}/groups"),
        ("data/{}/x_{}", "data/{}/activity_{}", "data/{}/subj_{}"),
        ("latest/X_{}", "latest/y_{}", "latest/subject_{}"),
        ("trains/{}_X", "trains/{}_y", "trains/{}_subject"),
    ],
)
def test_files_of_sets(tmp_path: Path, samples: str, labels: str, subjects: str) -> None:
    for name, count, first in (("train", 40, 1), ("test", 20, 5)):
        for spelled, array in zip((samples, labels, subjects), _arrays(count, first).values(), strict=True):
            path = tmp_path / f"{spelled.replace('{}', name)}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)
    found = _check(tmp_path, classes=("0", "1", "2"), subjects=6, count=60)
    assert found["streams"]["sensor"]["files"] == f"{samples.replace('{}', '{set}')}.npy"
    assert found["streams"]["sensor"]["units"] == "m/s2"
    assert found["rows"] == {
        role: f"{each.replace('{}', '{set}')}.npy" for role, each in (("label", labels), ("subject", subjects))
    }
    assert found["protocol"] == {"test": {"set": "test"}}


@pytest.mark.parametrize("end", ["npz", "mat"])
def test_arrays_of_one_file(tmp_path: Path, end: str) -> None:
    path, arrays = tmp_path / f"all.{end}", _arrays()
    if end == "mat":
        scipy.io.savemat(path, arrays)
    else:
        np.savez(path, **{**arrays, "y": _NAMES[arrays["y"]]})
    classes = ("0", "1", "2") if end == "mat" else ("run", "sit", "walk")
    found = _check(tmp_path, classes=classes, subjects=3, count=30)
    assert found["streams"]["sensor"] | {"files": f"all.{end}", "key": "X"} == found["streams"]["sensor"]
    assert found["rows"] == {"label": {"key": "y"}, "subject": {"key": "subject"}}


def test_a_set_alone_with_channels_before_time(tmp_path: Path) -> None:
    for name, array in _arrays().items():
        np.save(tmp_path / f"{name}_train.npy", array.transpose(0, 2, 1) if name == "X" else array)
    found = _check(tmp_path, classes=("0", "1", "2"), subjects=3, count=30)
    assert found["streams"]["sensor"]["files"] == "X_train.npy"
    assert found["streams"]["sensor"]["axes"] == ["recording", "channel", "time"]


def test_several_sensors_and_what_is_of_no_use(tmp_path: Path) -> None:
    arrays = _arrays()
    np.save(tmp_path / "X_acc.npy", arrays["X"])
    np.save(tmp_path / "X_gyro.npy", arrays["X"] - 9.8)
    np.save(tmp_path / "X_other.npy", arrays["X"][:7])
    np.save(tmp_path / "labels.npy", arrays["y"])
    np.save(tmp_path / "y.npy", arrays["y"])
    np.save(tmp_path / "subject.npy", arrays["subject"])
    proposal = proposal_of(tmp_path)
    assert [*streams_of(proposal)] == ["acc", "gyro"]
    assert [note for note in proposal.notes if "left out" in note] == [
        "y.npy: left out: labels.npy is taken for the label of recordings",
        "X_other.npy: left out: has other numbers of recordings than X_acc.npy",
    ]


def test_skeletons(tmp_path: Path) -> None:
    arrays = _arrays()
    poses = np.random.default_rng(0).normal(size=(30, _SAMPLES, 17, 3))
    np.savez(tmp_path / "poses.npz", **{**arrays, "X": poses})
    proposal = proposal_of(tmp_path)
    source = source_of(tmp_path, proposal)
    assert streams_of(proposal)["sensor"]["kind"] == "skeleton"
    assert source.probe(source.list().recordings[0], "sensor").shape[-2:] == (17, 3)


def test_nobody_says_who(tmp_path: Path) -> None:
    arrays = _arrays()
    np.save(tmp_path / "X.npy", arrays["X"])
    np.save(tmp_path / "y.npy", arrays["y"])
    with pytest.raises(ConfigError, match=r"X\.npy: has recordings \(30 x 40 x 3\), but no array .*\n  save .*subject"):
        proposal_of(tmp_path)


def test_sets_that_are_arrays_of_one_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", **{f"{name}_{part}": a for part in ("train", "test") for name, a in _arrays().items()})
    with pytest.raises(ConfigError, match=r"d\.npz: has the array X_train: .*\n  save a file for each set"):
        proposal_of(tmp_path)


@pytest.mark.parametrize("labels", [np.eye(3)[np.arange(30) % 3], None], ids=["one-hot", "none"])
def test_arrays_that_say_no_label_are_told(tmp_path: Path, labels: NDArray[np.float64] | None) -> None:
    for name, array in _arrays().items():
        if name != "y" or labels is not None:
            np.save(tmp_path / f"{name}.npy", array if name != "y" else labels)
    with pytest.raises(ConfigError, match=r"X\.npy: has an array of shape \(30, 40, 3\), .*npy one of "):
        proposal_of(tmp_path)
