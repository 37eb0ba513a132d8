"""Data sets that the program knows, described in YAML alone: the same recordings, and the same values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.sources.base import Recording
from pipeline.sources.berkeley_mhad import source as berkeley
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder
from pipeline.sources.utd_mhad import CLASSES, UtdMhad


def folder(root: Path, **described: Any) -> Folder:
    return Folder(root, msgspec.convert({"root": ".", **described}, Params))


def by_trial(source: Any) -> dict[tuple[str, str, str], Recording]:
    return {(row.subject, row.action, row.session): row for row in source.list().recordings}


def utd(root: Path) -> Folder:
    return folder(
        root,
        classes=CLASSES,
        labels=dict(enumerate(CLASSES, 1)),
        streams={
            "skeleton": {
                "kind": "skeleton", "rate": 30, "files": "Skeleton/a{label}_s{subject}_t{session}_skeleton.mat",
                "key": "d_skel", "axes": ["joint", "axis", "time"], "joints": "utd-mhad", "units": "m",
            },
            "inertial": {
                "rate": 50, "files": "Inertial/a{label}_s{subject}_t{session}_inertial.mat", "key": "d_iner",
                "units": ["g", "g", "g", "deg/s", "deg/s", "deg/s"],
            },
            "depth": {
                "kind": "video", "rate": 30, "files": "Depth/a{label}_s{subject}_t{session}_depth.mat",
                "key": "d_depth", "axes": ["row", "column", "time"],
            },
        },
    )  # fmt: skip


@pytest.mark.realdata
def test_utd_mhad(real_utd_mhad: Path) -> None:
    ours, known = utd(real_utd_mhad), UtdMhad(real_utd_mhad)
    rows, expected = by_trial(ours), by_trial(known)
    assert rows.keys() == expected.keys()
    assert not ours.list().unparsed
    assert ours.skeleton_joints("skeleton") == {
        "hip_centre": 3, "shoulder_centre": 1, "left_shoulder": 4, "right_shoulder": 8,
        "parents": (1, 2, 3, 3, 1, 4, 5, 6, 1, 8, 9, 10, 3, 12, 13, 14, 3, 16, 17, 18),
    }  # fmt: skip
    for trial in list(rows)[::20]:
        for stream in ("skeleton", "inertial"):
            found, wanted = (each.open_series(at[trial], stream) for each, at in ((ours, rows), (known, expected)))
            np.testing.assert_array_equal(found.values, wanted.values)
            assert found.times is wanted.times is None
        frames, wanted_frames = (each.open_video(at[trial], "depth") for each, at in ((ours, rows), (known, expected)))
        np.testing.assert_array_equal(frames.loaded, wanted_frames.loaded)


@pytest.mark.realdata
def test_berkeley_mhad(real_berkeley_mhad: Path) -> None:
    known = BerkeleyMhad(real_berkeley_mhad, berkeley.Params(root=".", limit=1.5))
    pattern = "Accelerometer/Shimmer0{0}/acc_h0{0}_s{{subject}}_a{{label}}_r{{session}}.txt"
    ours = folder(
        real_berkeley_mhad,
        classes=known.classes,
        labels=dict(enumerate(known.classes, 1)),
        streams={
            f"shimmer{number}": {
                "rate": 30, "files": pattern.format(number), "columns": [1, 2, 3], "time": {"column": 4},
                "units": "g", "limit": 1.5, "missing": "drop",
            }
            for number in range(1, 7)
        },
    )  # fmt: skip
    rows, expected = by_trial(ours), by_trial(known)
    assert rows.keys() == expected.keys()
    for trial in list(rows)[::25]:
        for stream in rows[trial].streams:
            found, wanted = (each.open_series(at[trial], stream) for each, at in ((ours, rows), (known, expected)))
            np.testing.assert_array_equal(found.values, wanted.values)
            np.testing.assert_allclose(found.times, wanted.times, rtol=0, atol=1e-9)
