"""Plug-ins in files beside the stages file: the page's examples run as written; what makes which steps stale."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from .page import examples


def edit(project: Any, name: str, old: str, new: str) -> None:
    path = project.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def stale(project: Any) -> set[str]:
    return {id_.partition("[")[0] for id_ in project.reasons()}


def test_the_page_is_as_long_as_it_says(done: Any) -> None:
    lines = {name: len(text.splitlines()) for name, text in examples().items()}
    assert lines["cows.py"] <= 45
    assert lines["tiny.py"] <= 45
    assert lines["follow.py"] <= 15
    assert done.reasons() == {}
    assert {stage.name for stage in (done.store / "outputs").iterdir()} >= {"transform", "distil", "evaluate"}


def test_the_stage_did_its_work(done: Any) -> None:
    """As numpy does it on the series that encode stored; and patches are reduced of that, as encode reduced."""
    import numpy as np

    from store.features import open_features

    plan = done.plan()
    before, after = (
        open_features(plan.store.output(step.stage, step.key))
        for step in (plan.steps["encode[collar]"], plan.steps["smooth[collar]"])
    )
    series, smooth = before.read("series"), after.read("series")
    for row in (0, 11, 23):
        for channel in range(3):
            expected = np.convolve(series[row, :, channel], np.ones(7) / 7, "same")
            assert smooth[row, :, channel] == pytest.approx(expected, abs=1e-6)
        for made, of in ((after, smooth), (before, series)):
            windows = [of[row, start : start + 10] for start in range(0, 40, 5)]
            expected = [np.concatenate([w.mean(0), np.ptp(w, 0)]) for w in windows]
            assert made.read("features")[row] == pytest.approx(np.array(expected), abs=1e-5)


@pytest.mark.parametrize(
    ("file", "old", "new", "entries"),
    [
        ("follow.py", "mse_loss", "l1_loss", {"student", "evaluate"}),
        ("tiny.py", "mean(-1)", "amax(-1)", {"student", "evaluate"}),
        (
            "swing.py",
            "windows.amin(2)",
            "windows.median(2).values",
            {"encode", "smooth", "teacher", "student", "evaluate"},
        ),
        ("smooth.py", "/ params.samples", "/ 5", {"smooth", "teacher", "student", "evaluate"}),
        ("cows.py", "self.scale * ", "2 * ", {"index", "encode", "smooth", "teacher", "student", "evaluate"}),
        ("tiny.py", '"""Two conv', '"""Three conv', set()),
        ("cows.py", "# in label order", "# sorted", set()),
    ],
)
def test_what_an_edit_makes_stale(herd: Any, file: str, old: str, new: str, entries: set[str]) -> None:
    edit(herd, file, old, new)
    assert stale(herd) == entries
    edit(herd, file, new, old)
    assert stale(herd) == set()


def test_a_file_beside_it_counts_where_it_is_imported(herd: Any) -> None:
    (herd.folder / "other.py").write_text("def mean(hidden):\n    return hidden.mean(-1)\n")
    assert stale(herd) == set()  # nobody uses it
    edit(herd, "tiny.py", "from torch import nn", "from torch import nn\n\nfrom .other import mean")
    edit(herd, "tiny.py", "hidden.mean(-1)", "mean(hidden)")
    assert stale(herd) == {"student", "evaluate"}
    assert len(herd.run()) == 4  # student and its evaluations, two seeds each
    edit(herd, "other.py", "mean(-1)", "amax(-1)")
    assert stale(herd) == {"student", "evaluate"}
    assert "source file other.py changed" in herd.reasons()["student[subjects=odd,seed=0]"][0]


def test_keys_are_those_of_any_machine(done: Any, herd: Any) -> None:
    """Another folder, and the same file spelt otherwise."""
    keys = {id_: step.key for id_, step in done.plan().steps.items()}
    edit(herd, "stages.yaml", "tiny.py:Tiny", "./tiny.py:Tiny")
    assert {id_: step.key for id_, step in herd.plan().steps.items()} == keys
    assert all(str(done.folder) not in str(step.recipe) for step in done.plan().steps.values())
    code = done.plan().steps["student[subjects=odd,seed=0]"].recipe["code"]
    assert {"file:.tiny", "file:.follow"} <= {*code}


def test_a_file_in_another_folder(herd: Any) -> None:
    (herd.folder / "my.lib").mkdir()
    shutil.move(herd.folder / "tiny.py", herd.folder / "my.lib/tiny.py")
    edit(herd, "stages.yaml", "tiny.py:Tiny", "my.lib/tiny.py:Tiny")
    assert stale(herd) == {"student", "evaluate"}
    assert len(herd.run()) == 4
    edit(herd, "my.lib/tiny.py", "mean(-1)", "amax(-1)")
    assert "source file my.lib/tiny.py changed" in herd.reasons()["student[subjects=odd,seed=0]"][0]


def test_classes_of_one_name_in_two_experiments(done: Any, herd: Any) -> None:
    """One process plans both in turn, and each has its own parameters."""
    edit(herd, "tiny.py", "width: int = 16", "breadth: int = 16\n        width: int = 16")
    for project, width in ((herd, True), (done, False), (herd, True)):
        params = project.plan().steps["student[subjects=odd,seed=0]"].recipe["params"]["model"]
        assert ("breadth" in params) is width


def test_a_plan_imports_nothing_that_it_knows(herd: Any) -> None:
    """A model's module that cannot be imported any more is not missed, as long as its code is as it was."""
    import os
    import subprocess
    import sys

    program = (
        "import sys\nfrom pipeline.cli import main\nheavy = ('torch', 'numpy', 'importlib.metadata')\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n    print(*(n for n in heavy if n in sys.modules), file=sys.stderr)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, "run"],
        cwd=herd.folder,
        env={**os.environ, "PYTHONPATH": str(herd.code)},
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stderr) == (0, "\n")
    assert "nothing to do" in found.stdout
