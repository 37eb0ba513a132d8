"""``pipeline schema`` as a user runs it, and who reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PROGRAM = """
import sys
from pipeline.cli import main
try:
    main(["schema"])
finally:
    print("imported:", *(n for n in ("torch", "zarr", "numpy", "pyarrow") if n in sys.modules), file=sys.stderr)
"""


def test_it_prints_a_schema_and_imports_nothing_heavy(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install jsonschema")
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert found.stderr == "imported:\n"
    assert list(tmp_path.iterdir()) == []
    schema = json.loads(found.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_its_command_alone_imports_it() -> None:
    """So that a run with nothing to do does not."""
    room = REPOSITORY / "pipeline" / "schema"
    users = [
        path.relative_to(REPOSITORY).as_posix()
        for path in sorted((REPOSITORY / "pipeline").rglob("*.py"))
        if room not in path.parents and "pipeline.schema" in path.read_text(encoding="utf-8")
    ]
    assert users == ["pipeline/cli/commands/schema.py"]
