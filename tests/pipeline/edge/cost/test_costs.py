"""What models cost to run: of the exported file, measured once a machine, the same however it is asked for."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import pipeline
from pipeline.edge.cost.costs import exporter
from pipeline.edge.cost.exported import exported_files, keep_files
from pipeline.edge.export.export import Exported
from pipeline.edge.runtime.batch import padded
from pipeline.edge.runtime.measure import unpack
from pipeline.edge.runtime.model import open_model
from pipeline.report.inference.kept import export_folder, kept_cost, this_machine

from ...project import Project
from ..shipped import EXPORTED

pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'harvest-har[export]'")

PRECISIONS = ("fp32", "int8")
FIGURES = ("bytes", "p50_ms", "p99_ms", "peak_bytes")


def exported_by_command(project: Project, entry: str) -> Exported:
    """Return what `pipeline export --int8` wrote."""
    files = [project.folder / f"{entry}{ending}.onnx" for ending in ("", "-int8")]
    return Exported(open_model(files[0]).card, *(file.read_bytes() for file in files))


@pytest.fixture(scope="module")
def measured(shipped: Project) -> dict[str, dict[str, Any]]:
    """Return what `results --cost --json` says of each model; of two of three the files are in the cache already."""
    for entry in EXPORTED[:2]:
        exported = exported_by_command(shipped, entry)
        keep_files(exported.card.key, exporter(), exported, [])
    done = shipped.command("results", "--cost", "--json")
    told = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in told if "exporting" in line] == [f"{EXPORTED[2]}[subjects=odd,seed=0]"]
    assert len([line for line in told if line.endswith(": measuring")]) == 3
    return {row["model"]: row for row in json.loads(done.stdout)}


@pytest.mark.parametrize("entry", EXPORTED)
def test_figures_are_of_the_exported_file(shipped: Project, measured: dict[str, dict[str, Any]], entry: str) -> None:
    row, card = measured[entry], open_model(shipped.folder / f"{entry}.onnx").card
    assert (row["step"], row["problem"]) == (card.step, None)
    assert (row["parameters"], row["multiply_adds"]) == (card.parameters, card.multiply_adds)
    top1 = {each["model"]: each["mean"] for each in json.loads(shipped.command("results", "--json").stdout)[::2]}
    assert row["top1"] == top1[entry]
    for precision in PRECISIONS:
        file = export_folder(card.key) / f"{precision}.onnx"
        assert open_model(file).card.precision == precision
        assert row[f"bytes_{precision}"] == file.stat().st_size
        assert 0 < row[f"p50_ms_{precision}"] <= row[f"p99_ms_{precision}"]
    int8 = card.figures["int8"]["top1"]
    assert row["int8_points"] == pytest.approx(card.figures["compared"]["top1"] - int8)
    assert row["threads"] == 1


def test_a_large_model_needs_the_memory_of_its_weights(measured: dict[str, dict[str, Any]]) -> None:
    large, small = measured["images"], measured["distilled"]
    assert large["peak_bytes_fp32"] >= 4 * large["parameters"]
    assert small["peak_bytes_fp32"] < large["peak_bytes_fp32"]
    assert large["bytes_int8"] < 0.3 * large["bytes_fp32"]


def test_it_is_measured_on_test_recordings_of_their_own_lengths(
    shipped: Project, measured: dict[str, dict[str, Any]]
) -> None:
    plan = shipped.plan()
    step = plan.steps[measured["distilled"]["step"]]
    with np.load(export_folder(step.key) / "recordings.npz") as file:
        recordings = unpack(file)
    source = plan.points[0].source
    tested = step.work["split"].as_work()["test_recordings"]
    streams = {each.id: each for each in source.list().recordings}
    raw = {}
    for id_, _ in tested:
        series = source.open_series(streams[id_], "inertial")
        times = np.arange(len(series.values)) / 50 if series.times is None else series.times
        raw[series.values.astype(np.float32).tobytes()] = padded([{"inertial": (series.values, times)}])
    assert len({each["inertial"].shape for each in recordings}) > 1
    for each in recordings:
        np.testing.assert_array_equal(each["inertial_time"], raw[each["inertial"].tobytes()]["inertial_time"])


def test_a_second_call_measures_nothing(shipped: Project, measured: dict[str, dict[str, Any]]) -> None:
    folders = [export_folder(open_model(shipped.folder / f"{entry}.onnx").card.key) for entry in EXPORTED]
    files = {file: file.stat().st_mtime_ns for folder in folders for file in folder.iterdir()}
    done = shipped.command("results", "--cost", "--json")
    assert done.stderr == ""
    assert {row["model"]: row for row in json.loads(done.stdout)} == measured
    assert {file: file.stat().st_mtime_ns for folder in folders for file in folder.iterdir()} == files


def test_every_form_has_the_same_figures(shipped: Project, measured: dict[str, dict[str, Any]]) -> None:
    lines = list(csv.DictReader(io.StringIO(shipped.command("results", "--cost", "--format", "csv").stdout)))
    table = list(pipeline.open(shipped.file).cost())
    text = shipped.command("results", "--cost").stdout
    latex = shipped.command("results", "--cost", "--format", "latex").stdout
    assert str(this_machine()) in text.splitlines()[0]
    for (entry, row), line, of_python in zip(measured.items(), lines, table, strict=True):
        own = {**row, "modalities": "+".join(row["modalities"])}
        assert of_python == own
        assert line == {name: "" if value is None else str(value) for name, value in own.items()}
        shown = next(each for each in text.splitlines() if each.startswith(f"{entry} "))
        cells = re.split(r"  +", shown.strip())
        assert cells[:2] == [entry, own["modalities"]]
        assert cells[3:5] == [f"{row['parameters']:,}", f"{row['multiply_adds']:,}"]
        assert cells[5] == " / ".join(f"{row[f'bytes_{each}'] / 1000:,.0f}" for each in PRECISIONS)
        for cell, name in zip(cells[6:8], ("p50_ms", "p99_ms"), strict=True):
            values = [row[f"{name}_{each}"] for each in PRECISIONS]
            assert [float(each) for each in cell.split(" / ")] == pytest.approx(values, rel=0.05, abs=0.005)
        assert rf"{entry} & {own['modalities']} & {cells[2]} & {cells[3]}" in latex.replace(r"$\pm$", "±")


def test_nothing_is_measured_unasked(shipped: Project, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for command in (("results",), ("report", "-o", str(tmp_path / "page.html"))):
        shipped.command(*command, PIPELINE_CACHE=str(cache))
    assert not (cache / "exports").exists()
    said = re.sub(r"<[^>]+>", "", (tmp_path / "page.html").read_text())
    assert "pipeline results --cost measures what models cost to run" in said
    assert "Cost of running" not in said


def test_a_model_that_cannot_be_exported_has_a_reason_in_place_of_figures(shipped: Project, tmp_path: Path) -> None:
    values = yaml.safe_load(shipped.file.read_text())
    network = {"stage": "train", "model": "dmft-lite", "fit": {"epochs": 1}}
    values["stages"] = {
        "encode": {"inertial": {"align": "spread", "keep_series": False}},
        "spread": {**network, "needs": ["encode"]},
        "evaluate": {"needs": ["spread"]},
    }
    project = Project(tmp_path / "spread").write({**values, "modalities": ["inertial"]})
    (row,) = json.loads(project.command("results", "--cost", "--json").stdout)
    assert (row["problem"], row["parameters"]) == ("is not trained yet: `pipeline run`", None)
    project.run()
    (row,) = json.loads(project.command("results", "--cost", "--json").stdout)
    assert "align: spread lays windows by a recording's length" in row["problem"]
    assert row["parameters"] > 0
    assert {row[f"{name}_{each}"] for name in FIGURES for each in PRECISIONS} == {None}
    text = project.command("results", "--cost").stdout
    assert f"note: spread was not measured: {row['problem']}" in text


def test_a_damaged_file_or_one_of_other_code_is_exported_again(
    shipped: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path))
    exported = exported_by_command(shipped, "distilled")
    key = exported.card.key
    assert exported_files(key, "this code") is None
    kept = keep_files(key, "this code", exported, [])
    assert exported_files(key, "this code") == kept
    assert exported_files(key, "other code") is None
    file = kept.model("int8")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert exported_files(key, "this code") is None
    assert kept_cost(key) is None  # what another cache knows


@pytest.mark.parametrize(
    "others",
    [["1"], ["--by", "fold"], ["--per-recording"], ["--per-modality"], ["--vskd-f1"]],
    ids=lambda each: each[0],
)
def test_options_that_have_no_costs_are_told(shipped: Project, others: list[str]) -> None:
    said = shipped.command("results", "--cost", *others, code=2).stderr
    assert f"--cost and {'RUN' if others == ['1'] else others[0]} exclude each other" in said
