"""Exported models: the same answers from raw samples, one file that says what it needs, refused where it cannot be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from pipeline.edge.card import Card
from pipeline.edge.export import parity
from pipeline.edge.runtime.batch import Prepared, padded
from pipeline.edge.runtime.model import open_model
from pipeline.errors import ConfigError, StepError

from ...project import Project
from ..shipped import EXPORTED
from .web import web_probabilities

pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'harvest-har[export]'")


def raw_of(shipped: Project, card: Card, ids: Iterable[str]) -> list[Prepared]:
    """Return raw recordings, as the source reads them."""
    source = shipped.plan().points[0].source
    by_id = {each.id: each for each in source.list().recordings}
    prepared = []
    for id_ in ids:
        read = {}
        for stream in card.streams:
            series = source.open_series(by_id[id_], stream.name)
            times = np.arange(len(series.values)) / stream.rate if series.times is None else series.times
            read[stream.name] = (series.values, times)
        prepared.append(read)
    return prepared


@pytest.mark.parametrize("entry", EXPORTED)
def test_raw_samples_give_what_was_evaluated(shipped: Project, entry: str) -> None:
    rows = shipped.command("results", "--per-recording").stdout.splitlines()[1:]
    expected = {cells[5]: cells[8] for row in rows if (cells := row.split(","))[0] == entry}
    model = open_model(shipped.folder / f"{entry}.onnx")
    raw = raw_of(shipped, model.card, expected)
    alone = np.concatenate([model.probabilities(padded([each])) for each in raw])
    for batch in (2, 5, len(raw)):
        together = [model.probabilities(padded(raw[start : start + batch])) for start in range(0, len(raw), batch)]
        np.testing.assert_allclose(np.concatenate(together), alone, atol=1e-5)
    assert [model.card.classes[row.argmax()] for row in alone] == list(expected.values())


@pytest.mark.parametrize("entry", EXPORTED)
def test_a_browsers_runtime_gives_the_same(shipped: Project, entry: str) -> None:
    file = shipped.folder / f"{entry}.onnx"
    model = open_model(file)
    ids = [each.id for each in shipped.plan().points[0].source.list().recordings]
    raw = raw_of(shipped, model.card, ids)
    expected = np.concatenate([model.probabilities(padded([each])) for each in raw])
    np.testing.assert_allclose(web_probabilities(file, raw), expected, atol=1e-4)


@pytest.mark.parametrize("entry", EXPORTED)
def test_a_file_says_what_it_is_and_nothing_of_who_made_it(shipped: Project, entry: str) -> None:
    card = open_model(shipped.folder / f"{entry}.onnx").card
    assert msgspec.json.decode((shipped.folder / f"{entry}.json").read_bytes(), type=Card) == card
    step = shipped.status()[card.step]
    assert (card.key, card.model, step["entry"]) == (step["key"], entry, entry)
    assert card.trained_on == {"recordings": 32, "subjects": ["1", "3"]}
    assert card.figures["top1"]["protocol"] == "subject-50-50"
    assert card.figures["compared"]["recordings"] == 32
    assert set(card.figures["greatest_difference"]) == {"1", "2", "7"}
    assert card.parameters > 0 < card.multiply_adds
    for stream in card.streams:
        assert len(stream.low) == len(stream.high) == stream.sample[-1]
    for ending in (".onnx", "-int8.onnx", ".json"):
        content = (shipped.folder / f"{entry}{ending}").read_bytes()
        private = [str(shipped.folder), str(shipped.code), str(Path.home()), os.uname().nodename, "site-packages"]
        assert not [each for each in private if len(each) > 4 and each.encode() in content]


def test_int8_is_smaller_and_says_its_figure(shipped: Project) -> None:
    for entry in EXPORTED:
        whole, small = (open_model(shipped.folder / f"{entry}{end}.onnx") for end in ("", "-int8"))
        assert (whole.card.precision, small.card.precision) == ("fp32", "int8")
        assert 0 <= small.card.figures["int8"]["top1"] <= 100
    sizes = [(shipped.folder / f"images{end}.onnx").stat().st_size for end in ("", "-int8")]
    assert sizes[1] < 0.3 * sizes[0]


def test_examples_of_thirty_lines_say_the_same(shipped: Project, tmp_path: Path) -> None:
    source = shipped.plan().points[0].source
    recording = source.list().recordings[3]
    files = []
    for stream in ("skeleton", "inertial"):
        series = source.open_series(recording, stream)
        rate = 30 if stream == "skeleton" else 50
        times = np.arange(len(series.values)) / rate if series.times is None else series.times
        table = np.column_stack([times, series.values.reshape(len(times), -1)])
        header = ",".join(["time", *(f"c{place}" for place in range(table.shape[1] - 1))])
        np.savetxt(tmp_path / f"{stream}.csv", table, delimiter=",", header=header, comments="", fmt="%.9g")
        files.append(f"{stream}={tmp_path / stream}.csv")
    said = json.loads(shipped.command("predict", "teacher.onnx", ",".join(files)).stdout)
    expected = {"predicted": said["predicted"], "probability": pytest.approx(said["probability"], abs=1e-5)}
    command = [sys.executable, "predict.py", "teacher.onnx", *files]
    assert json.loads(subprocess.run(command, cwd=shipped.folder, capture_output=True, check=True).stdout) == expected
    modules = Path(__file__).parents[3] / "node" / "node_modules"
    if not (modules / "onnxruntime-web").is_dir():
        pytest.skip("needs onnxruntime-web: npm install in tests/node")
    (shipped.folder / "node_modules").symlink_to(modules)
    command = ["node", "predict.mjs", "teacher.onnx", "teacher.json", *files]
    assert json.loads(subprocess.run(command, cwd=shipped.folder, capture_output=True, check=True).stdout) == expected


def test_a_file_that_says_something_else_is_not_written(
    shipped: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pipeline.api.steps import training_step
    from pipeline.edge.export.export import export_step

    right = parity.exported_probabilities

    def wrong(*arguments: Any) -> Any:
        found = right(*arguments)
        found[7, 0] += 2e-4
        return found

    plan = shipped.plan()
    monkeypatch.setattr(parity, "exported_probabilities", wrong)
    threads = torch.get_num_threads()
    with pytest.raises(StepError, match=r"differs from the trained model by 0\.0002 in a probability of a"):
        export_step(plan, training_step(plan, "distilled", None, None), {})
    torch.set_num_threads(threads)


def test_int8_that_costs_too_much_is_refused(shipped: Project, tmp_path: Path) -> None:
    from dataclasses import replace

    from pipeline.edge.export.export import Exported, Int8, _judged

    card = open_model(shipped.folder / "distilled.onnx").card
    card = msgspec.structs.replace(card, figures={"compared": {"top1": 90.0}})

    class Wrong:
        def read(self, row: int) -> Any:
            return {"inertial": (np.zeros((9, 6)), np.arange(9.0))}

    content = (shipped.folder / "distilled-int8.onnx").read_bytes()
    labels = np.full(4, 99)
    judged = _judged(Exported(card, b""), content, Wrong(), range(4), labels, Int8(1.0))  # type: ignore[arg-type]
    assert judged.int8 is None
    assert judged.refused == "int8 costs 90.00 points of top-1 (90.00 to 0.00), more than 1: it is not written"
    assert replace(judged, refused="") == Exported(card, b"")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody",), "nobody: no such entry with a trained model"),
        (("distilled", "--seed", "9"), "seed 9: distilled has no such seed"),
        (("distilled", "-o", "nowhere/below"), "-o nowhere/below: there is no folder nowhere"),
        (("distilled", "--fold", "x", "--all-data"), "--fold and --all-data exclude each other"),
        (("camera", "-f", "video.yaml"), "is video, whose frozen network is no part"),
        (("spread", "-f", "spread.yaml"), "align: spread lays windows by a recording's length"),
    ],
)
def test_mistakes_are_told_with_the_remedy(shipped: Project, arguments: tuple[str, ...], said: str) -> None:
    import yaml

    network = {"backbone": "resnet18", "weights": "none", "image_size": 32, "patches": 3}
    base = yaml.safe_load(shipped.file.read_text())
    stages = {"encode": {"depth": network}, "camera": {"stage": "train", "needs": ["encode"], "model": "dmft-lite"}}
    fit = {"epochs": 1}
    stages["camera"] |= {"fit": fit}
    video = {**base, "source": {**base["source"], "streams": ["depth"]}, "modalities": ["depth"], "stages": stages}
    encode = {"inertial": {"align": "spread", "keep_series": False}}
    stages = {"encode": encode, "spread": {"stage": "train", "needs": ["encode"], "model": "dmft-lite", "fit": fit}}
    spread = {**base, "modalities": ["inertial"], "stages": stages}
    for name, values in ("video.yaml", video), ("spread.yaml", spread):
        (shipped.folder / name).write_text(yaml.safe_dump(values, sort_keys=False))
    done = shipped.command("export", *arguments, code=2)
    assert said in done.stderr.replace("\n  ", " ")


def test_another_programs_file_stays(shipped: Project, tmp_path: Path) -> None:
    (tmp_path / "distilled.onnx").write_bytes(b"somebody else's")
    from pipeline.cli.commands.export import _check_places

    with pytest.raises(ConfigError, match="not made by `pipeline export`"):
        _check_places(tmp_path, "distilled")


def test_a_model_of_all_data_names_the_protocols_figures(shipped: Project, tmp_path: Path) -> None:
    copy = shipped.copy(tmp_path / "copy")
    done = copy.command("export", "distilled", "--all-data", "--json")
    card = json.loads(done.stdout)
    assert card["trained_on"] == {"recordings": 64, "subjects": ["1", "2", "3", "4"]}
    assert card["protocol"] == "all-data"
    assert card["figures"]["top1"]["protocol"] == "subject-50-50"
    assert card["figures"]["compared"]["side"] == "train"
    assert json.loads(copy.command("status", "--json").stdout)["steps"]  # the stages file's own plan is as it was


def test_figures_are_of_the_models_own_point(shipped: Project, tmp_path: Path) -> None:
    import yaml

    values = yaml.safe_load(shipped.file.read_text())
    project = Project(tmp_path / "matrix").write({**values, "matrix": {"stages.distilled.fit.epochs": [1, 3]}})
    project.run()
    rows = json.loads(project.command("results", "--json").stdout)
    expected = {
        row["variant"]["stages.distilled.fit.epochs"]: row["mean"]
        for row in rows
        if (row["model"], row["metric"]) == ("distilled", "top1")
    }
    steps = [id_ for id_, step in project.status().items() if step["entry"] == "distilled"]
    found = {}
    for id_ in steps:
        card = json.loads(project.command("export", id_, "--json").stdout)
        found[1 if "epochs=1" in id_ else 3] = card["figures"]["top1"]["mean"]
        assert card["figures"]["top1"]["mean"] == pytest.approx(card["figures"]["compared"]["top1"])
    assert found == pytest.approx(expected)
    (project.folder / "protocols.yaml").write_text(
        yaml.safe_dump({**values, "matrix": {"protocol": ["subject-50-50", "loso"]}}, sort_keys=False)
    )
    done = project.command("export", "distilled", "--all-data", "-f", "protocols.yaml", code=2)
    assert "the matrix says which protocols there are" in done.stderr


def test_a_model_of_calibrated_series_takes_raw_samples_of_a_sensor_that_is_off(tmp_path: Path, cache: Path) -> None:
    student = {"stage": "train", "needs": ["encode"], "model": {"name": "cnn1d", "width": 8}, "fit": {"epochs": 2}}
    calibrated = {"calibrate": "rest", "orient": "-x", "rest_deviation": 0.5}
    project = Project(tmp_path / "calibrated").write(
        {
            "source": {"name": "sample", "subjects": 2, "trials": 1, "streams": ["inertial"]},
            "modalities": ["accelerometer"],
            "protocol": "subject-50-50",
            "stages": {"encode": {"accelerometer": calibrated}, "student": student, "evaluate": {"needs": ["student"]}},
        }
    )
    project.run()
    project.command("export", "student")
    model = open_model(project.folder / "student.onnx")
    (_, (values, times)), *_ = raw_of(project, model.card, ["a01_s1_t1"])[0].items()
    tilted = values * [0.75, 0.75, -0.75, 1, 1, 1]  # mirrored, which no calibration can know
    said, same, other = (
        model.probabilities(padded([{"inertial": (each, times)}]))
        for each in (values, values * [0.75, 0.75, 0.75, 1, 1, 1], tilted)
    )
    np.testing.assert_allclose(same, said, atol=1e-4)
    assert np.abs(other - said).max() > 1e-3
