"""Recordings that break while they are encoded: nothing is trained or tested on them, and everybody is told."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import Store

Said = Callable[..., Any]

EXPERIMENT = """\
store: .store
source: {name: utd-mhad, root: data}
modalities: [depth, inertial]
protocol: subject-50-50
on_bad_recording: skip
stages:
  encode: {depth: {backbone: squeezenet1_1, weights: none, image_size: 32, patches: 2, window: 1}}
  both: {stage: train, needs: [encode], model: dmft-lite, fit: {epochs: 1}}
  alone: {stage: train, needs: [encode], model: dmft-lite, modalities: [inertial], fit: {epochs: 1}}
  evaluate: {needs: [both, alone]}
"""
NAMES = [f"a{action}_s{subject}_t{trial}" for action in (1, 2) for subject in (1, 2) for trial in (1, 2)]
TESTED = ["a01_s2_t1", "a02_s2_t1", "a02_s2_t2"]  # but a01_s2_t2
FILE = "Depth/a1_s2_t2_depth.mat"
FOUND = f"{FILE}: cannot be decompressed ("
BY = "(recording a01_s2_t2, stream depth), found by encode[depth]"


def damage(path: Path) -> None:
    """Change bytes of a compressed array behind those that say what it is."""
    content = bytearray(path.read_bytes())
    content[-200:-100] = bytes(100)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, write_recording: Callable[[Path, str], None]) -> Path:
    folder = tmp_path_factory.mktemp("late")
    for name in NAMES:
        write_recording(folder / "data", name)
    damage(folder / "data" / FILE)
    (folder / "stages.yaml").write_text(EXPERIMENT)
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path, said: Said) -> Any:
    """What the run said that found a recording broken late."""
    ran = said("run", "-f", str(folder / "stages.yaml"), "--jobs", "1")
    assert ran.code == 0, ran.err
    return ran


@pytest.fixture
def options(folder: Path, ran: Any) -> list[str]:
    return ["-f", str(folder / "stages.yaml")]


def test_run_says_at_its_end_what_was_dropped(ran: Any) -> None:
    assert "note: 1 recording left out, see `pipeline status" in ran.out
    assert f"  {FOUND}" in ran.out
    assert BY in ran.out


def test_status_says_what_was_dropped_where_and_why(options: list[str], said_here: Said) -> None:
    text = said_here("status", *options).out
    assert "cannot be used: 1 recording, left out (on_bad_recording: skip)\n" in text
    assert f"  {FOUND}" in text
    assert BY in text
    assert "todo" not in text
    listed = json.loads(said_here("status", *options, "--json").out)
    (late,) = listed["late_broken"]
    assert (late["recording"], late["step"], late["modality"]) == ("a01_s2_t2", "encode[depth]", "depth")
    assert late["reason"].startswith(FOUND)
    assert not late["doubtful"]
    assert listed["broken"] == []


def test_keys_and_results_have_the_recordings_that_are_tested(
    folder: Path, options: list[str], said_here: Said
) -> None:
    assert "note: 1 recording left out" in said_here("results", *options).out
    rows = json.loads(said_here("results", *options, "--json").out)
    assert {row["recordings"] for row in rows} == {3}
    lines = list(csv.DictReader(io.StringIO(said_here("results", *options, "--per-recording").out)))
    for model in ("both", "alone"):  # which are compared, so on the same recordings
        assert [line["recording"] for line in lines if line["model"] == model] == TESTED
    store = Store.open(f"{folder}/.store")
    for step in json.loads(said_here("status", *options, "--json").out)["steps"]:
        if step["stage"] in ("train", "evaluate"):
            manifest = store.manifest(step["stage"], step["key"])
            assert manifest is not None
            assert manifest.recipe["test"]["recordings"] == 3


def test_no_model_was_made_under_a_key_that_names_what_was_dropped(folder: Path, ran: Any) -> None:
    store = Store.open(f"{folder}/.store")
    recipes = [manifest.recipe for each in store.outputs("train") if (manifest := store.manifest(*each)) is not None]
    reading_depth = [recipe for recipe in recipes if "depth" in recipe["features"]]
    assert [recipe["test"]["recordings"] for recipe in reading_depth] == [3]


def test_fail_stops_at_what_skip_had_dropped(options: list[str], said_here: Said) -> None:
    said_here("run", *options, "--set", "on_bad_recording=fail").refuses(
        1, "error: 1 recording cannot be used:", f"  {FOUND}", "repair or remove them, or set `on_bad_recording: skip`"
    )


def test_fail_stops_where_it_is_encoded_again(options: list[str], said: Said) -> None:
    forced = ("--set", "on_bad_recording=fail", "--force", "encode", "--until", "encode", "--jobs", "1")
    said("run", *options, *forced).refuses(1, f"error: encode[depth]: depth: {FOUND}", "set on_bad_recording: skip")


def test_a_second_run_has_nothing_to_do(options: list[str], said_here: Said) -> None:
    again = said_here("run", *options)
    assert again.code == 0
    assert "everything is cached" in again.out
    assert FOUND in again.out


def test_a_colleague_without_the_data_is_told(
    folder: Path, options: list[str], said_here: Said, tmp_path: Path
) -> None:
    assert said_here("push", *options, "--set", f"remote={tmp_path}/remote").code == 0
    for name in ("stages.yaml", "stages.lock"):
        shutil.copy(folder / name, tmp_path / name)
    theirs = ("-f", str(tmp_path / "stages.yaml"), "--set", f"remote={tmp_path}/remote")
    listed = json.loads(said_here("status", *theirs, "--json").out)
    assert {step["state"] for step in listed["steps"]} == {"remote"}
    assert [late["recording"] for late in listed["late_broken"]] == ["a01_s2_t2"]
    pulled = said_here("pull", *theirs)
    assert pulled.code == 0, pulled.err
    text = said_here("status", *theirs[:2]).out
    assert FOUND in text
    assert "todo" not in text


def test_mended_it_counts_again(
    folder: Path, ran: Any, said: Said, write_recording: Callable[[Path, str], None], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "stages.lock").unlink()  # or files of the same size would be taken for those that it knows
    write_recording(copy / "data", "a1_s2_t2")
    options = ["-f", str(copy / "stages.yaml")]
    ran = said("run", *options, "--jobs", "1")
    assert ran.code == 0, ran.err
    assert "left out" not in ran.out
    assert {row["recordings"] for row in json.loads(said("results", *options, "--json").out)} == {4}
