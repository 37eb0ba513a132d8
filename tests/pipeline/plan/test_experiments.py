"""Every stages file under experiments/ plans on files that are named as its dataset's, and wires what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.planner import make_plan
from pipeline.registry import GIVES_MODEL

EXPERIMENTS = Path(__file__).resolve().parents[3] / "experiments"


def utd(root: Path) -> None:
    for folder, end in (("Inertial", "inertial"), ("Skeleton", "skeleton"), ("Depth", "depth")):
        for place in (f"a{a}_s{s}_t{t}" for a in (1, 3, 4, 27) for s in range(1, 9) for t in range(1, 5)):
            touch(root / folder / f"{place}_{end}.mat")
    lines = [f"{a},{s},{t},0,3,{label}" for a, label in ((1, "swipe_left"), (27, "squat")) for s in range(1, 9)
             for t in range(1, 5)]  # fmt: skip
    (root / "segments.csv").write_text("\n".join(["number,subject,session,start,end,label", *lines]))


def berkeley(root: Path) -> None:
    for sensor in range(1, 7):
        for subject in range(1, 13):
            for action in (1, 6, 7):
                name = f"acc_h{sensor:02d}_s{subject:02d}_a{action:02d}_r01.txt"
                touch(root / "Accelerometer" / f"Shimmer{sensor:02d}" / name)


def mmact(root: Path) -> None:
    for clip in (f"scene1/session{k}/walking" for k in range(1, 6)):
        for subject in range(1, 21):
            touch(root / "trimmed_1" / f"subject{subject}" / "cam1" / f"{clip}.mp4")
            for folder in ("acc_phone_clip", "acc_watch_clip", "gyro_clip", "orientation_clip"):
                touch(root / folder / f"subject{subject}" / f"{clip}.csv")


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(path))


DATASETS = {"utd-mhad": utd, "berkeley-mhad": berkeley, "mmact": mmact}
NEEDED: dict[str, list[tuple[str, Any]]] = {"mmact-vskd": [("stages.encode.rgb.weights", "none")]}


@pytest.fixture
def plan(tmp_path: Path) -> Any:
    """A function that plans an experiment by its name."""

    def plan(name: str) -> Any:
        data = tmp_path / "data"
        if name == "wrist-across-datasets":  # which are joined
            for dataset in ("utd-mhad", "berkeley-mhad"):
                DATASETS[dataset](data / dataset)
        else:
            DATASETS[next(dataset for dataset in DATASETS if name.startswith(dataset.partition("-")[0]))](data)
        settings = [("source.root", str(tmp_path / "data")), ("store", str(tmp_path / "store"))]
        return make_plan(EXPERIMENTS / f"{name}.yaml", [*settings, *NEEDED.get(name, [])])

    return plan


@pytest.mark.parametrize("name", sorted(path.stem for path in EXPERIMENTS.glob("*.yaml")))
def test_it_plans_and_evaluates_all_that_it_trains(name: str, plan: Any) -> None:
    steps = plan(name).steps.values()
    models = {entry for step in steps if step.stage in GIVES_MODEL for entry in step.entries}
    assert models
    assert {label["model"] for step in steps if step.stage == "evaluate" for label in step.labels} == models


def test_a_distilled_student_differs_from_its_baseline_by_the_loss_alone(plan: Any) -> None:
    """Table 4's comparisons, and Table 1's: equal effort for both."""
    for name, baseline in (
        ("utd-mhad-vskd-ablation", "student"),
        ("utd-mhad-vskd", "student"),
        ("mmact-vskd", "watch"),
    ):
        entries: dict[str, Any] = {}
        for step in plan(name).steps.values():
            entries.setdefault(step.entry, step.recipe.get("params"))
        for entry, params in entries.items():
            if params and "loss" in params and params["model"] == entries[baseline]["model"]:
                own = {key: value for key, value in params.items() if key not in ("loss", "modalities")}
                assert own == {key: value for key, value in entries[baseline].items() if key != "modalities"}, entry


def test_table_4_is_there(plan: Any) -> None:
    losses = {
        step.entry: (step.recipe["params"]["model"]["name"], step.recipe["params"]["loss"])
        for step in plan("utd-mhad-vskd-ablation").steps.values()
        if step.stage == "distil"
    }
    assert {entry: loss["name"] for entry, (_, loss) in losses.items() if loss["name"] != "dask"} == {
        "st": "hinton", "at": "attention", "sp": "similarity"
    }  # fmt: skip
    off = {
        entry: sorted(part for part in ("distance", "angle", "semantic") if not loss[part])
        for entry, (_, loss) in losses.items()
        if loss["name"] == "dask"
    }
    assert off == {
        "dask": [], "dask-without-d": ["distance"], "dask-without-a": ["angle"],
        "dask-without-d-a": ["angle", "distance"], "dask-without-s": ["semantic"], "dask-vgg16": [],
    }  # fmt: skip
    assert {model for model, _ in losses.values()} == {"resnet18", "vgg16"}


def paper(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXPERIMENTS / "paper.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_tables_whose_data_are_not_named_are_left_out_with_a_reason() -> None:
    done = paper()
    assert done.returncode == 0
    tables = {line.partition(":")[0]: line for line in done.stdout.splitlines()}
    assert tables.keys() == {path.stem for path in EXPERIMENTS.glob("*.yaml")}
    assert tables["mmact-dmft"].endswith("left out: mmact is not here (--mmact DIR)")


def test_what_a_table_needs_beside_its_data_is_said(tmp_path: Path) -> None:
    done = paper("--utd-mhad", str(tmp_path), "utd-mhad-dmft-depth")
    assert done.stdout == "utd-mhad-dmft-depth: left out: it needs weights for depth (--squeezenet FILE)\n"
    assert "no table utd-mhad-dmtf; there are" in paper("utd-mhad-dmtf").stderr
