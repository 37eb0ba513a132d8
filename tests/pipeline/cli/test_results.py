"""``pipeline results`` of an experiment that nothing evaluates says what to add."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.report.results_text import missing_evaluate, results_text

from ..project import Project


def without_evaluate(project: Project, small: dict[str, Any]) -> Project:
    del small["stages"]["evaluate"]
    return project.write(small)


@pytest.mark.parametrize("command", ["results", "run"])
def test_the_lines_to_add_can_be_pasted(finished: Project, tmp_path: Path, small: dict[str, Any], command: str) -> None:
    project = without_evaluate(finished.copy(tmp_path / "copy"), small)
    said = project.command(command).stdout
    assert "Add below `stages:`" in said
    start = said.index("  evaluate:")
    lines = [line for line in said[start:].splitlines() if line.startswith("  ")]
    project.file.write_text(project.file.read_text() + "\n".join(lines) + "\n")
    assert yaml.safe_load(project.file.read_text())["stages"]["evaluate"] == {
        "needs": ["teacher", "student", "distilled"]
    }
    assert "teacher" in results_text(project.plan())


def test_another_name_where_evaluate_is_taken(project: Project, small: dict[str, Any]) -> None:
    stages = small["stages"]
    stages["evaluate"] = stages.pop("student")
    stages["distilled"]["needs"] = ["encode", "teacher"]
    said = missing_evaluate(project.write(small).plan())
    assert said.splitlines()[-3:] == [
        "  results:",
        "    stage: evaluate",
        "    needs: [teacher, distilled, evaluate]",
    ]


def test_nothing_is_asked_for_where_nothing_is_trained(project: Project, small: dict[str, Any]) -> None:
    small["stages"] = {"encode": {}}
    plan = project.write(small).plan()
    assert missing_evaluate(plan) == ""
    assert "trains no model" in results_text(plan)
