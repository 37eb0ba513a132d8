"""Cleaning that is killed wherever it is, or while users come: what is published stays whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from store import Store

from ..used import freed, name, publish

REPOSITORY = str(Path(__file__).parents[3])

CLEANER = """
import sys
from store import Store
print("ready", flush=True)
for _ in Store.open(sys.argv[1]).garbage_collection(grace_s=0).run():
    pass
"""

STEPWISE = """
import os, sys
from store import Store

left = [int(sys.argv[2])]
def counted(call):
    def counting(*arguments, **options):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)
        return call(*arguments, **options)
    return counting
for name in ("link", "unlink", "replace", "rmdir", "rename"):
    setattr(os, name, counted(getattr(os, name)))
for _ in Store.open(sys.argv[1]).garbage_collection(grace_s=0).run():
    pass
"""


def python(program: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": REPOSITORY}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def check_whole(store: Store) -> None:
    """Every published output is whole."""
    for each in list(store.outputs()):
        if store.has(*each):
            store.output(*each).verify()


def test_killed_before_each_single_change(tmp_path: Path) -> None:
    for step in range(1, 40):
        folder = tmp_path / str(step)
        store = Store.open(str(folder))
        publish(store, "index", "i")
        publish(store, "encode", "unused", ["i"])
        name(store, "mine.json", ("index", "i"))
        with store.draft("train", "begun", recipe={}, inputs=[]) as draft:
            draft.write("x", b"x")
        process = python(STEPWISE, str(folder), str(step))
        status = process.wait(60)
        assert status in (0, -signal.SIGKILL)
        check_whole(store)
        freed(store.garbage_collection(grace_s=0))
        assert list(store.outputs()) == [("index", "i")]
        assert not store.garbage_collection(grace_s=0).garbage
        if status == 0:
            assert step > 5
            return
    pytest.fail("it never came to its end")


def test_killed_in_a_bucket(s3: Any) -> None:
    """At moments that spread over a whole collection."""
    store = Store.open(s3.url(os.urandom(8).hex()))
    name(store, "mine.json", ("index", "i"))
    publish(store, "index", "i")
    keys = [f"k{i:02d}" for i in range(30)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: publish(store, "encode", key, ["i"]), keys))
    killed = 0
    for wait in (0.02, 0.05, 0.1, 0.2, 0.4):
        process = python(CLEANER, store.url)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        process.kill()
        killed += process.wait(60) == -signal.SIGKILL
        check_whole(store)
    assert killed
    assert freed(store.garbage_collection(grace_s=0)) == {}
    assert list(store.outputs()) == [("index", "i")]
    assert not [path for path in store._root.list_paths("families") if not path.endswith("/i")]


def test_many_users_come_while_it_frees(tmp_path: Path) -> None:
    """Who names an output and finds it then, keeps it."""
    folder = tmp_path / "store"
    store = Store.open(str(folder))
    name(store, "mine.json", ("index", "i"))
    keys = [f"k{i:03d}" for i in range(60)]
    for key in keys:
        publish(store, "encode", key)
    process = python(CLEANER, str(folder))
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    kept = []
    for key in reversed(keys):
        name(store, f"user-{key}.json", ("encode", key))
        if store.has("encode", key):
            kept.append(key)
        if process.poll() is not None:
            break
    assert process.wait(60) == 0
    for key in kept:
        store.output("encode", key).verify()
