"""Broken recordings of every kind: `fail` lists them and stops, `skip` goes on without them, rows in their place."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from store import Store
from store.features import open_features

Said = Callable[..., Any]

BROKEN = {  # file: what is said of it
    "Inertial/a1_s1_t1_inertial.mat": "truncated",
    "Inertial/a1_s1_t2_inertial.mat": "has no array `d_iner` (found: d_other)",
    "Inertial/a1_s2_t1_inertial.mat": "`d_iner` has shape 6 x 80, expected T x 6",
    "Skeleton/a1_s2_t2_skeleton.mat": "1 values are NaN or infinite (first: NaN at frame 7)",
    "Inertial/a2_s1_t1_inertial.mat": "1 values are NaN or infinite (first: infinity at frame 5)",
    "Skeleton/a2_s1_t2_skeleton.mat": "`d_skel` has no frames",
    "RGB/a2_s2_t1_color.avi": "cannot be opened as a video",
    "Inertial/a2_s2_t2_inertial.mat": "file is missing",
    "Inertial/a3_s1_inertial.mat": "not named like a1_s1_t1_inertial.mat",
}
BAD_IDS = {"a01_s1_t1", "a01_s1_t2", "a01_s2_t1", "a01_s2_t2", "a02_s1_t1", "a02_s1_t2", "a02_s2_t1", "a02_s2_t2"}
GOOD_IDS = ["a03_s1_t1", "a03_s1_t2", "a03_s2_t1", "a03_s2_t2", "a04_s1_t1", "a04_s1_t2", "a04_s2_t1", "a04_s2_t2"]

EXPERIMENT = """\
source: {name: utd-mhad, root: data}
modalities: [rgb, skeleton, inertial]
protocol: subject-50-50
stages:
  encode: {rgb: {backbone: squeezenet1_1, weights: none, image_size: 32, patches: 2, window: 1}}
  model: {stage: train, needs: [encode], model: dmft-lite, fit: {epochs: 1}}
  evaluate: {needs: [model]}
"""


def write_video(path: Path) -> None:
    import av

    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for t in range(4):
            picture = np.full((48, 64, 3), 40 * t, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def write_data(root: Path, write_recording: Callable[[Path, str], None]) -> None:
    for name in (f"a{a}_s{s}_t{t}" for a in (1, 2, 3, 4) for s in (1, 2) for t in (1, 2)):
        write_recording(root, name)
        write_video(root / "RGB" / f"{name}_color.avi")
    inertial, skeleton = np.ones((80, 6)), np.ones((20, 3, 30))
    truncated = root / "Inertial/a1_s1_t1_inertial.mat"
    truncated.write_bytes(truncated.read_bytes()[:-40])
    savemat(root / "Inertial/a1_s1_t2_inertial.mat", {"d_other": inertial})
    savemat(root / "Inertial/a1_s2_t1_inertial.mat", {"d_iner": inertial.T})
    skeleton[3, 1, 7] = np.nan
    savemat(root / "Skeleton/a1_s2_t2_skeleton.mat", {"d_skel": skeleton})
    inertial[5, 0] = np.inf
    savemat(root / "Inertial/a2_s1_t1_inertial.mat", {"d_iner": inertial})
    savemat(root / "Skeleton/a2_s1_t2_skeleton.mat", {"d_skel": np.ones((20, 3, 0))})
    (root / "RGB/a2_s2_t1_color.avi").write_bytes(b"<html>404 not found</html>" * 100)
    (root / "Inertial/a2_s2_t2_inertial.mat").unlink()
    shutil.copy(root / "Inertial/a3_s1_t1_inertial.mat", root / "Inertial/a3_s1_inertial.mat")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, write_recording: Callable[[Path, str], None]) -> Path:
    """Data of which half is broken, and a stages file."""
    folder = tmp_path_factory.mktemp("broken")
    write_data(folder / "data", write_recording)
    (folder / "stages.yaml").write_text(EXPERIMENT)
    return folder


@pytest.fixture(scope="module")
def skipped(folder: Path, said: Said) -> list[str]:
    """The options of an experiment that has been run with `skip`."""
    options = ["-f", str(folder / "stages.yaml"), "--set", "on_bad_recording=skip", "--set", f"store={folder}/skip"]
    ran = said("run", *options, "--jobs", "1")
    assert ran.code == 0, ran.err
    assert "note: 8 recordings and 1 unplaceable file left out, see `pipeline status -f " in ran.out
    return options


def test_fail_lists_every_file_with_its_reason(folder: Path, said: Said) -> None:
    ran = said("run", "-f", str(folder / "stages.yaml"), "--set", f"store={folder}/fail")
    ran.refuses(1, "error: index: 9 files cannot be used:", "repair or remove them, or set `on_bad_recording: skip`")
    for path, reason in BROKEN.items():
        assert f"  {path}: {reason}" in ran.err


def test_status_lists_what_was_skipped(skipped: list[str], said_here: Said) -> None:
    text = said_here("status", *skipped).out
    assert "cannot be used: 8 recordings and 1 unplaceable file" in text
    for path, reason in BROKEN.items():
        assert f"  {path}: {reason}" in text
    listed = json.loads(said_here("status", *skipped, "--json").out)
    assert {item["recording"] for item in listed["broken"] if item["recording"]} == BAD_IDS
    assert [item["path"] for item in listed["unparsed"]] == ["Inertial/a3_s1_inertial.mat"]
    assert {step["state"] for step in listed["steps"]} == {"cached"}


def test_only_whole_recordings_are_tested_each_with_its_own_label(skipped: list[str], said_here: Said) -> None:
    rows = list(csv.DictReader(io.StringIO(said_here("results", *skipped, "--per-recording").out)))
    assert [row["recording"] for row in rows] == [name for name in GOOD_IDS if "_s2_" in name]
    assert {(row["recording"][:3], row["label"]) for row in rows} == {("a03", "wave"), ("a04", "clap")}


def test_rows_stay_in_their_place(folder: Path, skipped: list[str], said_here: Said) -> None:
    steps = {step["id"]: step for step in json.loads(said_here("status", *skipped, "--json").out)["steps"]}
    store = Store.open(f"{folder}/skip")
    lines = store.output("index", steps["index"]["key"]).read_bytes("recordings.jsonl").splitlines()
    table = [json.loads(line)["id"] for line in lines]
    assert table == sorted(BAD_IDS | set(GOOD_IDS))
    inertial = open_features(store.output("encode", steps["encode[inertial]"]["key"]))
    features, valid = inertial.read("features"), inertial.read("valid")
    for row, name in enumerate(table):
        if name in GOOD_IDS:  # every value of a recording is its number, so its windows' means are
            assert (features[row, :, :6] == int(name[1:3] + name[5] + name[8])).all()
            assert valid[row].all()
    bad = [row for row, name in enumerate(table) if f"Inertial/a{int(name[1:3])}{name[3:]}_inertial.mat" in BROKEN]
    assert len(bad) == 5
    assert not valid[bad].any()
    assert not features[bad].any()


def test_skipping_once_does_not_silence_a_later_fail(skipped: list[str], said_here: Said) -> None:
    said_here("run", *skipped, "--set", "on_bad_recording=fail").refuses(
        1, "8 recordings and 1 unplaceable file cannot be used:", *list(BROKEN)[:1], "set `on_bad_recording: skip`"
    )
