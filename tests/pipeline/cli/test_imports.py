"""Looking at a store, cleaning and checking import nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import sys
from pipeline.cli import main
try:
    main(sys.argv[1:])
finally:
    print("imported:", *(n for n in ("torch", "zarr", "dask", "numpy", "scipy", "obstore") if n in sys.modules))
"""


@pytest.mark.parametrize("arguments", ["gc", "gc --yes", "verify", "verify --all", "store ls", "store du"])
def test_nothing_heavy_is_imported(finished: Any, arguments: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments.split()],
        cwd=finished.folder,
        env={**os.environ, "PYTHONPATH": str(finished.code)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.endswith("imported:\n")
