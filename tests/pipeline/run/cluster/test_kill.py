"""Processes that die: a worker, the scheduler, the run. What is journalled stays, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Identity = tuple[int, int]  # inode, modification time in ns
Until = Callable[..., None]
SHARDS = 14


@pytest.fixture
def key(encoding: Any) -> str:
    found: str = encoding.plan().steps["encode[inertial]"].key
    return found


def journalled(project: Any, key: str) -> dict[str, Identity]:
    """Return the shards that are journalled in any attempt, by number, with the identity of the file of `features`."""
    place = project.store / "outputs" / "encode" / key
    found = {}
    for unit in place.glob("*.journal/unit-*.json"):
        shard = unit.stem.removeprefix("unit-")
        state = (place / unit.parent.stem / f"features/c/{shard}/0/0").stat()
        found[shard] = (state.st_ino, state.st_mtime_ns)
    return found


def check(project: Any, unbroken: Any, key: str, finished: dict[str, Identity]) -> None:
    """The output has the bits of an unbroken run, and the shards that were finished are the very same files."""
    output = project.plan().store.output("encode", key)
    output.verify()
    states = {shard: Path(output.url, f"features/c/{shard}/0/0").stat() for shard in finished}
    assert {shard: (state.st_ino, state.st_mtime_ns) for shard, state in states.items()} == finished
    assert output.manifest.objects == unbroken.plan().store.output("encode", key).manifest.objects


def made(log: Path) -> Counter[str]:
    """Return how often each shard was computed by slow workers."""
    return Counter(each.name.split("-")[0] for each in log.iterdir())


def ends(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    return process.returncode, said


def test_a_killed_worker_costs_what_it_had_in_hand(
    encoding: Any, key: str, cluster: Any, slowly: Any, log: Path, unbroken: Any, until: Until
) -> None:
    cluster.add(2, options=slowly)
    process = encoding.start("run", "--scheduler", cluster.address)
    until(lambda: len(journalled(encoding, key)) >= 3)
    finished = journalled(encoding, key)
    os.killpg(cluster.workers[0].pid, signal.SIGKILL)
    assert ends(process)[0] == 0
    assert set(made(log)) == {str(shard) for shard in range(SHARDS)}
    assert made(log).total() - SHARDS <= 1  # a worker has one shard in hand
    check(encoding, unbroken, key, finished)


@pytest.mark.slow
@pytest.mark.parametrize("again", ["scheduled", "embedded"])
def test_a_killed_scheduler_costs_what_was_in_flight(
    encoding: Any, key: str, cluster: Any, slowly: Any, log: Path, unbroken: Any, until: Until, again: str
) -> None:
    cluster.add(2, options=slowly)
    process = encoding.start("run", "--scheduler", cluster.address)
    until(lambda: len(journalled(encoding, key)) >= 3)
    os.killpg(cluster.scheduler.pid, signal.SIGKILL)
    code, said = ends(process)
    assert code == 1
    assert f"the scheduler at {cluster.address} is gone" in said
    assert "run again" in said
    finished = journalled(encoding, key)
    assert 3 <= len(finished) < SHARDS
    assert encoding.plan().states["encode[inertial]"] == "partial"
    if again == "scheduled":
        before = made(log)
        cluster.stop()
        cluster.start()
        cluster.add(1, options=slowly)
        encoding.command("run", "--scheduler", cluster.address)
        late = made(log) - before
        assert late.keys().isdisjoint(finished)
    else:  # beside workers that may still be writing
        encoding.command("run")
    check(encoding, unbroken, key, finished)
    assert len(list((encoding.store / "outputs" / "encode" / key).glob("*Z-????????"))) <= 2


@pytest.mark.slow
def test_a_killed_run_leaves_its_workers_to_the_next(
    encoding: Any, key: str, cluster: Any, slowly: Any, log: Path, unbroken: Any, until: Until, kill_group: Any
) -> None:
    cluster.add(2, options=slowly)
    process = encoding.start("run", "--scheduler", cluster.address)
    until(lambda: len(journalled(encoding, key)) >= 3)
    kill_group(process)
    encoding.command("run", "--scheduler", cluster.address)
    assert made(log).total() - SHARDS <= 2
    check(encoding, unbroken, key, {})


def test_a_scheduler_goes_on_from_a_run_without_one(
    encoding: Any, key: str, cluster: Any, slowly: Any, log: Path, unbroken: Any
) -> None:
    """As if killed after five shards: its journal is there, and what it was about to write."""
    from pipeline.run.jobs import make_job
    from pipeline.run.step.execute import make_context
    from pipeline.run.step.source import open_source
    from pipeline.stages.encode.stage import open as open_encode

    plan = encoding.plan()
    job = make_job(plan, plan.steps["encode[inertial]"], "cpu")
    with plan.store.draft("encode", key, recipe=job.recipe, inputs=[]) as draft:
        context = make_context(job, draft, {}, open_source(job, lambda *_: None), "cpu", lambda *_: None)
        step = open_encode(context)
        assert [number for number, _ in step.make_shards(step.prepare()[:5])] == [0, 1, 2, 3, 4]
        draft.write("features/c/5/0/0", b"half a shard")
    finished = journalled(encoding, key)
    assert len(finished) == 5
    cluster.add(1, options=slowly)
    encoding.command("run", "--scheduler", cluster.address)
    assert made(log) == Counter(str(shard) for shard in range(5, SHARDS))
    check(encoding, unbroken, key, finished)
