"""What is said where a source's description in the stages file changed, and so the files that it lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

STAGES = """
store: .store
source:
  name: folder
  root: data
  classes: [walk, sit, jump]
  streams:
    watch: {files: "{subject}_{label}.csv", rate: 10, columns: [x, y], units: [g, g]}
modalities: [watch]
protocol: loso
stages:
  encode: {watch: {window: 4, stride: 2, patches: 2}}
  model: {stage: train, needs: [encode], model: dmft-lite, fit: {epochs: 1}}
"""


@pytest.fixture
def encoded(project_at: Any, tmp_path: Path) -> Any:
    """A folder of six files, encoded."""
    (tmp_path / "data").mkdir()
    for subject in "12":
        for label in ("walk", "sit", "jump"):
            lines = [f"{at},{at * 2}" for at in range(20)]
            (tmp_path / "data" / f"{subject}_{label}.csv").write_text("\n".join(["x,y", *lines]))
    project = project_at(tmp_path).write(yaml.safe_load(STAGES))
    project.run(until="encode")
    return project


def test_a_label_that_is_left_out_is_said_first(encoded: Any) -> None:
    """Its files are there, and are no longer listed: nothing of the raw data changed."""
    reasons = encoded.reasons(("source.labels", {"jump": None}), ("source.classes", ["walk", "sit"]))
    described = ["source.classes: ['walk', 'sit', 'jump'] -> ['walk', 'sit']", "source.labels.jump: unset -> null"]
    assert reasons["index"][:2] == described
    assert reasons["encode[watch]"] == [
        *described,
        "raw files of watch: 2 no longer listed",
        "the table of recordings changed",
    ]


def test_lists_that_are_the_same_are_not_told(encoded: Any) -> None:
    reasons = encoded.reasons(("source.streams.watch.units", ["g", "mg"]))
    assert reasons["encode[watch]"] == ["source.streams.watch.units: ['g', 'g'] -> ['g', 'mg']"]


def test_recordings_that_lack_a_stream_are_said_together(encoded: Any) -> None:
    """With their number; what a run does with them, too."""
    data = encoded.folder / "data"
    for file in data.glob("*.csv"):
        file.with_suffix(".other").write_text(file.read_text())
    for name in ("1_jump.csv", "2_walk.csv", "1_sit.other"):
        (data / name).unlink()
    streams = {"watch": {"files": "{subject}_{label}.csv", "rate": 10, "columns": ["x", "y"]}}
    streams["spare"] = {**streams["watch"], "files": "{subject}_{label}.other", "format": "csv"}
    text = yaml.safe_load(STAGES)
    text["source"]["streams"], text["modalities"] = streams, ["watch", "spare"]
    text["stages"]["encode"]["spare"] = text["stages"]["encode"]["watch"]
    text["on_bad_recording"] = "skip"
    encoded.write(text).run(until="index")
    said = encoded.command("status").stdout
    assert "cannot be used: 3 recordings, left out (on_bad_recording: skip)\n" in said
    assert "  no watch file in 2 recordings: s1_jump, s2_walk\n" in said
    assert "  no spare file in 1 recording: s1_sit\n" in said
    assert "a run stops at these" in encoded.command("status", "--set", "on_bad_recording=fail").stdout


def test_a_file_that_is_gone_is_named(encoded: Any) -> None:
    (encoded.folder / "data" / "1_jump.csv").unlink()
    assert "raw file 1_jump.csv is gone" in encoded.reasons()["encode[watch]"]
