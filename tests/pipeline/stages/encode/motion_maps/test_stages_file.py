"""Motion maps as a stages file asks for them: no network, no weights; what of a network is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from store import Store
from store.features import open_features


@pytest.fixture
def filmed(project: Any, small: dict[str, Any]) -> Any:
    """The sample's depth alone, as motion maps; a function that says more of its section."""

    def write(**more: Any) -> Any:
        depth = {"reduce": "motion-maps", "image_size": 32, "cell": 8, **more}
        camera = {"stage": "train", "needs": ["encode"], "model": "dmft-lite", "fit": {"epochs": 1}}
        stages = {"encode": {"depth": depth}, "camera": camera, "evaluate": {"needs": ["camera"]}}
        return project.write({**small, "modalities": ["depth"], "stages": stages})

    return write


def test_depth_is_encoded_without_a_network(filmed: Any) -> None:
    project = filmed(patches=3, dtype="float16")
    project.command("run", "--until", "encode")
    step = project.status()["encode[depth]"]
    assert step["state"] == "cached"
    output = Store.open(str(project.store)).output("encode", step["key"])
    features = open_features(output)
    values = features.read("features")
    assert values.shape == (16, 3, 3 * 9 * 4 * 9)
    assert values.dtype == np.float16
    assert features.read("valid").all()
    assert len(np.unique(values, axis=0)) == len(values)  # no two recordings move alike
    assert "weights" not in output.manifest.recipe
    assert "backbone" not in output.manifest.recipe["params"]
    assert "network" not in output.manifest.provenance["timings"]


def test_a_model_is_trained_on_them(filmed: Any) -> None:
    project = filmed()
    assert len(project.run()) == 4
    said = project.command("results").stdout
    assert "camera" in said
    assert "random projections" not in said


def test_a_run_of_motion_maps_asks_for_no_gpu(filmed: Any) -> None:
    done = filmed().command("run", "--until", "encode", "--device", "cuda", CUDA_VISIBLE_DEVICES="")
    assert "encode[depth]: done" in done.stderr


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        ({"backbone": "resnet18"}, "backbone", "is of a network, and motion maps go through none"),
        ({"weights": "none"}, "weights", "remove it, or reduce: motion-maps"),
        ({"pool": "features"}, "pool", "is of a network"),
        ({"crop": "person"}, "crop", "is of a network"),
        ({"reduce": "mean"}, "reduce", "of a video there is motion-maps alone, not 'mean'"),
        ({"cell": 17}, "cell", "17 leaves no two cells in 32 pixels"),
        ({"orientations": 1}, "orientations", "2"),
        ({"segments": 4}, "segments", "no such key"),
        ({"depth": {"near": 900, "far": 800}}, "depth", "near (900) must be at least 0 and below far (800)"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_runs(
    filmed: Any, more: dict[str, Any], key: str, said: str
) -> None:
    from pipeline.errors import ConfigError

    with pytest.raises(ConfigError) as error:
        filmed(**more).plan()
    assert f"stages.encode.depth.{key}" in str(error.value)
    assert said in str(error.value)
    assert str(error.value).count("\n") <= 1


def test_colour_is_refused_as_its_step_begins(filmed: Any) -> None:
    project = filmed()
    project.file.write_text(project.file.read_text().replace("depth:", "rgb:").replace("- depth", "- rgb"))
    said = project.command("run", "--until", "encode", code=1).stderr
    assert "encode[rgb]: reduce: motion-maps needs depth, and rgb is in colour; leave reduce out" in said


def test_the_maps_are_shown_of_a_recording(filmed: Any, tmp_path: Any) -> None:
    project = filmed()
    project.run(until="encode")
    recording = project.plan().table.listing.recordings[0].id
    project.command("inspect", recording, "--svg", str(tmp_path / "maps.svg"))
    assert "motion from the front, the side and above of depth, 4 of 6 windows" in (tmp_path / "maps.svg").read_text()


def test_a_model_of_them_is_not_exported_yet(filmed: Any) -> None:
    project = filmed()
    project.run()
    said = project.command("export", "camera", code=2).stderr
    assert "encode[depth]: is video, whose motion maps are no part of a student's file yet" in said
