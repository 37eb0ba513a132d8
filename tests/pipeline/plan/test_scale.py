"""A dataset of any size can be planned: memory grows with recordings, not with folds, seeds and entries."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from pipeline.plan.planner import Plan, make_plan
from store.canonical import digest

STAGES = """\
store: store
source: {name: synthetic}
modalities: [inertial]
protocol: loso
seeds: [0, 1, 2, 3, 4]
stages:
  encode: {}
  teacher: {stage: train, needs: [encode], model: dmft}
  student: {stage: train, needs: [encode], model: dmft-lite}
  distilled: {stage: distil, needs: [encode, teacher], model: dmft-lite, loss: dmft-kd}
  evaluate: {needs: [teacher, student, distilled]}
"""
_MILLION = ("--set", "source.actions=5", "--set", "source.trials=25000")
BYTES = 1200  # a recording, while a plan of 242 steps is made


def plan(folder: Path, trials: int) -> Plan:
    (folder / "stages.yaml").write_text(STAGES)
    return make_plan(folder / "stages.yaml", [("source.actions", 5), ("source.trials", trials)])


def test_memory_of_a_plan(tmp_path: Path) -> None:
    plan(tmp_path, 2)  # imports and caches
    tracemalloc.start()
    try:
        made = plan(tmp_path, 500)  # of 5 actions and 8 subjects: 20,000 recordings
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(made.steps) == 2 + 8 * 5 * 3 * 2
    assert peak < 20_000 * BYTES + (8 << 20)


def test_digests_and_rows_of_a_fold(tmp_path: Path) -> None:
    made = plan(tmp_path, 3)
    classes = made.points[0].source.classes
    rows = {r.id: (row, r) for row, r in enumerate(made.table.listing.recordings)}
    teacher = made.steps["teacher[subject=3,seed=1]"]
    sides = teacher.work["split"].as_work()
    tested = [[id, r.subject, classes.index(r.action)] for id, (_, r) in rows.items() if r.subject == "3"]
    assert sides["test_recordings"] == [[id, "3"] for id, _, _ in tested]
    assert sides["test"] == [[rows[id][0], label] for id, _, label in tested]
    trained = [[id, classes.index(r.action)] for id, (_, r) in rows.items() if r.subject != "3"]
    assert sides["train"] == [[rows[id][0], label] for id, label in trained]
    assert teacher.recipe["train"] == {"recordings": len(trained), "digest": digest(trained)}
    evaluated = made.steps["evaluate[teacher,subject=3,seed=1]"].recipe["test"]
    assert evaluated == {"recordings": len(tested), "digest": digest(tested)}


PROGRAM = """
import sys
from pipeline.cli import main
try:
    main(sys.argv[1:])
finally:
    with open("/proc/self/status") as file:
        print(next(line for line in file if line.startswith("VmHWM:")), file=sys.stderr)
"""


@pytest.mark.slow
def test_a_million_recordings_within_one_gibibyte(tmp_path: Path) -> None:
    (tmp_path / "stages.yaml").write_text(STAGES)
    command = [sys.executable, "-c", PROGRAM, "status", *_MILLION]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    kibibytes = int(done.stderr.split()[-2])  # not ru_maxrss, which begins with that of the process that started it
    assert 100 << 10 < kibibytes < 1 << 20
