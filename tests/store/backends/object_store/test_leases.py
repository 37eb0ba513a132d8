"""A lease keeps two runs from doing the same work, and never stands in the way of the living."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore, ObjectStore

from store import Store
from store.backends.object_store.leases import Lease
from store.backends.urls import open_backend
from store.errors import DraftLocked
from store.writing.draft import Draft

REPOSITORY = str(Path(__file__).parents[4])


@pytest.fixture(params=["memory", "s3", "azure"])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    return open_backend(request.getfixturevalue(request.param).url(os.urandom(8).hex()))._objects


def held(objects: ObjectStore) -> dict[str, Any]:
    return json.loads(bytes(obstore.get(objects, "lock").bytes()))


def leave(objects: ObjectStore, **changes: Any) -> None:
    """Leave the lease of another owner."""
    said = {"owner": "process 7 on elsewhere", "token": "t", "expires": time.time() + 60, **changes}
    obstore.put(objects, "lock", json.dumps(said).encode())


def test_one_holder_at_a_time(objects: ObjectStore) -> None:
    with Lease(objects, "lock", "the draft of a/b"):
        assert held(objects)["owner"].startswith(f"process {os.getpid()} on {socket.gethostname()}")
        with pytest.raises(DraftLocked, match=r"^the draft of a/b is being written by process \d+ on ") as error:
            Lease(objects, "lock", "the draft of a/b").__enter__()
        assert error.value.owner == held(objects)["owner"]
    with pytest.raises(FileNotFoundError):
        held(objects)
    with Lease(objects, "lock", "the draft of a/b"):
        pass


def test_a_refusal_comes_at_once(objects: ObjectStore) -> None:
    leave(objects)
    began = time.monotonic()
    with pytest.raises(DraftLocked, match="process 7 on elsewhere"):
        Lease(objects, "lock", "it").__enter__()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("changes", [{"expires": time.time() - 1}, {"owner": 5}, {"expires": "soon"}])
def test_a_stale_or_unreadable_lease_is_taken_over(objects: ObjectStore, changes: dict[str, Any]) -> None:
    leave(objects, **changes)
    with Lease(objects, "lock", "it"):
        assert held(objects)["owner"].startswith(f"process {os.getpid()}")


def test_a_lease_is_renewed(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_LEASE_SECONDS", "0.6")
    with Lease(objects, "lock", "it"):
        first = held(objects)
        time.sleep(1.2)
        later = held(objects)
        assert later["token"] == first["token"]
        assert later["expires"] > first["expires"] + 0.5
        with pytest.raises(DraftLocked):
            Lease(objects, "lock", "it").__enter__()


def test_of_two_who_find_it_stale_one_gets_it(objects: ObjectStore) -> None:
    leave(objects, expires=0)
    first, second = Lease(objects, "lock", "it"), Lease(objects, "lock", "it")
    _, version = second._read()  # both have seen the same stale lease
    first.__enter__()
    assert not second._put(version)
    with pytest.raises(DraftLocked):
        second.__enter__()
    first.__exit__()


def test_who_lost_a_lease_leaves_the_next_one_alone(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_LEASE_SECONDS", "0.6")
    with Lease(objects, "lock", "it"):
        leave(objects)  # as if this process had slept
        time.sleep(0.5)
        assert held(objects)["owner"] == "process 7 on elsewhere"
    assert held(objects)["owner"] == "process 7 on elsewhere"


@pytest.mark.parametrize("url", ["memory", "s3"], indirect=True)
def test_a_holder_that_slept_publishes_all_the_same(url: str) -> None:
    """Correctness does not rest on leases: the create-only manifest decides."""
    store, objects = Store.open(url), open_backend(url)._objects
    with begin(store) as first:
        first.write("a", b"1")
        first.journal("a", ["a"])
        lock = "outputs/encode/k/lock"
        lease = json.loads(bytes(obstore.get(objects, lock).bytes()))
        obstore.put(objects, lock, json.dumps({**lease, "expires": 0}).encode())
        with begin(store) as second:
            assert second.done == {"a"}
            assert first.publish({}).read_bytes("a") == b"1"
            assert second.publish({}).manifest.attempt == first.attempt
    store.output("encode", "k").verify()


def begin(store: Store) -> Draft:
    return store.draft("encode", "k", recipe={}, inputs=[])


HOLDER = """
import sys, time
from store import Store
with Store.open(sys.argv[1]).draft("encode", "k", recipe={}, inputs=[]) as draft:
    draft.write("a", b"1")
    draft.journal("a", ["a"])
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(s3: Any) -> Any:
    """Run a process that holds a draft in a bucket; return it and the store's URL."""
    url = s3.url(os.urandom(8).hex())
    environment = {**os.environ, "PYTHONPATH": REPOSITORY, "PIPELINE_LEASE_SECONDS": "3"}
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    yield process, url
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_killed_process_of_this_machine_is_succeeded_at_once(holder: Any, waited_for: bool) -> None:
    """Also one whose number stays, since nobody waits for it: in a container, the first process may never do that."""
    process, url = holder
    with pytest.raises(DraftLocked, match=f"process {process.pid} on"):
        begin(Store.open(url))
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | (0 if waited_for else os.WNOWAIT))
    with begin(Store.open(url)) as draft:
        assert draft.done == {"a"}
        draft.publish({})


def test_a_stopped_process_is_succeeded_when_its_lease_is_over(holder: Any) -> None:
    process, url = holder
    process.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 20
    while True:
        try:
            draft = begin(Store.open(url))
            break
        except DraftLocked:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    with draft:
        assert draft.done == {"a"}
        process.send_signal(signal.SIGCONT)
        time.sleep(1.2)  # it beats again, and finds its lease gone
        lease = json.loads(draft._backend.read("outputs/encode/k/lock"))
        assert lease["process"] == os.getpid()
