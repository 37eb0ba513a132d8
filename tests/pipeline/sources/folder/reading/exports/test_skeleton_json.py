"""Skeletons in JSON, in the forms that MediaPipe, OpenPose, Azure Kinect and Kinect exports have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.read import read_series

from ..reads import read, refused, stream, times, write

POINTS = np.arange(2 * 3 * 3).reshape(2, 3, 3) / 8  # (frames, joints, 3)


def xyz(joints: Any, **more: Any) -> list[dict[str, float]]:
    return [{"x": float(x), "y": float(y), "z": float(z), **more} for x, y, z in joints]


FORMS: dict[str, Any] = {
    "lists": POINTS.tolist(),
    "frames of lists": {"frames": POINTS.tolist()},
    "MediaPipe, world": [
        {"pose_landmarks": xyz(each * 0), "pose_world_landmarks": xyz(each, visibility=0.9)} for each in POINTS
    ],
    "MediaPipe Tasks": [{"worldLandmarks": [xyz(each)], "landmarks": [xyz(each * 0)]} for each in POINTS],
    "MediaPipe, protobuf": [{"pose_world_landmarks": {"landmark": xyz(each)}} for each in POINTS],
    "OpenPose in space": {
        "frames": [
            {"people": [{"pose_keypoints_2d": [], "pose_keypoints_3d": [n for p in each for n in (*p, 0.5)]}]}
            for each in POINTS.tolist()
        ]
    },
    "Azure Kinect": {
        "bone_list": [],
        "frames": [
            {"bodies": [{"body_id": 1, "joint_positions": each.tolist()}], "timestamp_usec": 5} for each in POINTS
        ],
    },
    "Kinect": [
        {"Bodies": [{"TrackingId": 7, "Joints": [
            {"JointType": n, "Position": {"X": x, "Y": y, "Z": z}, "TrackingState": 2}
            for n, (x, y, z) in enumerate(each.tolist())
        ]}]}
        for each in POINTS
    ],
    "Kinect, by name": [
        {"Joints": {
            name: {"Position": {"X": x, "Y": y, "Z": z}} for name, (x, y, z) in zip("abc", each.tolist(), strict=True)
        }}
        for each in POINTS
    ],
    "flat": [each.reshape(-1).tolist() for each in POINTS],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps(FORMS[form]), "a.json", kind="skeleton")
    assert (found.series.values == POINTS).all()
    assert not found.notes.flat


def test_a_frame_a_line(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"t": at * 40, "joints": each.tolist()}) for at, each in enumerate(POINTS))
    said: dict[str, Any] = {"kind": "skeleton", "time": {"column": "t", "unit": "ms"}}
    assert times(tmp_path, lines, "a.jsonl", **said) == [0, 0.04]


def test_a_file_a_frame(tmp_path: Path) -> None:
    """OpenPose writes files of one frame; joints that it did not see are zeros."""
    files = []
    for at in (1, 9, 10):
        numbers = [at, 0, 0.9, 0, 0, 0] if at == 9 else [at, 0, 0.9, at, 5, 0.9]
        text = json.dumps({"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": numbers}]})
        files.append(write(tmp_path, text, f"clip_{at}_keypoints.json"))
    found = read_series(files, stream(kind="skeleton", missing="interpolate"))
    assert found.series.values.tolist() == [[[1, 0, 0], [1, 5, 0]], [[9, 0, 0], [5.5, 5, 0]], [[10, 0, 0], [10, 5, 0]]]
    assert found.notes.flat
    nobody = write(tmp_path, '{"people": []}', "clip_2_keypoints.json")
    files.insert(1, nobody)
    found = read_series(files, stream(kind="skeleton", missing="drop"))
    assert found.series.values[:, 0, 0].tolist() == [1, 10]
    with pytest.raises(BrokenFileError, match="file 2 of the stream, frame 1, joint 1, x: no value"):
        read_series(files, stream(kind="skeleton"))


def test_the_body_that_is_there_longest(tmp_path: Path) -> None:
    body = [[0.0, 1.0, 2.0]]
    frames = [
        {"bodies": [{"body_id": 9, "joint_positions": [[5, 5, 5]]}, {"body_id": 4, "joint_positions": body}]},
        {"bodies": [{"body_id": 4, "joint_positions": body}]},
        {"bodies": []},
        {"bodies": [{"body_id": 4, "joint_positions": [[0.0, 3.0, 2.0]]}]},
    ]
    found = read(tmp_path, json.dumps({"frames": frames}), "a.json", kind="skeleton", missing="interpolate")
    assert found.series.values[:, 0].tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 2], [0, 3, 2]]
    assert (found.notes.others, found.notes.interpolated) == (1, 1)
    assert "frame 3, joint 1, x: no value" in refused(
        tmp_path, json.dumps({"frames": frames}), "a.json", kind="skeleton"
    )


WRONG: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "no JSON": ("{", {}, ["no JSON"]),
    "no frames": ("5", {}, ["frames"]),
    "nothing in it": ("[]", {}, ["no body"]),
    "no joints": ('[{"speed": 5}]', {}, ["frame 1", "no list of joints", "speed", "key"]),
    "words": ('[[["a", 1, 2]]]', {}, ["frame 1"]),
    "more joints later": ("[[[1, 2, 3]], [[1, 2, 3], [1, 2, 3]]]", {}, ["frame 2 has 2 joints", "1"]),
    "no time": ('[{"joints": [[1, 2, 3]]}]', {"time": {"column": "t"}}, ["frame 1 has no `t`", "joints"]),
    "a number for the time": ("[[[1, 2, 3]]]", {"time": {"column": 1}}, ["time.column"]),
    "numbers of half a joint": ('[{"pose_keypoints_2d": [1, 2, 3, 4]}]', {}, ["frame 1", "4 numbers"]),
    "another layout": ("[[[1, 2, 3]]]", {"joints": "coco17"}, ["1 joints", "17"]),
    "a series": ("[[1, 2]]", {"kind": "series"}, ["kind: skeleton"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_messages(case: str, tmp_path: Path) -> None:
    content, said, words = WRONG[case]
    message = refused(tmp_path, content, "a.json", **{"kind": "skeleton", **said})
    assert [word for word in words if word not in message] == []
