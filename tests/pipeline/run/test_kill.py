"""kill -9 at any moment leaves a store from which the next run goes on, to the very same result."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Identity = tuple[int, int]  # inode, modification time in ns


def journalled(store: Path, key: str, stage: str = "encode") -> dict[str, Identity]:
    """Return each journalled object of unfinished attempts at an output, with its identity."""
    found: dict[str, Identity] = {}
    for journal in (store / "outputs" / stage / key).glob("*.journal/unit-*.json"):
        attempt = journal.parent.with_name(journal.parent.name.removesuffix(".journal"))
        for entry in json.loads(journal.read_bytes())["objects"]:
            found[str(attempt / entry["path"])] = identity(attempt / entry["path"])
    return found


def identity(path: Path) -> Identity:
    state = path.stat()
    return state.st_ino, state.st_mtime_ns


@pytest.fixture
def encoding(project: Any, many: Path) -> Any:
    """An experiment with an encode step of some seconds: wide windows, all of their samples kept."""
    inertial = {"window": 40, "stride": 2, "patches": 400, "reduce": "flatten", "keep_series": True}
    return project.write(
        {
            "source": {"name": "utd-mhad", "root": str(many)},
            "modalities": ["inertial"],
            "protocol": "subject-50-50",
            "stages": {"encode": {"inertial": inertial}},
        }
    )


Kill = Callable[[subprocess.Popen[str]], None]


def check_against_unbroken(encoding: Any, tmp_path: Path, finished: dict[str, Identity]) -> None:
    """The end of a broken run: shards untouched, arrays those of an unbroken run."""
    from store.features import open_features

    assert {path: identity(Path(path)) for path in finished} == finished
    whole = type(encoding)(tmp_path / "unbroken").write(json.loads(json.dumps(_values(encoding))))
    whole.run()
    step = encoding.plan().steps["encode[inertial]"]
    resumed, unbroken = (each.plan().store.output("encode", step.key) for each in (encoding, whole))
    assert resumed.manifest.objects == unbroken.manifest.objects  # paths, sizes and SHA-256
    for name in ("features", "valid", "series"):
        array = open_features(unbroken).read(name)
        assert array.any()
        np.testing.assert_array_equal(open_features(resumed).read(name), array)


def _values(project: Any) -> Any:
    import yaml

    return yaml.safe_load(project.file.read_text())


def kill_once(
    encoding: Any, key: str, finished: dict[str, Identity], moment: Callable[[], None],
    children: Any, gone: Any, kill_group: Kill,
) -> dict[str, Identity]:  # fmt: skip
    """Start a run, kill it and its workers with it, and return what is journalled."""
    process = encoding.start("run", "--until", "encode")
    moment()
    workers = children(process.pid)
    kill_group(process)
    assert gone(workers), "a worker outlived its run"
    now = journalled(encoding.store, key)
    if (encoding.store / "outputs" / "encode" / key / "manifest.json").exists():
        return finished  # it was done before the kill, and has no journal any more
    assert now.items() >= finished.items()
    return now


def test_encode_goes_on_after_kills(
    encoding: Any, tmp_path: Path, until: Any, children: Any, gone: Any, kill_group: Kill
) -> None:
    moments = random.Random(3)
    encoding.run(until="index")
    key = encoding.plan().steps["encode[inertial]"].key
    finished: dict[str, Identity] = {}
    for kill in range(3):

        def moment(more: int = kill % 2 + 1, had: int = len(finished)) -> None:
            until(lambda: len(journalled(encoding.store, key)) >= had + more)
            time.sleep(moments.uniform(0, 0.05))

        finished = kill_once(encoding, key, finished, moment, children, gone, kill_group)
    assert finished
    assert encoding.plan().states["encode[inertial]"] == "partial"
    (reason,) = encoding.reasons()["encode[inertial]"]
    assert reason == "is begun: another run is at it, or it goes on from its journal"
    encoding.command("run", "--until", "encode")
    check_against_unbroken(encoding, tmp_path, finished)


@pytest.mark.slow
def test_gaf_goes_on_after_a_kill(
    project: Any, many: Path, tmp_path: Path, until: Any, children: Any, gone: Any, kill_group: Kill
) -> None:
    from store.features import open_features

    values = {
        "source": {"name": "utd-mhad", "root": str(many)},
        "modalities": ["accelerometer"],
        "protocol": "subject-50-50",
        "stages": {"encode": {}, "gaf": {"needs": ["encode"], "size": 160}},
    }
    project.write(values).run(until="encode")
    key = project.plan().steps["gaf[accelerometer]"].key
    process = project.start("run")
    until(lambda: len(journalled(project.store, key, "gaf")) >= 3)  # a shard: images, series, valid
    workers = children(process.pid)
    kill_group(process)
    assert gone(workers), "a worker outlived its run"
    finished = journalled(project.store, key, "gaf")
    assert finished
    assert project.plan().states["gaf[accelerometer]"] == "partial"
    project.command("run")
    assert {path: identity(Path(path)) for path in finished} == finished
    whole = type(project)(tmp_path / "unbroken").write(values)
    whole.run()
    resumed, unbroken = (each.plan().store.output("gaf", key) for each in (project, whole))
    assert resumed.manifest.objects == unbroken.manifest.objects  # paths, sizes and SHA-256
    assert open_features(unbroken).read("images").any()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_encode_goes_on_after_twenty_kills_at_random_moments(
    encoding: Any, tmp_path: Path, children: Any, gone: Any, kill_group: Kill
) -> None:
    """From an empty store on, at any moment between the start of the program and the end of the run."""
    moments = random.Random(20)
    unbroken = type(encoding)(tmp_path / "timed").write(_values(encoding))
    started = time.monotonic()
    assert unbroken.start("run", "--until", "encode").wait() == 0  # as those that are killed: nothing is warm
    length = time.monotonic() - started
    key = unbroken.plan().steps["encode[inertial]"].key
    finished: dict[str, Identity] = {}
    seen, kills = 0, 0
    while kills < 20:
        finished = kill_once(
            encoding, key, finished, lambda: time.sleep(moments.uniform(0, length)), children, gone, kill_group
        )
        kills += 1
        seen += len(finished)
        if encoding.plan().store.has("encode", key):  # it was done before the kill: begin anew
            check_against_unbroken(encoding, tmp_path / str(kills), finished)
            encoding.remove("encode", key)
            finished = {}
    assert seen >= 1
    encoding.command("run", "--until", "encode")
    check_against_unbroken(encoding, tmp_path, finished)
