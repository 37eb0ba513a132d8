"""Matrix points that come to the same step share it, and still find their teachers and their results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli import main

FILE = """\
store: store
source: {name: sample, subjects: 2, trials: 1}
modalities: [skeleton, inertial]
protocol: loso
matrix:
  protocol: [loso, subject-50-50]
stages:
  encode: {}
  teacher: {stage: train, needs: [encode], model: dmft}
  distilled: {stage: distil, needs: [encode, teacher], model: dmft-lite, loss: dmft-kd}
  evaluate: {needs: [teacher, distilled]}
"""


def test_two_protocols_with_the_same_split_share_its_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "stages.yaml"
    file.write_text(FILE)
    with pytest.raises(SystemExit) as ended:
        main(["status", "--json", "-f", str(file)])
    assert ended.value.code == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    # loso over two subjects: two folds, of which the one that tests subject 2 is subject-50-50's only one
    counts = {entry: sum(step["entry"] == entry for step in steps) for entry in ("teacher", "distilled", "evaluate")}
    assert counts == {"teacher": 2, "distilled": 2, "evaluate": 4}
