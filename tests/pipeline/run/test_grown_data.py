"""A dataset on disk grows, shrinks, changes and is mended: each run encodes what is new, and takes over the rest."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.features import open_features
from store.transfer import copy_output

MODALITIES = ("skeleton", "inertial")


@pytest.fixture
def grown(project: Any, raw: Path, tmp_path: Path) -> Any:
    """An experiment on a copy of raw data, whose features are there."""
    values = {
        "source": {"name": "utd-mhad", "root": str(raw)},
        "modalities": list(MODALITIES),
        "protocol": "subject-50-50",
        "on_bad_recording": "skip",
        "stages": {"encode": {}},
    }
    project.write(values)
    project.run()
    assert counts(project) == dict.fromkeys(MODALITIES, (0, 16))
    return project


def outputs(project: Any, *settings: tuple[str, Any]) -> dict[str, Any]:
    """Return the published features by modality."""
    plan = project.plan(*settings)
    return {name: plan.store.output("encode", plan.steps[f"encode[{name}]"].key) for name in MODALITIES}


def counts(project: Any, *settings: tuple[str, Any]) -> dict[str, tuple[int, int]]:
    """Return how many rows were copied and computed, by modality."""
    told = {name: output.manifest.provenance["rows"] for name, output in outputs(project, *settings).items()}
    return {name: (rows["copied"], rows["computed"]) for name, rows in told.items()}


def copy(raw: Path, old: str, new: str) -> None:
    """Let a trial have the files of another, an hour old; both are named like ``a1_s2_t1``."""
    past = time.time() - 3600
    for file in list(raw.rglob(f"{old}_*")):
        other = file.with_name(file.name.replace(old, new))
        shutil.copy(file, other)
        os.utime(other, (past, past))


def check_like_anew(project: Any, folder: Path) -> None:
    """Check that features have the bits of those of a store that never saw the earlier data."""
    anew = ("store", str(folder / "anew"))
    project.run(anew)
    fresh = outputs(project, anew)
    for name, output in outputs(project).items():
        ours, theirs = open_features(output), open_features(fresh[name])
        assert fresh[name].manifest.provenance["rows"]["copied"] == 0
        assert output.manifest.key == fresh[name].manifest.key
        for array in ours.names:
            assert ours.read(array).tobytes() == theirs.read(array).tobytes()
        for path in ("rows.sha256", "skipped.json"):
            assert output.read_bytes(path) == fresh[name].read_bytes(path)


def remove(raw: Path, trial: str) -> None:
    for file in list(raw.rglob(f"{trial}_*")):
        file.unlink()


def swap(raw: Path, one: str, other: str) -> None:
    copy(raw, one, "a9_s9_t9")
    copy(raw, other, one)
    copy(raw, "a9_s9_t9", other)
    remove(raw, "a9_s9_t9")


Change = Callable[[Path], None]
CHANGES: Mapping[str, tuple[Change, int, int]] = {
    "one more": (lambda raw: copy(raw, "a1_s1_t1", "a1_s1_t2"), 16, 1),
    "one less": (lambda raw: remove(raw, "a2_s1_t1"), 15, 0),
    "one changed": (lambda raw: copy(raw, "a1_s1_t1", "a8_s2_t1"), 15, 1),
    "two swapped": (lambda raw: swap(raw, "a1_s1_t1", "a8_s2_t1"), 14, 2),
}


@pytest.mark.parametrize("what", CHANGES)
def test_only_what_is_new_is_encoded(grown: Any, raw: Path, tmp_path: Path, what: str) -> None:
    change, copied, computed = CHANGES[what]
    before = {name: output.manifest.key for name, output in outputs(grown).items()}
    change(raw)
    assert grown.run() == ["index", "encode[skeleton]", "encode[inertial]"]
    assert counts(grown) == dict.fromkeys(MODALITIES, (copied, computed))
    for name, output in outputs(grown).items():
        assert output.manifest.provenance["rows"]["from"] == before[name]
    check_like_anew(grown, tmp_path)


def test_a_change_of_one_modality_s_file_concerns_that_one_alone(grown: Any, raw: Path) -> None:
    shutil.copy(raw / "Inertial/a1_s1_t1_inertial.mat", raw / "Inertial/a3_s1_t1_inertial.mat")
    assert grown.run() == ["index", "encode[inertial]"]
    assert counts(grown) == {"skeleton": (0, 16), "inertial": (15, 1)}


def test_a_broken_recording_that_is_mended_is_encoded(grown: Any, raw: Path, tmp_path: Path) -> None:
    file = raw / "Inertial/a3_s1_t1_inertial.mat"
    whole = file.read_bytes()
    file.write_bytes(whole[:300])
    grown.run()
    assert counts(grown)["inertial"] == (15, 0)
    listed = outputs(grown)["inertial"].read_json("skipped.json", list)
    assert [item["recording"] for item in listed] == ["a03_s1_t1"]
    check_like_anew(grown, tmp_path)
    broken = outputs(grown)["inertial"].manifest.key
    shutil.rmtree(grown.store / "outputs/encode")  # only what was made while it was broken is left, elsewhere
    store, other = Store.open(str(grown.store)), Store.open(str(tmp_path / "anew"))
    copy_output(other, store, "encode", broken)
    file.write_bytes(whole)
    grown.run()
    assert counts(grown)["inertial"] == (15, 1)
    assert outputs(grown)["inertial"].read_json("skipped.json", list) == []


def test_force_encodes_everything(grown: Any, raw: Path) -> None:
    from pipeline.run.jobs import make_job
    from pipeline.run.step.execute import execute

    plan = grown.plan()
    execute(make_job(plan, plan.steps["encode[inertial]"], "cpu", force=True), lambda *_: None)
    assert counts(grown)["inertial"] == (0, 16)


def test_rows_are_taken_from_a_remote_too(grown: Any, raw: Path, tmp_path: Path) -> None:
    shutil.move(grown.store, tmp_path / "remote")
    copy(raw, "a1_s1_t1", "a1_s1_t2")
    remote = ("remote", str(tmp_path / "remote"))
    grown.run(remote)
    assert counts(grown, remote) == dict.fromkeys(MODALITIES, (16, 1))


def test_a_remote_that_is_damaged_is_not_used(grown: Any, raw: Path, tmp_path: Path) -> None:
    for file in grown.store.glob("outputs/encode/*/*/features/c/0/0/0"):
        file.write_bytes(file.read_bytes()[:-1])
    shutil.move(grown.store, tmp_path / "remote")
    copy(raw, "a1_s1_t1", "a1_s1_t2")
    remote = ("remote", str(tmp_path / "remote"))
    grown.run(remote)
    for output in outputs(grown, remote).values():
        rows = output.manifest.provenance["rows"]
        assert (rows["copied"], rows["computed"]) == (0, 17)
        assert ["changed after it was published" in why for why in rows["damaged"].values()] == [True]
    check_like_anew(grown, tmp_path)


def test_the_command_says_what_was_copied(grown: Any, raw: Path) -> None:
    copy(raw, "a1_s1_t1", "a1_s1_t2")
    said = grown.command("run").stderr
    for name in MODALITIES:
        (line,) = [line for line in said.splitlines() if f"encode[{name}]: done" in line]
        assert ", copied 16 of 17 rows" in line  # a slow machine's phases follow
    assert "copied" not in grown.command("run").stderr


def test_another_sample_shares_no_rows(project: Any) -> None:
    project.run(until="encode")
    larger = ("source.subjects", 3)
    project.run(larger, until="encode")
    assert counts(project, larger) == dict.fromkeys(MODALITIES, (0, 24))
