"""An experiment's reference: who uses which outputs, written only where something changed."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.plan.history import History, StepRecord
from store import Store
from store.maintenance.references import encode_ref


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my stages.yaml"


def written(store: Store) -> dict[str, Any]:
    (content,) = store.refs().values()
    return dict(json.loads(content))


def test_says_who_and_when(store: Store, file: Path) -> None:
    History.read(store, file).record({"encode[depth]": StepRecord("encode", "k", 2.0, 10)})
    reference = written(store)
    assert reference["host"] == os.uname().nodename
    assert reference["user"]
    assert reference["written"].startswith("20")
    assert reference["path"] == str(file)
    assert History.read(store, file).steps == {"encode[depth]": StepRecord("encode", "k", 2.0, 10)}


def test_nothing_new_writes_nothing(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History.read(store, file)
    history.record({"index": StepRecord("index", "a")})
    history.pin([("train", "b")])
    monkeypatch.setattr(Store, "write_ref", lambda *_: pytest.fail("wrote a reference"))
    again = History.read(store, file)
    again.record({"index": StepRecord("index", "a")})
    again.pin([("index", "a"), ("train", "b")])


def test_two_runs_add_to_each_other(store: Store, file: Path) -> None:
    one, other = History.read(store, file), History.read(store, file)
    one.pin([("train", "a")])
    other.pin([("train", "b")])
    one.record({"x": StepRecord("train", "a")})
    reference = written(store)
    assert [use["key"] for use in reference["uses"]] == ["b"]
    assert set(reference["steps"]) == {"x"}


def test_what_was_never_used_is_forgotten(store: Store, file: Path) -> None:
    history = History.read(store, file)
    history.pin([("train", "old")])
    (name,) = store.refs()
    reference = written(store)
    reference["uses"][0]["since"] = "2020-01-01T00:00:00+00:00"
    del reference["sha256"]
    store.write_ref(name, json.dumps(reference).encode())
    History.read(store, file).pin([("train", "new")])
    assert [use["key"] for use in written(store)["uses"]] == ["new"]


def test_machines_with_equal_paths_have_references_of_their_own(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    History.read(store, file).record({"index": StepRecord("index", "a")})
    monkeypatch.setenv("LOGNAME", "somebody-else")
    History.read(store, file).record({"index": StepRecord("index", "b")})
    assert len(store.refs()) == 2
    monkeypatch.undo()
    assert History.read(store, file).steps["index"].key == "a"


def test_a_machine_by_another_name_goes_on_from_its_own(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container, or a laptop in another network; the other reference stays, for nobody knows whose it is."""
    before = os.uname()
    History.read(store, file).record({"index": StepRecord("index", "a")})
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((before[0], "renamed", *before[2:])))
    history = History.read(store, file)
    assert history.steps["index"].key == "a"
    history.record({"index": StepRecord("index", "b")})
    assert len(store.refs()) == 2
    monkeypatch.undo()
    assert History.read(store, file).steps["index"].key == "a"


def test_an_earlier_version_is_read(store: Store, tmp_path: Path) -> None:
    import hashlib

    file = tmp_path / "stages.yaml"
    name = f"stages-{hashlib.sha256(os.fsencode(file)).hexdigest()[:12]}.json"
    before = {"stages_file": "stages.yaml", "steps": {"index": {"stage": "index", "key": "a", "seconds": 1.5}}}
    store.write_ref(name, json.dumps(before).encode())
    history = History.read(store, file)
    assert history.steps == {"index": StepRecord("index", "a", 1.5)}
    history.record({"index": StepRecord("index", "b")})
    assert History.read(store, file).steps["index"].key == "b"


def test_a_remote_is_told(store: Store, file: Path, tmp_path: Path) -> None:
    remote = Store.open(str(tmp_path / "remote"))
    history = History.read(store, file)
    history.record({"index": StepRecord("index", "a", 3.0), "encode": StepRecord("encode", "b")})
    there = history.in_store(remote)
    there.pin([("index", "a"), ("train", "c")])
    assert {use["key"] for use in written(remote)["uses"]} == {"a", "c"}
    there.record({"index": history.steps["index"]})
    reference = written(remote)
    assert reference["steps"]["index"]["seconds"] == 3.0
    assert "encode" not in reference["steps"]
    assert [use["key"] for use in reference["uses"]] == ["c"]


def test_runs_that_name_outputs_at_once_lose_none(store: Store, file: Path) -> None:
    """Each reads, adds and writes; what another one named between the two must not go."""
    start = Barrier(8)

    def name_some(who: int) -> None:
        history = History.read(store, file)
        start.wait(30)
        for number in range(5):
            history.pin([("train", f"k{who}-{number}")])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(name_some, range(8)))
    assert len(written(store)["uses"]) == 40


def test_what_another_output_took_the_place_of_stays_named_for_60_days(store: Store, file: Path) -> None:
    History.read(store, file).record({"encode[a]": StepRecord("encode", "branch"), "index": StepRecord("index", "i")})
    History.read(store, file).record(
        {"encode[a]": StepRecord("encode", "main", 2.0), "index": StepRecord("index", "i")}
    )
    history = History.read(store, file)
    assert history.steps["encode[a]"] == StepRecord("encode", "main", 2.0)
    assert history.pinned_outputs() == {("encode", "branch"), ("encode", "main"), ("index", "i")}
    history.record({"encode[a]": StepRecord("encode", "branch")})  # and back
    assert [use["key"] for use in written(store)["uses"]] == ["main"]
    (name,) = store.refs()
    reference = written(store)
    reference["uses"][0]["since"] = "2020-01-01T00:00:00+00:00"
    store.write_ref(name, encode_ref({key: reference[key] for key in reference if key != "sha256"}))
    History.read(store, file).record({"encode[a]": StepRecord("encode", "third")})
    assert History.read(store, file).pinned_outputs() == {("encode", "branch"), ("encode", "third"), ("index", "i")}


def test_a_trial_takes_no_steps_place(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    History.read(store, file).record({"encode[a]": StepRecord("encode", "own", 2.0)})
    trial = History.read(store, file, trial="x")
    trial.record({"encode[a]": StepRecord("encode", "tried", 9.0), "encode[b]": StepRecord("encode", "new", 1.0)})
    history = History.read(store, file)
    assert history.steps == {"encode[a]": StepRecord("encode", "own", 2.0)}
    assert history.pinned_outputs() == {("encode", "own"), ("encode", "tried"), ("encode", "new")}
    assert {id_: past.key for id_, past in trial.steps.items()} == {"encode[a]": "tried", "encode[b]": "new"}
    monkeypatch.setattr(Store, "write_ref", lambda *_: pytest.fail("wrote a reference"))
    trial.record({"encode[a]": StepRecord("encode", "tried", 9.0)})


done = st.fixed_dictionaries({step: st.sampled_from([f"{step}1", f"{step}2", f"{step}3"]) for step in "st"})
runs = st.lists(st.tuples(st.sampled_from(["", "x", "y"]), done), max_size=6)


@given(runs=runs)
@settings(max_examples=40, deadline=None)
def test_each_trial_and_the_file_remember_their_own_last_runs(runs: list[tuple[str, dict[str, str]]]) -> None:
    """And every output that any of them had stays named."""
    with tempfile.TemporaryDirectory() as folder:
        store, file = Store.open(f"{folder}/store"), Path(folder) / "stages.yaml"
        own: dict[str, str] = {}
        tried: dict[str, dict[str, str]] = {"x": {}, "y": {}}
        named, ever_own = set(), set[str]()
        for trial, done in runs:
            history = History.read(store, file, trial=trial)
            history.pin(("train", key) for key in done.values())
            history.record({step: StepRecord("train", key) for step, key in done.items()})
            named |= {("train", key) for key in done.values()}
            (tried[trial] if trial else own).update(done)
            ever_own |= set() if trial else {*done.values()}
            now = History.read(store, file)
            assert {step: past.key for step, past in now.steps.items()} == own
            assert now.pinned_outputs() == named
            assert {step: History.read(store, file, trial=trial).steps[step].key for step in done} == done
        for trial, steps in tried.items():
            seen = History.read(store, file, trial=trial).steps
            # What was the file's own, too, is told by the file's run alone.
            assert all(seen[step].key in (key, own.get(step)) for step, key in steps.items())
            assert all(seen[step].key == key for step, key in steps.items() if key not in ever_own)


def test_what_a_trial_made_is_forgotten_after_60_days_and_not_while_it_is_run(store: Store, file: Path) -> None:
    trial = History.read(store, file, trial="x")
    trial.record({"student": StepRecord("train", "tried")})
    (name,) = store.refs()
    reference = written(store)
    reference["uses"][0]["since"] = "2020-01-01T00:00:00+00:00"
    store.write_ref(name, encode_ref({key: reference[key] for key in reference if key != "sha256"}))
    History.read(store, file, trial="x").pin([("train", "tried")])
    assert History.read(store, file, trial="x").steps == {"student": StepRecord("train", "tried")}
    reference["uses"][0]["since"] = "2020-01-01T00:00:00+00:00"
    store.write_ref(name, encode_ref({key: reference[key] for key in reference if key != "sha256"}))
    History.read(store, file).pin([("train", "other")])
    assert History.read(store, file, trial="x").steps == {}


@pytest.mark.parametrize("trial", ["x", ""])
def test_in_a_remote_both_stay_named(store: Store, file: Path, tmp_path: Path, trial: str) -> None:
    remote = Store.open(str(tmp_path / "remote"))
    History.read(store, file).in_store(remote).record({"encode[a]": StepRecord("encode", "own")})
    History.read(store, file, trial=trial).in_store(remote).record({"encode[a]": StepRecord("encode", "other")})
    there = History.read(store, file).in_store(remote)
    assert there.pinned_outputs() == {("encode", "own"), ("encode", "other")}
    assert there.steps["encode[a]"].key == ("own" if trial else "other")
