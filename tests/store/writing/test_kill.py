"""SIGKILL at any moment leaves a store from which the next draft goes on, finished units untouched."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from store import Store
from store.features import open_features

WRITER = Path(__file__).with_name("killed_writer.py")
REPOSITORY = str(Path(__file__).parents[3])

Identity = tuple[int, int]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": REPOSITORY}
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def journalled(folder: Path, stage: str, key: str) -> Iterator[tuple[str, Identity]]:
    """Yield each journalled object with its inode and modification time."""
    for journal in (folder / "outputs" / stage / key).glob("*.journal/unit-*.json"):
        attempt = journal.parent.name.removesuffix(".journal")
        for entry in json.loads(journal.read_bytes())["objects"]:
            state = (folder / "outputs" / stage / key / attempt / entry["path"]).stat()
            yield entry["path"], (state.st_ino, state.st_mtime_ns)


def kill_repeatedly(folder: Path, stage: str, key: str, arguments: list[str], kills: int, longest: float) -> list[int]:
    """Kill the writer at random moments, checking finished objects each time; return how many there were."""
    moments = random.Random(7)
    finished: dict[str, Identity] = {}
    counts = []
    while len(counts) < kills and not Store.open(str(folder)).has(stage, key):
        process = start(arguments)
        time.sleep(moments.uniform(0, longest))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if Store.open(str(folder)).has(stage, key):
            break
        now = dict(journalled(folder, stage, key))
        assert now.items() >= finished.items()
        finished = now
        counts.append(len(now))
    process = start(arguments)
    assert process.wait(60) == 0
    output = Store.open(str(folder)).output(stage, key)
    output.verify()
    for path, identity in finished.items():
        state = Path(output.url, path).stat()
        assert (state.st_ino, state.st_mtime_ns) == identity
    return counts


def test_features_are_those_of_an_unbroken_run(folder: Path, tmp_path: Path) -> None:
    counts = kill_repeatedly(folder, "encode", "killed", [str(WRITER), str(folder), "0.02"], 5, 0.5)
    assert max(counts) >= 1
    unbroken = start([str(WRITER), str(tmp_path / "unbroken"), "0"])
    assert unbroken.wait(60) == 0
    resumed, whole = (Store.open(str(place)).output("encode", "killed") for place in (folder, tmp_path / "unbroken"))
    assert resumed.manifest.objects == whole.manifest.objects
    for name in ("features", "valid"):
        np.testing.assert_array_equal(open_features(resumed).read(name), open_features(whole).read(name))


SMALL_WRITER = """
import sys, time
from store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
with store.draft("train", "killed", recipe={}, inputs=[]) as draft:
    for epoch in range(int(draft.scratch_read("epoch") or b"0"), 200):
        draft.scratch_write("epoch", str(epoch + 1).encode())
        unit = str(epoch // 10)
        if epoch % 10 == 9 and unit not in draft.done:
            draft.write("part/" + unit, unit.encode() * 5000)
            draft.journal(unit, ["part/" + unit])
    for unit in map(str, range(20)):
        if unit not in draft.done:  # killed between the checkpoint and the journal
            draft.write("part/" + unit, unit.encode() * 5000)
            draft.journal(unit, ["part/" + unit])
    draft.write("model", b"m" * 1000)
    draft.publish({})
"""


def test_checkpoints_and_publishing_survive(tmp_path: Path) -> None:
    """Short runs, so that kills also fall into taking over and publishing."""
    for repeat in range(2):
        folder = tmp_path / str(repeat)
        kill_repeatedly(folder, "train", "killed", ["-c", SMALL_WRITER, str(folder)], 8, 0.15)
        output = Store.open(str(folder)).output("train", "killed")
        assert [entry.path for entry in output.manifest.objects] == sorted(
            ["model", *(f"part/{unit}" for unit in range(20))]
        )
        assert output.read_bytes("part/7") == b"7" * 5000


STEPWISE = """
import itertools, os, sys
from store import Store

def counted(call, left):
    def counting(*arguments, **options):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)
        return call(*arguments, **options)
    return counting

def write(folder, kill_before):
    left = [kill_before]
    for name in ("link", "unlink", "replace", "fsync", "mkdir", "rmdir"):
        setattr(os, name, counted(getattr(os, name), left))
    with Store.open(folder).draft("train", "killed", recipe={}, inputs=[]) as draft:
        if "0" not in draft.done:
            draft.write("part/0", b"zero")
            draft.journal("0", ["part/0"])
        draft.scratch_write("checkpoint", b"1")
        draft.write("model", b"m")
        draft.publish({})

def in_child(folder, kill_before):
    child = os.fork()
    if child == 0:
        try:
            write(folder, kill_before)
        except BaseException as error:
            print(error, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

print("ready", flush=True)
for step in itertools.count(1):
    folder = os.path.join(sys.argv[1], str(step))
    status = in_child(folder, step)
    assert status in (0, -9), status
    store = Store.open(folder)
    if not store.has("train", "killed"):
        assert in_child(folder, 0) == 0
    output = store.output("train", "killed")
    output.verify()
    assert [entry.path for entry in output.manifest.objects] == ["model", "part/0"]
    assert store.progress("train", "killed") == 0
    if status == 0:
        print(step, "steps", flush=True)
        sys.exit(0 if step > 40 else "hardly any step was counted")
"""


def test_a_crash_before_each_single_change_to_the_file_system(tmp_path: Path) -> None:
    """The successor of a killed writer always publishes the same output."""
    process = start(["-c", STEPWISE, str(tmp_path)])
    assert process.wait(120) == 0, process.stdout.read() if process.stdout else ""
