"""``pipeline predict`` as a user runs it: on a machine without torch, and with files that a model was not made for."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from pipeline.sources.utd_mhad import UtdMhad
from pipeline.stages.encode.align import Windows
from pipeline.stages.encode.timelines.series import timeline

from ..exported import BODY, CLASSES, INERTIAL, WINDOWS, WRIST, Bare, MakeModel, softmax


def still(samples: int, *values: float) -> np.ndarray:
    """Return a recording in which nothing moves."""
    return np.tile(np.array(values), (samples, 1))


def write_csv(path: Path, names: str, rows: np.ndarray) -> str:
    np.savetxt(path, rows, delimiter=",", header=names, comments="")
    return str(path)


def timed(values: np.ndarray, rate: float = 50.0) -> np.ndarray:
    """Put times before values."""
    return np.column_stack([np.arange(len(values)) / rate, values])


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class TestWithoutTorch:
    def test_nothing_but_what_the_page_names_is_needed(
        self, without_torch: Bare, make_model: MakeModel, tmp_path: Path
    ) -> None:
        file = write_csv(tmp_path / "a.csv", "time,ax,ay,az", timed(still(60, 0.1, 1.5, -0.3)))
        (said,) = lines(without_torch.pipeline("predict", str(make_model()), file, "--all-classes").stdout)
        expected = dict(zip(CLASSES, softmax(np.array([0.1, 1.5, -0.3])), strict=True))
        assert said["recording"] == file
        assert said["predicted"] == "run"
        assert said["probabilities"] == pytest.approx(expected, abs=1e-6)
        assert said["probability"] == said["probabilities"]["run"]

    def test_it_would_not_find_torch(self, without_torch: Bare) -> None:
        for name in ("torch", "scipy", "zarr", "xarray", "onnx"):
            assert not (without_torch.site / name).exists()

    def test_where_it_is_installed_it_is_not_imported(self, make_model: MakeModel, tmp_path: Path) -> None:
        file = write_csv(tmp_path / "a.csv", "time,ax,ay,az", timed(still(60, 0.1, 1.5, -0.3)))
        program = (
            "import sys\nfrom pipeline.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n"
            "    print({'torch', 'scipy', 'zarr', 'xarray', 'onnx', 'yaml'} & {*sys.modules})"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "predict", str(make_model()), file],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.endswith("}\nset()\n")

    def test_without_onnxruntime_one_line_says_what_to_install(
        self, empty_python: Bare, make_model: MakeModel, tmp_path: Path
    ) -> None:
        file = write_csv(tmp_path / "a.csv", "ax,ay,az", still(60, 0, 0, 1))
        done = empty_python.pipeline("predict", str(make_model()), file, "--rate", "50", code=2)
        assert "pip install onnxruntime numpy" in done.stderr
        assert done.stdout == ""

    def test_what_reads_matlab_files_is_asked_for_when_there_is_one(
        self, without_torch: Bare, make_model: MakeModel, tmp_path: Path
    ) -> None:
        savemat(tmp_path / "a.mat", {"acc": still(60, 0, 0, 1)}, do_compression=True)
        done = without_torch.pipeline("predict", str(make_model()), str(tmp_path / "a.mat"), "--rate", "50", code=2)
        assert "pip install deflate" in done.stderr


class TestRecordings:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        draw = np.random.default_rng(0)
        for at, samples in enumerate((40, 61, 55, 83, 47, 70, 52)):
            values = np.cumsum(draw.normal(0, 0.05, (samples, 3)), axis=0)
            write_csv(tmp_path / f"{at}.csv", "time,ax,ay,az", timed(values))
        return tmp_path

    def test_the_batch_makes_no_difference(self, project: Any, make_model: MakeModel, folder: Path) -> None:
        files, model = [str(folder / f"{at}.csv") for at in range(7)], str(make_model())
        one, two, seven = (
            lines(project.command("predict", model, *files, "--all-classes", "--batch", size).stdout)
            for size in ("1", "2", "7")
        )
        assert [each["recording"] for each in one] == files
        for other in (two, seven):
            for left, right in zip(one, other, strict=True):
                assert left["probabilities"] == pytest.approx(right["probabilities"], abs=1e-6)

    def test_one_that_cannot_be_used_leaves_the_others_alone(
        self, project: Any, make_model: MakeModel, folder: Path
    ) -> None:
        (folder / "1.csv").write_text("time,ax,ay,az\n0,1,2,3\n0.02,1,,3\n")
        files = [str(folder / f"{at}.csv") for at in range(4)]
        done = project.command("predict", str(make_model()), *files, str(folder / "none.csv"), code=1)
        said = lines(done.stdout)
        assert [each["recording"] for each in said] == [*files, str(folder / "none.csv")]
        assert ["problem" in each for each in said] == [False, True, False, False, True]
        assert "line 3, column 3 is empty" in said[1]["problem"]
        assert "No such file" in said[4]["problem"]
        assert "2 of 5 recordings could not be used" in done.stderr

    def test_as_a_table(self, project: Any, make_model: MakeModel, folder: Path) -> None:
        (folder / "1.csv").write_text("")
        files = [str(folder / f"{at}.csv") for at in range(3)]
        done = project.command("predict", str(make_model()), *files, "--format", "csv", "--all-classes", code=1)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [row["recording"] for row in rows] == files
        assert "is empty" in rows[1]["problem"]
        assert rows[1]["predicted"] == rows[1]["p_walk"] == ""
        for row in (rows[0], rows[2]):
            assert sum(float(row[f"p_{name}"]) for name in CLASSES) == pytest.approx(1, abs=1e-5)
            assert float(row["probability"]) == max(float(row[f"p_{name}"]) for name in CLASSES)

    def test_two_streams_are_named(self, project: Any, make_model: MakeModel, tmp_path: Path) -> None:
        body = np.zeros((30, 4, 3))
        body[:, 1, 1] = 1.0  # a torso of one metre, the length by which joints are divided
        body[:, 0] = (0.0, 0.0, 0.5)
        body[:, 1] += body[:, 0]
        np.savez(tmp_path / "body.npz", values=body, times=np.arange(30) / 30)
        np.save(tmp_path / "wrist.npy", still(50, 0.2, 0.1, 0.4))
        model = str(make_model(BODY, WRIST))
        pair = f"wrist={tmp_path / 'wrist.npy'},body={tmp_path / 'body.npz'}"
        done = project.command("predict", model, pair, "--rate", "wrist=50", "--all-classes")
        expected = dict(zip(CLASSES, softmax(np.array([0.2, 0.1, 0.9])), strict=True))
        assert lines(done.stdout)[0]["probabilities"] == pytest.approx(expected, abs=1e-6)
        assert "takes a recording as body=FILE,wrist=FILE" in project.command("predict", model, "a.npy", code=2).stderr
        assert "say of which stream" in project.command("predict", model, pair, "--rate", "50", code=2).stderr

    def test_a_skeleton_without_a_torso_has_no_prediction(
        self, project: Any, make_model: MakeModel, tmp_path: Path
    ) -> None:
        np.save(tmp_path / "a.npy", np.zeros((30, 4, 3)))
        done = project.command("predict", str(make_model(BODY)), str(tmp_path / "a.npy"), "--rate", "30", code=1)
        assert "nothing finite" in lines(done.stdout)[0]["problem"]


class TestClaims:
    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        return write_csv(tmp_path / "a.csv", "ax,ay,az", still(60, 0.1, 0.2, 1))

    def test_a_rate_must_be_said_where_there_are_no_times(self, project: Any, make_model: MakeModel, file: str) -> None:
        model = str(make_model())
        assert "say --rate HZ (50 in training)" in project.command("predict", model, file, code=1).stdout
        assert "trained at 50 Hz" in project.command("predict", model, file, "--rate", "100", code=1).stdout
        for more in (["--rate", "55"], ["--rate", "100", "--any-rate"], ["--rate", "wrist=50"]):
            assert lines(project.command("predict", model, file, *more).stdout)[0]["predicted"] == "jump"

    def test_another_unit_is_refused(self, project: Any, make_model: MakeModel, file: str) -> None:
        model = str(make_model())
        done = project.command("predict", model, file, "--rate", "50", "--unit", "m/s2", code=2)
        assert "trained on wrist in g" in done.stderr
        project.command("predict", model, file, "--rate", "50", "--unit", "g")

    def test_a_factor_of_9_81_is_told(self, project: Any, make_model: MakeModel, tmp_path: Path) -> None:
        file = write_csv(tmp_path / "b.csv", "ax,ay,az", still(60, 0, 0, 9.81))
        done = project.command("predict", str(make_model()), file, "--rate", "50", code=1)
        assert "is it in m/s² where g was trained (factor 9.807)" in lines(done.stdout)[0]["problem"]
        project.command("predict", str(make_model()), file, "--rate", "50", "--any-values")


class TestUsage:
    def test_nothing_to_predict(self, project: Any, make_model: MakeModel) -> None:
        assert "--source DIR" in project.command("predict", str(make_model()), code=2).stderr

    def test_options_that_go_together(self, project: Any, make_model: MakeModel, tmp_path: Path) -> None:
        model = str(make_model())
        assert "exclude" in project.command("predict", model, "a.csv", "--source", str(tmp_path), code=2).stderr
        assert "of --source" in project.command("predict", model, "a.csv", "--subjects", "2", code=2).stderr
        assert "more than 0" in project.command("predict", model, "a.csv", "--rate", "-1", code=2).stderr
        assert "no stream hip" in project.command("predict", model, "a.csv", "--rate", "hip=50", code=2).stderr

    def test_what_is_no_model(self, project: Any, tmp_path: Path) -> None:
        (tmp_path / "a.onnx").write_text("a model\n")
        done = project.command("predict", str(tmp_path / "a.onnx"), "a.csv", code=2)
        assert "is no ONNX file" in done.stderr
        assert len(done.stderr.splitlines()) == 2  # what is wrong, and what to do


class TestSource:
    LABELS = UtdMhad.classes[:3]

    @pytest.fixture
    def model(self, make_model: MakeModel) -> str:
        return str(make_model(INERTIAL, classes=self.LABELS, source={"name": "utd-mhad"}))

    @pytest.fixture
    def data(self, tmp_path: Path) -> Path:
        """Three actions of three subjects, in which the channel of the action is largest; one shows another action."""
        (tmp_path / "data" / "Inertial").mkdir(parents=True)
        for action in (1, 2, 3):
            for subject in (1, 2, 10):
                shown = 1 if (action, subject) == (3, 10) else action
                values = still(60, *(float(shown == each) for each in (1, 2, 3)), 0, 0, 0)
                savemat(tmp_path / "data" / "Inertial" / f"a{action}_s{subject}_t1_inertial.mat", {"d_iner": values})
        return tmp_path / "data"

    def test_all_recordings_with_their_labels(self, project: Any, model: str, data: Path) -> None:
        done = project.command("predict", model, "--source", str(data))
        said = lines(done.stdout)
        assert [each["recording"] for each in said][:2] == ["a01_s10_t1", "a01_s1_t1"]
        wrong = [each for each in said if each["predicted"] != each["label"]]
        assert [(each["recording"], each["predicted"]) for each in wrong] == [("a03_s10_t1", "swipe_left")]
        assert "8 of 9 right, 88.89 %" in done.stderr

    def test_some_subjects(self, project: Any, model: str, data: Path) -> None:
        done = project.command("predict", model, "--source", str(data), "--subjects", "1,2")
        assert {each["recording"][4:6] for each in lines(done.stdout)} == {"s1", "s2"}
        refused = project.command("predict", model, "--source", str(data), "--subjects", "3", code=2)
        assert "it has 1, 2, 10" in refused.stderr

    def test_a_damaged_file_is_told_in_its_line(self, project: Any, model: str, data: Path) -> None:
        broken = data / "Inertial" / "a2_s1_t1_inertial.mat"
        broken.write_bytes(broken.read_bytes()[:400])
        done = project.command("predict", model, "--source", str(data), "--subjects", "1", code=1)
        (problem,) = [each["problem"] for each in lines(done.stdout) if "problem" in each]
        assert problem.startswith("Inertial/a2_s1_t1_inertial.mat: inertial: truncated")

    def test_a_card_that_names_no_source(self, project: Any, make_model: MakeModel, data: Path) -> None:
        for source, why in (({}, "names no source"), ({"name": "mine:Source"}, "a plug-in")):
            model = str(make_model(INERTIAL, source=source))
            assert why in project.command("predict", model, "--source", str(data), code=2).stderr

    def test_a_folder_without_the_dataset(self, project: Any, model: str, tmp_path: Path) -> None:
        assert "no recording" in project.command("predict", model, "--source", str(tmp_path), code=2).stderr

    def test_a_source_that_makes_its_recordings(self, project: Any, make_model: MakeModel, tmp_path: Path) -> None:
        source = {"name": "sample", "subjects": 2, "trials": 1, "streams": ["inertial"]}
        done = project.command("predict", str(make_model(INERTIAL, source=source)), "--source", str(tmp_path))
        assert len(lines(done.stdout)) == 16  # of eight actions
        assert len([*tmp_path.glob("sample-*/Inertial/*.mat")]) == 16

    def test_without_torch(self, tmp_path: Path, model: str, data: Path) -> None:
        bare = Bare(tmp_path / "venv")
        for name in ("numpy", "onnxruntime", "msgspec", "click", "deflate"):
            bare.install(name)
        assert "8 of 9 right" in bare.pipeline("predict", model, "--source", str(data)).stderr

    def test_recordings_of_own_files(self, project: Any, make_model: MakeModel, tmp_path: Path) -> None:
        (tmp_path / "own").mkdir()
        for subject, label, at in (("7", "walk", 0), ("7", "jump", 2), ("8", "run", 1)):
            values = still(60, *(float(each == at) for each in range(3)))
            write_csv(tmp_path / "own" / f"P{subject}_{label}.csv", "t,ax,ay,az", timed(values))
        source = {
            "name": "folder",
            "classes": [*CLASSES],
            "streams": {
                "wrist": {
                    "files": "P{subject}_{label}.csv",
                    "rate": 50,
                    "time": {"column": "t"},
                    "columns": ["ax", "ay", "az"],
                }
            },
        }
        done = project.command("predict", str(make_model(source=source)), "--source", str(tmp_path / "own"))
        assert "3 of 3 right" in done.stderr


@pytest.mark.realdata
def test_real_recordings_are_predicted_as_they_are_encoded(
    project: Any, make_model: MakeModel, real_utd_mhad: Path
) -> None:
    model = str(make_model(INERTIAL, source={"name": "utd-mhad"}))
    done = project.command("predict", model, "--source", str(real_utd_mhad), "--subjects", "2,4", "--all-classes")
    said = {each["recording"]: each["probabilities"] for each in lines(done.stdout)}
    source = UtdMhad(real_utd_mhad)
    rows = [row for row in source.list().recordings if row.subject in ("2", "4")]
    assert [*said] == [row.id for row in rows]
    for row in rows:
        series = timeline([source.open_series(row, "inertial")], 50.0, Windows(*WINDOWS, "resample"))
        expected = dict(zip(CLASSES, softmax(series[:, :3].mean(0)), strict=True))
        assert said[row.id] == pytest.approx(expected, abs=1e-5)
