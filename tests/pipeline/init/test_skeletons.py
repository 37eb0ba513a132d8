"""Skeletons: whose layout, vertical and unit geometry tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .folders import body, write_json, write_table
from .proposals import check_read, proposal_of, streams_of


@pytest.mark.parametrize("layout", ["kinect20", "utd-mhad", "kinect25", "body25", "coco17", "blazepose33", "azure32"])
@pytest.mark.parametrize(("up", "metre"), [("y", 1.0), ("-y", 1000.0), ("z", 100.0)])
def test_geometry_decides_on_a_skeletons_layout(tmp_path: Path, layout: str, up: str, metre: float) -> None:
    rng = np.random.default_rng(0)
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            values = body(layout, int(rng.integers(20, 40)), up=up, metre=metre)
            np.save(tmp_path / f"s{subject}_{label}.npy", values)
    found = proposal_of(tmp_path)
    stream = streams_of(found)["skeleton"]
    assert stream["joints"] == layout
    assert stream["units"] == {1.0: "m", 1000.0: "mm", 100.0: "cm"}[metre]
    usual = "y" if layout in ("kinect20", "utd-mhad", "kinect25") else "-y"
    assert stream.get("up", usual) == up
    assert found.questions == []


def test_joints_in_no_known_order_are_asked_for(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(20)
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            np.save(tmp_path / f"s{subject}_{label}_skeleton.npy", body("kinect20", 20 + subject)[:, order])
    found = proposal_of(tmp_path)
    (question,) = found.questions
    assert question.key == "source.streams.skeleton.joints"
    assert {value for value, _ in question.choices} == {"kinect20", "utd-mhad"}
    assert (
        found.document["stages"]["encode"]["skeleton"] | {"centre": "none", "scale": "none"}
        == (found.document["stages"]["encode"]["skeleton"])
    )
    decided = proposal_of(tmp_path, source__streams__skeleton__joints="kinect20")
    assert decided.questions == []
    assert streams_of(decided)["skeleton"]["joints"] == "kinect20"
    assert "centre" not in decided.document["stages"]["encode"]["skeleton"]


def test_skeletons_as_flat_columns(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            values = body("kinect25", 25, seed=subject).reshape(25, 75)
            write_table(tmp_path / f"skel_s{subject}_{label}.txt", values.T, delimiter=" ")
    stream = streams_of(proposal_of(tmp_path))["skel"]
    assert (stream["kind"], stream["joints"], stream["units"]) == ("skeleton", "kinect25", "m")


def test_joints_whose_columns_have_names(tmp_path: Path) -> None:
    from pipeline.sources.skeletons import layout

    joints = layout("blazepose33").joints
    header = ["frame", *(f"{joint}_{axis}" for joint in joints for axis in ("x", "y", "z", "visibility"))]
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            values = np.concatenate([body("blazepose33", 25), np.ones((25, 33, 1))], axis=2).reshape(25, 132)
            write_table(tmp_path / "pose" / f"s{subject}_{label}.csv", [range(25), *values.T], header)
    found = proposal_of(tmp_path)
    stream = streams_of(found)["pose"]
    assert (stream["kind"], stream["joints"], len(stream["columns"])) == ("skeleton", "blazepose33", 99)
    assert stream["columns"][:4] == ["nose_x", "nose_y", "nose_z", "left_eye_inner_x"]
    check_read(tmp_path, found, pose=(3,))


def test_openpose_writes_a_file_a_frame(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            for number, frame in enumerate(body("body25", 12, up="-y", metre=300)):
                flat = np.concatenate([frame[:, :2], np.ones((25, 1))], axis=1).ravel().tolist()
                name = f"s{subject}_{label}_{number:012d}_keypoints.json"
                write_json(tmp_path / f"s{subject}" / name, {"people": [{"pose_keypoints_2d": flat}]})
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["files"] == "s{subject}/s{subject}_{label}_{part}_keypoints.json"
    assert stream["joints"] == "body25"
    assert len(found.listing.recordings) == 6
    assert all(len(files) == 12 for each in found.listing.recordings for files in each.streams.values())


def test_places_in_a_picture_are_no_lengths(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            values = 0.45 * body("blazepose33", 25, up="-y", seed=subject) + np.array([0.5, 0.9, 0.0])
            write_table(tmp_path / "pose" / f"s{subject}_{label}.csv", values.reshape(25, 99).T)
    found = proposal_of(tmp_path)
    stream = streams_of(found)["pose"]
    assert (stream["joints"], stream["units"]) == ("blazepose33", "raw")
    assert "0 to 1" in found.comments["source.streams.pose.units"]


def test_json_says_when_frames_are(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            frames = [
                {"timestamp_ms": 40 * at, "landmarks": [dict(zip("xyz", joint, strict=True)) for joint in joints]}
                for at, joints in enumerate(body("blazepose33", 25, seed=subject).tolist())
            ]
            write_json(tmp_path / f"s{subject}_{label}.json", frames)
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert (stream["rate"], stream["time"], stream["units"]) == (25, {"column": "timestamp_ms", "unit": "ms"}, "m")
    check_read(tmp_path, found, skeleton=(3,))
