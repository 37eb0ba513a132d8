"""A plug-in's stage among ours: other channels, skeletons, gaf and training on what it makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError
from store.features import open_features

STAGES = """
import numpy as np


class Magnitude:
    def __call__(self, series, rate):
        assert rate in (30.0, 50.0) and series.dtype == np.float32
        series = series.reshape(len(series), -1, 3)
        lengths = np.linalg.norm(series, axis=2)
        series[:] = 0  # its own copy
        return lengths

    def __init__(self, params):
        assert params.__struct_fields__ == ()


class Reverse(Magnitude):
    def __call__(self, series, rate):
        return series[::-1]
"""


def features(project: Any, id_: str) -> Any:
    plan = project.plan()
    step = plan.steps[id_]
    return open_features(plan.store.output(step.stage, step.key))


@pytest.fixture
def chain(project: Any, small: dict[str, Any]) -> Any:
    (project.folder / "own.py").write_text(STAGES)
    stages = {
        "encode": {},
        "length": {"stage": "own.py:Magnitude", "needs": ["encode"], "modalities": ["inertial"]},
        "back": {"stage": "own.py:Reverse", "needs": ["length", "encode"]},
        "gaf": {"needs": ["back"], "size": 8, "render": "on-the-fly"},
        "teacher": {"stage": "train", "needs": ["encode", "length", "back"], "model": "dmft", "fit": {"epochs": 1}},
    }
    return project.write({**small, "stages": stages})


def test_a_chain(chain: Any) -> None:
    done = chain.run()
    assert {"length[inertial]", "back[skeleton]", "back[inertial]", "gaf[inertial]"} <= {*done}
    assert "length[skeleton]" not in done
    encoded, length, back = (features(chain, f"{entry}[inertial]") for entry in ("encode", "length", "back"))
    series = encoded.read("series")
    expected = np.linalg.norm(series.reshape(*series.shape[:2], -1, 3), axis=3)
    assert length.read("series") == pytest.approx(expected, rel=1e-6)
    assert back.read("series") == pytest.approx(expected[:, ::-1], rel=1e-6)
    assert np.array_equal(length.read("valid"), encoded.read("valid"))
    assert (length.attributes["channels"], back.attributes["channels"]) == (2, 2)
    assert np.array_equal(features(chain, "gaf[inertial]").read("series"), back.read("series"))


def test_patches_of_skeletons_have_velocities_again(chain: Any) -> None:
    """Reversed in time, positions come in the other order, and velocities with the other sign."""
    chain.run(until="back")
    encoded, back = features(chain, "encode[skeleton]"), features(chain, "back[skeleton]")
    assert back.attributes == encoded.attributes
    series, window, stride = encoded.read("series")[0, ::-1], encoded.attributes["window"], encoded.attributes["stride"]
    velocities = np.diff(series, axis=0, prepend=series[:1])
    both = np.concatenate([series, velocities], axis=1)
    patches = [both[at * stride : at * stride + window].mean(0) for at in range(encoded.attributes["patches"])]
    assert back.read("features")[0] == pytest.approx(np.array(patches), abs=1e-5)


def test_the_output_of_the_last_stage_is_taken(chain: Any) -> None:
    plan = chain.plan()
    needs = plan.steps["teacher[subjects=odd,seed=0]"].needs
    assert {*needs} == {"back[skeleton]", "back[inertial]"}


def test_two_stages_side_by_side_are_not_mixed(chain: Any) -> None:
    with pytest.raises(ConfigError, match="two entries give skeleton: back and other"):
        chain.plan(
            ("stages.other", {"stage": "own.py:Magnitude", "needs": ["encode"]}),
            ("stages.teacher.needs", ["back", "other"]),
        )


def test_what_has_no_series(chain: Any) -> None:
    with pytest.raises(ConfigError, match="no needed entry gives features of inertial"):
        chain.plan(("stages.encode.inertial.keep_series", False), ("stages.length.modalities", None))
    with pytest.raises(ConfigError, match=r"stages\.length\.modalities: inertial is not among the series"):
        chain.plan(("stages.encode.inertial.keep_series", False))
