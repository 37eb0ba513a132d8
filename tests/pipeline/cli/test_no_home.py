"""A user without a home folder and without a name, as containers have them: all works, or it is said what to set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
NOBODY = 54321  # a number that /etc/passwd does not know

Command = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can become a user who has no name"
)


@pytest.fixture
def nobody(experiment: Path) -> Command:
    """A function that runs ``pipeline ...`` as somebody of whom the system knows nothing."""
    with open("/etc/passwd", encoding="utf-8") as users:
        assert f":{NOBODY}:" not in users.read()

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        unknown = ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "XDG_CACHE_HOME", "PIPELINE_CACHE")
        kept = {name: value for name, value in os.environ.items() if name not in unknown}
        who = ("--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")
        may = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")  # read this checkout wherever it lies
        done = subprocess.run(
            ["setpriv", *who, *may, sys.executable, "-m", "pipeline", *arguments],
            cwd=experiment,
            env={**kept, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "defect" not in done.stderr
        return done

    return run


def test_it_is_said_what_to_set(nobody: Command) -> None:
    done = nobody("status")
    assert done.returncode == 2
    assert "this user has no home folder" in done.stderr
    assert "set PIPELINE_CACHE to a folder" in done.stderr


def test_with_a_folder_for_caches_all_works(nobody: Command, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    for command in ("status", "run", "results", "gc"):
        assert nobody(command, PIPELINE_CACHE=cache).returncode == 0
    made = nobody("run", "--set", "stages.model.fit.epochs=2", PIPELINE_CACHE=cache)
    assert "2 steps done" in made.stdout
    assert str(NOBODY) in nobody("store", "ls", "--json", PIPELINE_CACHE=cache).stdout  # who made it


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "--set", "store=~/store"),
        ("status", "--set", "remote=[~/store]"),
        ("status", "--set", "source.root=~nobody-of-that-name/data"),
        ("push", "--remote", "~/store"),
        ("store", "ls", "--store", "~/store"),
    ],
    ids=" ".join,
)
def test_a_path_in_no_home(nobody: Command, tmp_path: Path, experiment: Path, arguments: tuple[str, ...]) -> None:
    done = nobody(*arguments, PIPELINE_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 2
    assert "no home folder is known for it; set HOME, or write the folder out" in done.stderr
    assert not list(experiment.glob("~*"))


@pytest.mark.parametrize("name", ["PIPELINE_CACHE", "PIPELINE_REMOTE"])
def test_a_variable_in_no_home(nobody: Command, tmp_path: Path, name: str) -> None:
    done = nobody("status", **{"PIPELINE_CACHE": str(tmp_path / "cache"), name: "~/place"})
    assert done.returncode == 2
    assert "~/place: no home folder is known for it" in done.stderr
