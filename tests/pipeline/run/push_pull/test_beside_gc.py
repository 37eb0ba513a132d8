"""What a command says is there, is there at its end, whatever a cleaning does meanwhile."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.history import History, StepRecord
from pipeline.run import push_pull as sharing
from store import Store
from store.transfer import copy_output

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[3]


@pytest.fixture(params=["folder", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "share")
    url: str = request.getfixturevalue("s3").url(os.urandom(8).hex())
    return url


@contextmanager
def stopping(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "stopping.py"), *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "PIPELINE_LEASE_SECONDS": "0.3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stands_still(process: subprocess.Popen[str]) -> bool:
    """Wait until a process has stopped itself, or ended, or waits for more to do; tell whether it has stopped."""
    while True:
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state in "TZ":
            return state == "T"
        if process.stdout and select.select([process.stdout], [], [], 0.01)[0]:
            return False


def old_and_unnamed(plan: Any, target: Store, *ids: str) -> None:
    """Put outputs where no reference names them, and one that names another."""
    for id_ in ids:
        copy_output(plan.store, target, plan.steps[id_].stage, plan.steps[id_].key)
    target.write_ref("another.json", json.dumps({"steps": {"x": {"stage": "index", "key": "x"}}}).encode())


def check_promises(target: Store, plan: Any, ids: Any) -> None:
    for id_ in ids:
        target.output(plan.steps[id_].stage, plan.steps[id_].key).verify()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, to see that a process has stopped")
def test_a_cleaning_that_stands_still_at_any_moment_beside_a_push(
    finished: Any, remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bucket it stands still for longer than its lease: push takes over, and the cleaning wakes up later."""
    monkeypatch.setenv("PIPELINE_LEASE_SECONDS", "0.3")
    monkeypatch.setattr(sharing, "_PAUSE_S", 0.2 if "://" in remote else 0.0, raising=False)
    project = finished.copy(tmp_path / "mine")
    plan = project.plan()
    outputs = {"index": (plan.steps["index"].stage, plan.steps["index"].key)}
    pushed = 0
    with stopping("gc") as gc:
        assert gc.stdin
        assert gc.stdout
        for moment in range(1, 60):
            url = f"{remote}/{moment}"
            target = Store.open(url)
            old_and_unnamed(plan, target, "index")
            time.sleep(0.4 if "://" in remote else 0.0)  # until that copy's lease is over
            print(url, moment, file=gc.stdin, flush=True)
            still = stands_still(gc)
            shared = sharing.push(plan, target, outputs)
            gc.send_signal(signal.SIGCONT)
            assert gc.stdout.readline().startswith("done")
            there = [*shared.sent, *shared.present]
            assert there or shared.failed
            check_promises(target, plan, there)
            pushed += bool(there)
            if not still:
                break
        assert 8 < moment < 59
        assert pushed >= 2 if "://" not in remote else pushed == moment


def test_a_cleaning_while_a_push_is_sending(finished: Any, remote: str, tmp_path: Path) -> None:
    """What is there already is named before the rest is sent, however long that takes."""
    project = finished.copy(tmp_path / "mine")
    plan = project.plan()
    target = Store.open(remote)
    old_and_unnamed(plan, target, "index")
    push = ("before", "store.transfer.copying:send", "push", "index", "encode", "--remote", remote, "--json")
    with stopping(*push, cwd=project.folder) as process:
        assert stands_still(process)
        project.command("gc", "--store", remote, "--grace", "0s", "--yes")
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    said = json.loads(out)
    assert said["there"] == ["index"]
    assert len(said["sent"]) == 2
    check_promises(target, plan, [*said["there"], *said["sent"]])


def test_what_could_not_be_sent_stays_named_as_meant_and_not_as_done(
    finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = finished.copy(tmp_path / "mine")
    plan = project.plan()
    target = Store.open(str(tmp_path / "share"))
    step = plan.steps["encode[inertial]"]
    damaged = next((project.store / "outputs" / "encode" / step.key).glob("*Z-*/features/c/0/0/0"))
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    shared = sharing.push(plan, target, sharing.named(plan.steps.values()))
    assert list(shared.failed) == ["encode[inertial]"]
    (reference,) = map(json.loads, target.refs().values())
    assert reference["steps"].keys() == plan.steps.keys() - {"encode[inertial]"}
    assert [use["key"] for use in reference["uses"]] == [step.key]


def test_other_experiments_references_grow_with_what_is_pushed_for_them(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "mine")
    for name in (store := Store.open(str(project.store))).refs():  # of the experiment that this is a copy of
        store._root.delete(f"refs/{name}")
    plan = project.plan()
    target = Store.open(str(tmp_path / "share"))
    other = History.read(plan.store, project.folder / "other.yaml")
    for number, id_ in enumerate(["student[subjects=odd,seed=0]", "teacher[subjects=odd,seed=0]"]):
        other.record({f"step {number}": StepRecord(plan.steps[id_].stage, plan.steps[id_].key)})
        assert not sharing.push(plan, target, sharing.everything(plan.store), whole=True).failed
    assert History.read(target, project.folder / "other.yaml").steps == other.steps
    target._root.delete(f"refs/{plan.history.name}")
    for scrap, left in target.garbage_collection(grace_s=0).run():
        assert not left, scrap
    kept = {stage for stage, _ in target.outputs()}
    assert kept == {"index", "encode", "train"}
    for past in other.steps.values():
        target.output(past.stage, past.key).verify()


@pytest.mark.parametrize("command", ["run", "pull"])
def test_who_uses_a_remote_is_named_there(finished: Any, remote: str, tmp_path: Path, command: str) -> None:
    """The one who pushed lets go of it; what a colleague's run counts on, or pulls, stays."""
    project = finished.copy(tmp_path / "mine")
    project.command("push", "--remote", remote)
    theirs = type(project)(tmp_path / "theirs").write(_values(project))
    said = theirs.command(command, PIPELINE_REMOTE=remote).stdout
    assert ("6 in a remote and not needed here" if command == "run" else "9 pulled") in said
    mine = project.plan().history.name
    project.command("gc", "--store", remote, "--grace", "0s", "--yes", "--forget", mine)
    assert len(list(Store.open(remote).outputs())) == 9
    assert "9 steps" in theirs.command("run", PIPELINE_REMOTE=remote).stdout


def test_what_accept_compares_is_named_first(finished: Any, tmp_path: Path) -> None:
    """Another experiment's output, which this one has never used."""
    from pipeline.cli.commands.accept import _targets

    project = finished.copy(tmp_path / "mine")
    for name in (store := Store.open(str(project.store))).refs():
        store._root.delete(f"refs/{name}")
    plan = project.plan()
    step = plan.steps["index"]
    step.recipe["code"] = dict.fromkeys(step.recipe["code"], "0" * 64)
    plan.states["index"] = "todo"
    (target,) = _targets(plan, [step])
    assert [old.manifest.key for _, old in target.pairs] == [step.key]
    assert ("index", step.key) in History.read(store, project.file).pinned_outputs()


def _values(project: Any) -> dict[str, Any]:
    import yaml

    values: dict[str, Any] = yaml.safe_load(project.file.read_text())
    return values
