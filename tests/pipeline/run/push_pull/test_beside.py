"""Two runs at once: no step is done twice, and each run ends with everything or says what is left to the other."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter
from typing import Any

import pytest

from store import Store


def attempts(project: Any) -> Counter[str]:
    """Count attempts by output: one where nothing was done twice."""
    return Counter(
        str(folder.parent.relative_to(project.store))
        for folder in (project.store / "outputs").glob("*/*/*Z-*")
        if "." not in folder.name
    )


def test_runs_that_wait_share_the_work(project: Any) -> None:
    runs = [project.start("run", "--json", "--jobs", "1") for _ in range(2)]
    said = [run.communicate(timeout=240) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    outcomes = [json.loads(out) for out, _ in said]
    steps = {step["id"] for step in outcomes[0]["steps"]}
    for outcome in outcomes:
        assert set(outcome["done"]) | set(outcome["fetched"]) <= steps
        assert not outcome["failed"]
    assert set(outcomes[0]["done"]) | set(outcomes[1]["done"]) == steps
    assert set(attempts(project).values()) == {1}


@pytest.mark.parametrize("wait", [False, True])
def test_a_step_that_another_run_does(project: Any, wait: bool) -> None:
    """A run that does not wait does the other steps and says who has this one; one that waits takes it over."""
    project.run(until="encode")
    plan = project.plan()
    step = next(step for step in plan.steps.values() if step.entry == "student")
    with Store.open(str(project.store)).draft(step.stage, step.key, recipe=step.recipe, inputs=[]):
        run = project.start("run", *([] if wait else ["--no-wait"]))
        if not wait:
            out, err = run.communicate(timeout=240)
            assert run.returncode == 1
            assert re.search(
                rf"{re.escape(step.id)}: is being done by process {os.getpid()} on \S+.* since 20\d\d-", err
            )
            assert "left to another run" in err
            assert "leave out --no-wait" in err
            assert "2 failed or left out" in out or "2 steps failed or left out" in out
            return
        end = time.monotonic() + 120
        while not _has_all_but(project, step) and time.monotonic() < end:
            time.sleep(0.2)
        assert run.poll() is None
    out, err = run.communicate(timeout=240)
    assert run.returncode == 0, err
    assert "done in" in out
    assert err.count("is being done by") == 1
    assert "this run waits for it" in err


def test_a_killed_run_leaves_no_lease(project: Any, kill_group: Any) -> None:
    project.run(until="encode")
    run = project.start("run", "--jobs", "1")
    time.sleep(2)
    run.send_signal(signal.SIGKILL)
    run.wait()
    kill_group(run) if run.poll() is None else None
    assert "nothing to do" not in project.command("run").stdout
    assert set(attempts(project).values()) == {1}


def test_a_run_takes_over_from_one_that_was_killed(project: Any, until: Any, kill_group: Any, children: Any) -> None:
    project.run(until="encode")
    step = project.plan().steps["student[subjects=odd,seed=0]"]
    store = Store.open(str(project.store))
    other = project.start("run", "--until", "student")
    until(lambda: (owner := store.writer(step.stage, step.key)) is not None and owner.holds)
    (worker,) = children(other.pid)
    os.kill(worker, signal.SIGSTOP)  # so that it has not finished when the run comes to it
    run = project.start("run", "--until", "student")
    plain = run.stderr
    assert plain is not None
    said = plain.readline()
    assert f"{step.id}: is being done by process {worker} on " in said
    kill_group(other)
    os.kill(worker, signal.SIGKILL)
    _, err = run.communicate(timeout=240)
    assert run.returncode == 0, err
    assert f"{step.id}: done in" in err
    assert set(attempts(project).values()) == {1}


def _has_all_but(project: Any, step: Any) -> bool:
    """Tell whether every step that does not need this one is done."""
    plan = project.plan()
    return {id_ for id_, state in plan.states.items() if state != "cached"} == {
        id_ for id_, each in plan.steps.items() if id_ == step.id or step.id in each.needs
    }
