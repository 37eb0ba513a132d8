"""``pipeline explain`` speaks of an earlier release's code where something was made, and nowhere else."""

from __future__ import annotations

import json

from ..project import Project


def test_where_nothing_was_made_no_earlier_release_is_named(project: Project, finished: Project) -> None:
    said = project.command("explain", "teacher").stdout
    assert said.splitlines()[1:] == ["  because has not run yet"]
    (made,) = json.loads(finished.command("explain", "teacher", "--json").stdout)
    said = finished.command("explain", "teacher").stdout
    assert ("code of an earlier release" in said) == (made["equal_code"] is not None)
    trial = finished.command("explain", "teacher", "--set", "stages.teacher.model.width=32").stdout
    assert "because parameter model.width" in trial
    assert "earlier release" not in trial
