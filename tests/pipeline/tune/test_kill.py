"""A search that was stopped goes on to the very same trail."""

from __future__ import annotations

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
    project.tune()
    assert project.outcome() == searched.outcome()
    assert {path: path.stat().st_mtime_ns for path in done} == done


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
