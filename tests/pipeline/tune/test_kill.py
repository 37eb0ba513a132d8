"""A search that was stopped goes on to the very same trail."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Tuned


def test_killed_at_any_moment_it_goes_on_to_the_very_same_trail(
    searched: Tuned, searching: Callable[..., Tuned], until: Any, kill_group: Any
) -> None:
    project = searching()
    process = project.start("tune", "--jobs", "1")
    until(lambda: len(project.trainings()) > 4)
    kill_group(process)
    done = {path: path.stat().st_mtime_ns for path in (project.store / "outputs" / "train").glob("*/manifest.json")}
    assert done
    project.tune("--jobs", "2")
    assert project.outcome() == searched.outcome()
    assert {path: path.stat().st_mtime_ns for path in done} == done


def test_a_full_disk_is_no_failed_trial(
    searched: Tuned, searching: Callable[..., Tuned], failing_io: Callable[..., dict[str, str]]
) -> None:
    """It ends the search, which goes on to the same trail when there is room."""
    project = searching()
    project.tune("--trials", "2")
    full = failing_io(errno.ENOSPC, f"{project.store}/outputs/evaluate", "write", after=2)
    said = project.tune(code=1, **full)
    assert "could not be done, by no fault of its settings: " in said
    assert os.strerror(errno.ENOSPC) in said
    project.tune()
    assert project.outcome() == searched.outcome()


@pytest.mark.slow  # the same by another signal
def test_ctrl_c_leaves_what_is_finished(searching: Callable[..., Tuned], until: Any, searched: Tuned) -> None:
    project = searching()
    process = project.start("tune", "--jobs", "1")
    until(lambda: len(project.trainings()) > 2)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    project.tune()
    assert project.outcome() == searched.outcome()
