"""Planning and a run with nothing to do import nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("torch", "torchvision", "zarr", "dask", "numpy", "scipy", "sklearn", "av", "pandas", "obstore", "rich")

PROGRAM = """
import sys
from pipeline.cli import main
try:
    main(sys.argv[1:])
finally:
    print("imported:", *(name for name in {heavy} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["run", "--dry-run"], ["status"], ["status", "--json"], ["explain", "teacher"], ["graph"], ["results"]],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(finished: Any, arguments: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), *arguments],
        cwd=finished.folder,
        env={**os.environ, "PYTHONPATH": str(finished.code)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert found.stderr == "imported:\n"
    assert found.stdout


def test_on_files_too(project: Any, small: dict[str, Any], raw: Path) -> None:
    """Where raw files are looked at, hashed and locked."""
    del (
        small["stages"]["teacher"],
        small["stages"]["distilled"],
        small["stages"]["student"],
        small["stages"]["evaluate"],
    )
    project.write({**small, "source": {"name": "utd-mhad", "root": str(raw)}}).run()
    test_nothing_heavy_is_imported(project, ["run"])
    (raw / "Inertial" / "a1_s1_t1_inertial.mat").write_bytes(b"another")
    test_nothing_heavy_is_imported(project, ["status"])
