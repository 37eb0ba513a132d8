"""Bones in a plan: keys without them are those of before, and with them they have the tree that the source says."""

from __future__ import annotations

from typing import Any

import pytest

import pipeline
from pipeline.errors import ConfigError

ENCODED = "encode[skeleton]"
BONES = "stages.encode.skeleton.bones"
PARENTS = "stages.encode.skeleton.parents"
UTD_MHAD = [1, 2, 3, 3, 1, 4, 5, 6, 1, 8, 9, 10, 3, 12, 13, 14, 3, 16, 17, 18]

MOTION_CAPTURE = """
import numpy as np
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series


class Capture:
    classes = ("bow", "stand")
    modalities = {"body": Modality("skeleton", ("body",), rate=30.0)}

    def __init__(self, root, params):
        self.root = root

    def list(self):
        rows = [Recording(f"{who}-{what}", who, what, "1", streams={"body": (f"{who}-{what}.txt",)})
                for who in "12" for what in self.classes]
        return Listing(tuple(rows))

    def probe(self, recording, stream):
        return Probe.of(self.open_series(recording, stream))

    def open_series(self, recording, stream):
        return Series(np.random.default_rng(len(recording.id)).normal(size=(40, 3, 3)))
"""
SAYS = """
    def skeleton_joints(self, modality):
        return {"hip_centre": 0, "shoulder_centre": 1, "parents": (0, 0, 1)}
"""


@pytest.fixture
def captured(project: Any, small: dict[str, Any]) -> Any:
    """An experiment on a plug-in's skeletons of three joints, which says nothing of them yet."""
    for who in "12":
        for what in ("bow", "stand"):
            project.folder.mkdir(exist_ok=True)
            (project.folder / f"{who}-{what}.txt").write_text("")
    (project.folder / "capture.py").write_text(MOTION_CAPTURE)
    small |= {"source": {"name": "capture.py:Capture", "root": "."}, "modalities": ["body"]}
    small["stages"] = {"encode": {"body": {"bones": True, "hip_centre": 0, "shoulder_centre": 1}}}
    return project.write(small)


def test_without_bones_keys_are_what_they_were(project: Any) -> None:
    params = project.plan().steps[ENCODED].recipe["params"]
    assert not {"bones", "parents"} & {*params}
    assert project.plan((BONES, False)).steps[ENCODED].recipe["params"] == params
    assert project.plan((PARENTS, [0, 0, 1])).steps[ENCODED].recipe["params"] == params


def test_with_bones_a_key_has_the_tree_that_the_source_says_or_the_file(project: Any) -> None:
    params = project.plan().steps[ENCODED].recipe["params"]
    assert project.plan((BONES, True)).steps[ENCODED].recipe["params"] == {
        **params, "bones": True, "parents": UTD_MHAD
    }  # fmt: skip
    other = project.plan((BONES, True), (PARENTS, [0, 0, 1])).steps[ENCODED].recipe["params"]
    assert other["parents"] == [0, 0, 1]


def test_a_source_that_says_no_tree_is_asked_for_one(captured: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        captured.plan()
    problem, _, remedy = str(refused.value).partition("\n")
    assert "stages.encode.body.bones: the source does not say which joint each joint hangs on" in problem
    assert "add parents: [...], for each joint the number of its parent" in remedy


def test_a_plug_in_says_what_its_joints_hang_on(captured: Any) -> None:
    (captured.folder / "capture.py").write_text(MOTION_CAPTURE + SAYS)
    captured.run()
    sizes = pipeline.open(captured.file).features("body").sizes
    assert (sizes["channel"], sizes["feature"]) == (9, 2 * (9 + 6))
