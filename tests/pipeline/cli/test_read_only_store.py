"""A store that may only be read: what was run is listed, and remedies fit."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...other_users import SOMEBODY, obeying_permissions
from ..project import REPOSITORY, Project
from .variants import SETTINGS, adopted


@pytest.fixture
def read_only(variants: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of three runs whose store nobody may write to."""
    copy = adopted(variants.copy(tmp_path / "copy"))
    folders = [copy.store, *(path for path in copy.store.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield copy
    for folder in folders:
        folder.chmod(0o755)


def said(project: Project, *arguments: str) -> str:
    """Return what a command prints of a user for whom permissions hold."""
    command = [*obeying_permissions(), sys.executable, "-m", "pipeline", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_runs_are_listed_and_compared(read_only: Project) -> None:
    text = said(read_only, "runs")
    assert all(setting in text for setting in SETTINGS)
    assert "distilled and student differ" in said(read_only, "results", "1", "2")


def test_where_none_is_remembered_none_can_be(read_only: Project) -> None:
    read_only.file.rename(read_only.folder / "other.yaml")
    text = said(read_only, "runs", "-f", "other.yaml")
    assert (
        f"no run of other.yaml by {getpass.getuser()} is remembered in {read_only.store}, where this user may not write"
        in text
    )
    assert "`pipeline run --set store=DIR -f other.yaml`" in text


@pytest.mark.parametrize("whose", ["own", "another's"])
def test_doctor_says_what_this_user_can_do(read_only: Project, whose: str) -> None:
    if whose != "own":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(read_only.store, SOMEBODY, SOMEBODY)
    findings = json.loads(said(read_only, "doctor", "--json"))["findings"]
    (found,) = [each for each in findings if "cannot be written to" in each["what"]]
    assert str(read_only.store) in found["what"]
    assert ("chmod" in found["repair"]) == (whose == "own")
    assert ("docs/sharing.md" in found["repair"]) == (whose != "own")
