"""A trained model says the same of raw recordings as of stored features, whichever way they come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

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
    assert [row["recording"] for row in predicted] == [*range(24)]
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
    assert list(predicted[0]) == ["recording", "predicted", "probability", *(f"probability_{c}" for c in model.classes)]
    for row in predicted:
        by_class = {name: row[f"probability_{name}"] for name in model.classes}
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
    wanted = ["no inertial", "finite", "(40, 60), wanted", "decreas", "wanted numbers"]
    assert [said in problem for said, problem in zip(wanted, problems[1:], strict=True)] == [True] * 5, problems


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"wrist": np.zeros((9, 6))}, "wrist is no stream .*\n.*sees inertial$"),
        ([], "no recording"),
        ({"inertial:series": np.zeros((9, 6))}, "no stream of the experiment"),
        (np.zeros((50, 6)), "ndarray is nothing that can be predicted"),
        ([np.zeros((50, 6))], "recording 0: is a ndarray, and no dict from stream to array"),
        (None, "NoneType is nothing that can be predicted"),
        (__file__, "is a file"),
        ("recordings", "sample reads no folder"),
    ],
)
def test_mistakes_are_told_with_the_remedy(experiment: pipeline.Experiment, given: Any, what: str) -> None:
    with pytest.raises(pipeline.PipelineError, match=what):
        experiment.model("distilled").predict(given)


@pytest.mark.parametrize("wrong_first", [True, False])
def test_a_wrong_recording_spoils_no_other(experiment: pipeline.Experiment, wrong_first: bool) -> None:
    good = list(raw(experiment, "inertial").values())[:3]
    wrong = {"inertial": good[0]["inertial"][:, :5]}
    rows = experiment.model("distilled").predict([wrong, *good] if wrong_first else [*good, wrong])
    bad = rows.pop(0 if wrong_first else 3)
    assert "(5,), in the model's recordings (6,)" in bad["problem"]
    assert all(row["predicted"] for row in rows)


def test_times_count_by_their_unit(experiment: pipeline.Experiment) -> None:
    values = next(iter(raw(experiment, "inertial").values()))["inertial"]
    values = values[0] if isinstance(values, tuple) else values
    seconds = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.03, len(values)))
    model = experiment.model("distilled")
    (expected,) = model.predict({"inertial": (values, seconds)}, every_class=True)
    for times in (
        seconds + 1.7e9,
        (seconds * 1e9).astype("timedelta64[ns]"),
        np.datetime64("2026-01-01") + (seconds * 1e6).astype("timedelta64[us]"),
    ):
        (found,) = model.predict({"inertial": (values, times)}, every_class=True)
        assert {k: v for k, v in found.items() if k != "predicted"} == pytest.approx(
            {k: v for k, v in expected.items() if k != "predicted"}, abs=1e-5
        )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "wanted numbers"),
        ([[1.0, 2.0], [3.0]], "cannot be read as"),
        ((np.ones((9, 6)), np.arange(9), 3), "cannot be read as"),
        ((np.ones((9, 6)), "abc"), "cannot be read as"),
        (np.ones((9, 0)), "wanted numbers"),
        (np.ma.masked_greater(np.arange(54.0).reshape(9, 6), 9), "masked"),
        (np.ones((9, 6)) * 1j, "wanted numbers"),
    ],
)
def test_what_is_no_series_is_said(experiment: pipeline.Experiment, given: Any, said: str) -> None:
    (row,) = experiment.model("distilled").predict({"inertial": given})
    assert said in row["problem"]


def test_ones_own_state_stays(experiment: pipeline.Experiment) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    model = experiment.model("distilled")
    model.network.train()
    model.predict({"inertial": np.ones((9, 6))})
    assert model.network.training
    assert torch.equal(torch.rand(4), expected)


def test_one_that_cannot_be_used_alone_is_a_line_too(experiment: pipeline.Experiment) -> None:
    (row,) = experiment.model("distilled").predict({"inertial": np.full((50, 6), np.nan)})
    assert row["predicted"] is None
    assert "not finite" in row["problem"]
    (row,) = experiment.model("teacher").predict({"inertial": np.ones((9, 6)), "skeleton": np.ones((20, 3, 58))})
    assert "(20, 3, 58), wanted numbers (samples, joints, 3)" in row["problem"]


def test_a_dataset_of_other_inputs_is_refused(experiment: pipeline.Experiment) -> None:
    with pytest.raises(pipeline.ConfigError, match="inertial:series: the model sees it"):
        experiment.model("distilled").predict(experiment.dataset("encode", "test"))
    with pytest.raises(pipeline.ConfigError, match="device tpu"):
        experiment.model("distilled").predict({"inertial": np.ones((9, 6))}, device="tpu")


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
    wrong = opened.model("camera").predict([given[0], {"rgb": given[0]["depth"], "depth": given[0]["rgb"]}])
    assert "is of" in wrong[1]["problem"]


def test_nothing_is_left_behind(
    experiment: pipeline.Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given: Callable[[], Any] = lambda: experiment.model("distilled").predict({"inertial": np.ones((30, 6))})  # noqa: E731
    given()
    assert not any(tmp_path.iterdir())
