"""A trained model says the same of raw recordings as of stored features, whichever way they come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline

from ..project import Project

FOLD, SEED = "subject=3", 0


def stored(experiment: pipeline.Experiment, entry: str) -> dict[str, tuple[str, float]]:
    return {
        row["recording"]: (row["predicted"], row["probability"])
        for row in experiment.predictions(entry)
        if (row["fold"], row["seed"]) == (FOLD, SEED)
    }


def raw(experiment: pipeline.Experiment, *streams: str) -> dict[str, dict[str, Any]]:
    """Return the test side's raw arrays by recording, as the source reads them."""
    source = experiment._plan.points[0].source
    tested = [each for each in source.list().recordings if each.subject == "3"]
    read = {each.id: {stream: source.open_series(each, stream) for stream in streams} for each in tested}
    return {
        id_: {stream: (series.values, series.times) if series.times is not None else series.values
              for stream, series in found.items()}
        for id_, found in read.items()
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "streams"), [("teacher", ["skeleton", "inertial"]), ("images", ["inertial"]), ("distilled", ["inertial"])]
)
def test_raw_arrays_are_encoded_as_training_was(
    experiment: pipeline.Experiment, entry: str, streams: list[str]
) -> None:
    expected = stored(experiment, entry)
    model = experiment.model(entry, fold=FOLD, seed=SEED)
    arrays = raw(experiment, *streams)
    predicted = model.predict(list(arrays.values()))
    assert [row["recording"] for row in predicted] == [f"{number:02}" for number in range(24)]
    assert [row["predicted"] for row in predicted] == [expected[id_][0] for id_ in arrays]
    probabilities = [expected[id_][1] for id_ in arrays]
    assert [row["probability"] for row in predicted] == pytest.approx(probabilities, abs=2e-5)
    (alone,) = model.predict(next(iter(arrays.values())))
    assert (alone["predicted"], alone["probability"]) == (
        predicted[0]["predicted"], pytest.approx(predicted[0]["probability"], abs=2e-5)
    )  # fmt: skip


def test_stored_recordings_are_predicted_by_name(experiment: pipeline.Experiment) -> None:
    model = experiment.model("distilled", fold=FOLD, seed=SEED)
    predicted = model.predict(experiment.dataset("distilled", "test", fold=FOLD), every_class=True)
    expected = stored(experiment, "distilled")
    assert {row["recording"]: row["predicted"] for row in predicted} == {
        id_: said for id_, (said, _) in expected.items()
    }
    for row in predicted:
        by_class = {name: row[name] for name in model.classes}
        assert sum(by_class.values()) == pytest.approx(1, abs=1e-5)
        assert max(by_class, key=by_class.__getitem__) == row["predicted"]


def test_what_cannot_be_used_is_said_of_that_recording(experiment: pipeline.Experiment) -> None:
    good = next(iter(raw(experiment, "skeleton", "inertial").values()))
    holes = {**good, "inertial": np.full((50, 6), np.nan)}
    flat = {**good, "skeleton": np.zeros((40, 60))}
    backwards = {**good, "inertial": (np.zeros((3, 6)), [0.0, 2.0, 1.0])}
    words = {**good, "inertial": np.array([["a"] * 6] * 9)}
    given = [good, {"skeleton": good["skeleton"]}, holes, flat, backwards, words]
    rows = experiment.model("teacher").predict(given)
    assert [row["predicted"] is None for row in rows] == [False, True, True, True, True, True]
    problems = [row.get("problem", "") for row in rows]
    wanted = ["no inertial", "finite", "(60,)", "decreas", "wanted numbers"]
    assert [said in problem for said, problem in zip(wanted, problems[1:], strict=True)] == [True] * 5, problems


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"wrist": np.zeros((9, 6))}, "wrist is no stream .*\n.*sees inertial$"),
        ([], "no recordings"),
        ("recordings", "sample reads no folder"),
        ({"inertial": np.zeros((0, 6))}, "no recording can be used"),
        ({"inertial": np.ones((50, 3))}, r"inertial:series: a recording becomes \(\d+, 3\), .*\n.*channels"),
    ],
)
def test_mistakes_are_told_with_the_remedy(experiment: pipeline.Experiment, given: Any, what: str) -> None:
    with pytest.raises(pipeline.PipelineError, match=what):
        experiment.model("distilled").predict(given)


def test_a_folder_is_read_as_the_source_reads_its_own(tmp_path: Path, cache: Path) -> None:
    draw = np.random.default_rng(0)
    for subject in "1234":
        for label, rate in ("slow", 1.0), ("fast", 5.0):
            for trial in "12":
                path = tmp_path / "data" / subject / f"{label}-{trial}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                wave = np.sin(np.arange(120) / 25 * rate * 2 * np.pi)[:, None] + draw.normal(0, 0.1, (120, 3))
                np.savetxt(path, wave, delimiter=",", header="x,y,z", comments="")
    values = {
        "source": {
            "name": "folder",
            "root": "data",
            "classes": ["fast", "slow"],
            "streams": {"wrist": {"files": "{subject}/{label}-{session}.csv", "columns": ["x", "y", "z"], "rate": 25}},
        },
        "modalities": ["wrist"],
        "protocol": "subject-50-50",
        "seeds": [0],
        "stages": {
            "encode": {"wrist": {"window": 10, "stride": 5, "patches": 8}},
            "student": {"stage": "train", "needs": ["encode"], "model": "cnn1d", "fit": {"epochs": 5}},
            "evaluate": {"needs": ["student"]},
        },
    }
    project = Project(tmp_path).write(values)
    project.run()
    opened = pipeline.open(project.file)
    (tmp_path / "data" / "2").rename(tmp_path / "elsewhere")
    (tmp_path / "new" / "2").parent.mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / "new" / "2")
    expected = {row["recording"]: row["predicted"] for row in opened.predictions() if row["subject"] == "2"}
    predicted = opened.model("student").predict(tmp_path / "new")
    assert len(predicted) == 4
    assert {row["recording"]: row["predicted"] for row in predicted} == expected
    (tmp_path / "new" / "2" / "slow-1.csv").write_text("x,y,z\nno,numbers,here\n")
    broken = [row for row in opened.model("student").predict(tmp_path / "new") if row["predicted"] is None]
    assert len(broken) == 1
    assert "slow-1.csv" in broken[0]["problem"]
    with pytest.raises(pipeline.PipelineError, match="nowhere"):
        opened.model("student").predict(tmp_path / "nowhere")


def test_videos_come_as_frames(small: dict[str, Any], tmp_path: Path) -> None:
    network = {"backbone": "resnet18", "weights": "none", "image_size": 32, "patches": 3}
    small["source"] |= {"streams": ["rgb", "depth"]}
    small["modalities"] = ["rgb", "depth"]
    small["stages"] = {
        "encode": {"rgb": network, "depth": network},
        "camera": {"stage": "train", "needs": ["encode"], "model": "dmft-lite", "fit": {"epochs": 1}},
        "evaluate": {"needs": ["camera"]},
    }
    project = Project(tmp_path / "project").write(small)
    project.run()
    opened = pipeline.open(project.file)
    source = opened._plan.points[0].source
    given, expected = [], []
    for row in opened.predictions("camera")[:3]:
        recording = next(each for each in source.list().recordings if each.id == row["recording"])
        frames = {}
        for stream in ("rgb", "depth"):
            with source.open_video(recording, stream) as video:
                frames[stream] = np.stack(list(video.frames()))
        given.append(frames)
        expected.append((row["predicted"], pytest.approx(row["probability"], abs=1e-3)))
    found = opened.model("camera").predict(given)
    assert [(row["predicted"], row["probability"]) for row in found] == expected
    wrong = opened.model("camera").predict([given[0], {**given[0], "rgb": given[0]["rgb"].astype(float)}])
    assert "uint8 RGB" in wrong[1]["problem"]


def test_nothing_is_left_behind(
    experiment: pipeline.Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given: Callable[[], Any] = lambda: experiment.model("distilled").predict({"inertial": np.ones((30, 6))})  # noqa: E731
    given()
    assert not any(tmp_path.iterdir())
