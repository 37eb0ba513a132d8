"""Code and recordings that change while a run is going: nothing made of the new is published under keys of the old."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from .homes import REPOSITORY, RUN, Ended, Home, Pace, pace
from .lab import Lab
from .places import Objects
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(1500)]

EDITS = {  # each changes what the module computes
    "pipeline/stages/encode/timelines/series.py": (
        "interpolate(stream.values, np.arange",
        "interpolate(stream.values / 2, np.arange",
    ),
    "trainers/models/cnn1d/model.py": ("self.drop(embedding)", "self.drop(embedding / 2)"),
    "trainers/evaluation/metrics.py": (
        "float(accuracy_score(labels, predicted))",
        "float(accuracy_score(labels, predicted)) / 2",
    ),
}
CHANGED = "changed while this ran"


def copy_of_the_code(folder: Path) -> Path:
    """Copy the three packages to where they can be edited."""
    for package in ("pipeline", "trainers", "store"):
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def change_amid(
    home: Home, paced: Pace, dice: Random, change: Callable[[], None], undo: Callable[[], None] | None
) -> Ended:
    """Run, change something at a drawn moment, perhaps undo it at once; return how the run ended."""
    running = home.start(*RUN)
    time.sleep(dice.uniform(0.05, 0.9) * paced.lasts)
    if not running.ended:
        change()
        if undo:
            time.sleep(dice.uniform(0, 0.5))
            undo()
    return running.end()


def outcome(ended: Ended, sign: str) -> str:
    """Say how a run ended; it must have completed, or told of the change."""
    assert ended.code == 0 or (ended.code in (1, 2) and sign in ended.err), f"{ended.code}: {ended.out}\n{ended.err}"
    return "told, completed by the next" if ended.code else "too early or too late to matter"


def holdings(lab: Lab, dice: Random) -> Objects:
    """Draw what a home begins with."""
    return dice.choice([{}, lab.only("index"), lab.only("index", "encode")])


def test_code_is_edited(lab: Lab, tally: Tally, dice: Any, few: Any, tmp_path: Path) -> None:
    """Saved by an editor at any moment of a run, every third time saved back at once."""
    paced = pace(lab.home(), *RUN)

    def case(number: int) -> list[str]:
        rolls = dice("edited", number)
        home = lab.home(holds=holdings(lab, rolls))
        home.environment["PYTHONPATH"] = str(copy_of_the_code(tmp_path / f"code-{number}"))
        name, (old, new) = rolls.choice(list(EDITS.items()))
        file = tmp_path / f"code-{number}" / name
        before = file.read_text()
        assert old in before, f"{name} has no `{old}` to edit"

        def edit() -> None:
            file.write_text(before.replace(old, new))

        def undo() -> None:
            file.write_text(before)

        ended = change_amid(home, paced, rolls, edit, undo if number % 3 == 0 else None)
        lab.check(home.store, {})
        undo()
        home.command(*RUN)
        lab.check_end(home)
        return [outcome(ended, CHANGED)]

    tally.run("edited code", "run", "folder", few(24), case)


def replace(file: Path, how: str) -> None:
    """Put another recording in the place of one."""
    there = file.stat()
    other = {"d_iner": np.random.default_rng(7).normal(size=(71, 6))}
    if how == "deleted":
        file.unlink()
    elif how == "in place":
        savemat(file, other)
    else:
        beside = file.with_name("beside.part")
        savemat(beside, other, appendmat=False)
        if how == "renamed, times put back":
            os.utime(beside, ns=(there.st_atime_ns, there.st_mtime_ns))
        beside.replace(file)


def test_recordings_are_replaced(lab: Lab, tally: Tally, dice: Any, few: Any, tmp_path: Path) -> None:
    """One or many, in place or by a rename, times put back or not, at any moment of a run; then put back."""
    paced = pace(lab.home(), *RUN)
    original = Path(lab.home().values["source"]["root"])

    def case(number: int) -> list[str]:
        rolls = dice("replaced", number)
        raw = tmp_path / f"raw-{number}"
        shutil.copytree(original, raw)
        home = lab.home(holds=holdings(lab, rolls), root=raw)
        files = sorted(raw.rglob("*.mat"))
        chosen = rolls.sample(files, rolls.choice([1, 1, 40, len(files)]))
        how = rolls.choice(["in place", "renamed", "renamed, times put back", "deleted"])

        def change() -> None:
            for file in chosen:
                replace(file, how)

        ended = change_amid(home, paced, rolls, change, None)
        lab.check(home.store, {})
        for file in chosen:
            shutil.copy2(original / file.relative_to(raw), file)
        home.command(*RUN)
        lab.check_end(home)
        return [outcome(ended, "error: ")]

    tally.run("replaced data", "run", "folder", few(24), case)
