"""Data sets that are joined: what they share is listed and read, and one is trained on to test the other."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import scipy.io

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.joined.params import Params
from pipeline.sources.joined.source import Joined
from pipeline.sources.validate_listing import validated_listing

from .berkeley_mhad_files import write

DESCRIBED: dict[str, Any] = {
    "parts": {"utd": {"name": "utd-mhad", "folder": "u"}, "berkeley": {"name": "berkeley-mhad"}},
    "classes": {
        "wave": {"utd": "wave", "berkeley": ["waving_one_hand", "waving_two_hands"]},
        "clap": {"utd": "clap", "berkeley": "clapping_hands"},
    },
    "modalities": {"wrist": {"utd": "accelerometer", "berkeley": {"modality": "left-wrist", "scale": 2}}},
}
WAVE, CLAP, THROW = 3, 4, 5  # in UTD-MHAD
TWO, ONE, CLAPPING, JUMPING = 5, 6, 7, 1  # in Berkeley-MHAD


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two data sets of two subjects, with a class each that the other has not."""
    random = np.random.default_rng(0)
    for action in (WAVE, CLAP, THROW):
        for subject in (1, 2):
            path = tmp_path / f"u/Inertial/a{action}_s{subject}_t1_inertial.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            scipy.io.savemat(path, {"d_iner": random.normal(size=(120, 6))})
    for action in (TWO, ONE, CLAPPING, JUMPING):
        for subject in (1, 2):
            rows = [(*random.normal(size=3) * 0.2, n / 31) for n in range(90)]
            write(tmp_path / "berkeley", rows, f"Accelerometer/Shimmer01/acc_h01_s0{subject}_a{action:02d}_r01.txt")
    return tmp_path


def joined(root: Path, **changes: Any) -> Joined:
    return Joined(root, msgspec.convert({"root": str(root), **DESCRIBED, **changes}, Params))


def test_recordings_of_shared_classes_are_listed_under_names_of_their_own(root: Path) -> None:
    recordings = validated_listing(joined(root)).recordings
    assert Counter((each.columns["dataset"], each.action) for each in recordings) == {
        ("utd", "wave"): 2,
        ("utd", "clap"): 2,
        ("berkeley", "wave"): 4,
        ("berkeley", "clap"): 2,
    }
    first = recordings[0]
    assert (first.id, first.subject) == ("berkeley_s01_a05_r01", "berkeley-1")
    assert first.streams == {"wrist": ("berkeley/Accelerometer/Shimmer01/acc_h01_s01_a05_r01.txt",)}
    assert next(each for each in recordings if each.subject == "utd-2").streams["wrist"][0].startswith("u/Inertial/")


def test_values_are_those_of_the_part_in_the_shared_unit_and_at_its_own_times(root: Path) -> None:
    source = joined(root)
    by_id = {each.id: each for each in source.list().recordings}
    ours = source.open_series(by_id["utd_a03_s1_t1"], "wrist")
    raw = scipy.io.loadmat(root / "u/Inertial/a3_s1_t1_inertial.mat")["d_iner"]
    np.testing.assert_array_equal(ours.values, raw[:, :3])
    np.testing.assert_allclose(ours.times, np.arange(120) / 50)
    theirs = source.open_series(by_id["berkeley_s01_a05_r01"], "wrist")
    rows = np.loadtxt(root / "berkeley/Accelerometer/Shimmer01/acc_h01_s01_a05_r01.txt")
    np.testing.assert_allclose(theirs.values, 2 * rows[:, :3])
    np.testing.assert_allclose(np.diff(theirs.times), np.diff(rows[:, 3]))  # type: ignore[arg-type]


def test_a_broken_file_is_told_with_its_path_below_the_shared_root(root: Path) -> None:
    (root / "u/Inertial/a3_s1_t1_inertial.mat").write_bytes(b"nothing")
    source = joined(root)
    recording = next(each for each in source.list().recordings if each.id == "utd_a03_s1_t1")
    with pytest.raises(BadRecording) as caught:
        source.probe(recording, "wrist")
    assert caught.value.recording == "utd_a03_s1_t1"
    assert caught.value.path == "u/Inertial/a3_s1_t1_inertial.mat"


def test_one_data_set_is_trained_on_and_the_other_tested(project: Any, root: Path) -> None:
    experiment = {
        "source": {"name": "joined", "root": str(root), **DESCRIBED},
        "modalities": ["wrist"],
        "protocol": {"train": {"dataset": "utd"}, "test": {"dataset": "berkeley"}},
        "seeds": [0],
        "stages": {
            "encode": {"wrist": {"window": 8, "stride": 4, "patches": 6}},
            "cnn": {
                "stage": "train",
                "needs": ["encode"],
                "model": {"name": "cnn1d", "width": 4, "blocks": 2},
                "fit": {"epochs": 1},
            },
            "evaluate": {"needs": ["cnn"]},
        },
    }
    project.write(experiment).run()
    plan = project.plan()
    step = next(step for step in plan.steps.values() if step.stage == "evaluate")
    lines = plan.store.output("evaluate", step.key).read_bytes("predictions.jsonl").decode().splitlines()
    tested = [msgspec.json.decode(line) for line in lines]
    assert len(tested) == 6
    assert {each["subject"] for each in tested} == {"berkeley-1", "berkeley-2"}
    assert {each["label"] for each in tested} == {"wave", "clap"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parts": {"utd": {"name": "utd-mhad"}}}, "parts: there is one data set at most"),
        ({"parts": {"a": {"name": "utd-mhad"}, "b": {"name": "utd-mhad", "folder": "a"}}}, "two have the folder a"),
        ({"classes": {"wave": {"urban": "wave"}}}, "classes.wave: there is no part urban; there are utd, berkeley"),
        ({"modalities": {"wrist": {"utd": "inertial"}}}, "modalities.wrist: not said of berkeley"),
    ],
)
def test_what_does_not_name_the_parts_is_refused(root: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        joined(root, **changes)


UTD = {"name": "utd-mhad", "folder": "u"}
BERKELEY = {"name": "berkeley-mhad"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parts": {"utd": {"name": "sample"}, "berkeley": BERKELEY}}, "source.parts.utd.name: 'sample' is no source"),
        ({"parts": {"utd": {**UTD, "root": "u"}, "berkeley": BERKELEY}}, "source.parts.utd.root: .* write folder: utd"),
        ({"parts": {"utd": {**UTD, "folder": "../u"}, "berkeley": BERKELEY}}, "source.parts.utd.folder: '../u' is no"),
        ({"parts": {"utd": UTD, "berkeley": {**BERKELEY, "limit": -1}}}, "source.parts.berkeley: .*limit"),
        ({"classes": {"wave": {"utd": "waving"}}}, "source.classes.wave.utd: utd-mhad has no class waving"),
        ({"classes": {"a": {"utd": "wave"}, "b": {"utd": "wave"}}}, "source.classes.b.utd: wave is a, too"),
        (
            {"modalities": {"wrist": {"utd": "skeleton", "berkeley": "left-wrist"}}},
            "source.modalities.wrist: is skeleton in utd, series in berkeley",
        ),
        ({"modalities": {"wrist": {"utd": "depth", "berkeley": "rgb"}}}, "source.modalities.wrist.utd: depth is video"),
        (
            {"modalities": {"wrist": {"utd": "inertial", "berkeley": "left-wrist"}}},
            "source.modalities.wrist: its channels are g g g deg/s deg/s deg/s in utd, g g g in berkeley",
        ),
        ({"modalities": {"wrist": {"utd": "nose", "berkeley": "rgb"}}}, "source.modalities.wrist.utd: utd-mhad has no"),
    ],
)
def test_what_the_parts_do_not_have_is_refused_with_its_key(root: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        joined(root, **changes)
    assert re.match(said, str(caught.value).replace("\n", " "))
