"""What docs/own-data.md writes by hand: a folder like its own is planned and encoded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

PAGE = (Path(__file__).parents[4] / "docs" / "own-data.md").read_text(encoding="utf-8")


@pytest.fixture
def gym(project: Any) -> Any:
    *_, yaml = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    (project.folder / "stages.yaml").write_text(yaml.replace("{session}.mp4", "{session}.avi"))
    random = np.random.default_rng(0)
    for subject in (1, 2):
        for label in ("squat", "lunge", "jump"):
            for session in (1, 2):
                table = project.folder / f"gym/watch/S0{subject}_{label}_T{session}.csv"
                table.parent.mkdir(parents=True, exist_ok=True)
                at = np.sort(random.integers(0, 4000, 120))
                lines = [
                    f"{time},{x:.3f},{y:.3f},9.81"
                    for time, (x, y) in zip(at, random.normal(size=(120, 2)), strict=True)
                ]
                table.write_text("\n".join(["time_ms,ax,ay,az", *lines]))
                film(project.folder / f"gym/videos/{subject}_{label}_{session}.avi", random)
    (project.folder / "gym/notes.txt").write_text("not a recording")
    return project


def film(path: Path, random: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(40):
            picture = random.integers(0, 255, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def test_the_pages_folder_is_encoded(gym: Any) -> None:
    from store.features import open_features

    gym.run(until="encode")
    plan = gym.plan()
    index = plan.store.output("index", plan.steps["index"].key)
    assert len(list(index.read_lines("recordings.jsonl", dict))) == 12
    watch = open_features(plan.store.output("encode", plan.steps["encode[watch]"].key))
    assert watch.read("valid").all()
    assert watch.read("features")[..., 2].mean() == pytest.approx(9.81 / 9.80665, rel=1e-3)  # az, in g
    camera = open_features(plan.store.output("encode", plan.steps["encode[camera]"].key))
    assert camera.read("features").shape == (12, 20, 512)


def test_another_stream_or_class_makes_no_features_stale(gym: Any) -> None:
    before = {id_: step.key for id_, step in gym.plan().steps.items() if step.stage == "encode"}
    path = gym.folder / "stages.yaml"
    path.write_text(
        path.read_text().replace("units: m/s2", "units: g").replace("[squat, lunge, jump]", "[jump, lunge, squat]")
    )
    after = {id_: step.key for id_, step in gym.plan().steps.items() if step.stage == "encode"}
    assert after["encode[camera]"] == before["encode[camera]"]
    assert after["encode[watch]"] != before["encode[watch]"]


def test_a_mistake_that_breaks_all_files_is_told_though_broken_ones_are_skipped(gym: Any) -> None:
    path = gym.folder / "stages.yaml"
    text = path.read_text().replace("column: time_ms", "column: time").replace("[camera, watch]", "[watch]")
    path.write_text(text.replace("    camera: {backbone: resnet18", "    # {") + "on_bad_recording: skip\n")
    said = gym.command("run", code=2).stderr
    assert "none of 12 recordings can be used:" in said
    assert "has no column `time` (time.column); it has `time_ms`" in said
    assert "and 7 more" in said
