"""Modules of the scope are loaded by their source, and what was loaded is known."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Answer = Callable[..., str]
MODULE = "trainers/evaluation/metrics.py"

PROGRAM = """
import sys
import pipeline
from pipeline.keys.code import CodeIndex
from pipeline.keys.loaded_code import check_code, edited_files
index = CodeIndex()
code = index.hashes(index.closure(["trainers.evaluation.metrics"]))
{then}
"""


@pytest.fixture
def answer(code: Path, tmp_path: Path) -> Answer:
    """A function that runs a program with a copy of the packages and returns what it prints."""

    writing = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def ask(then: str, **environment: str) -> str:
        found = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(then=then)],
            env={**writing, "PYTHONPATH": str(code), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()

    return ask


def bytecode(code: Path) -> Path:
    (found,) = (code / "trainers" / "evaluation" / "__pycache__").glob("metrics.*.pyc")
    return found


FLIP = """
import trainers.evaluation.metrics
print(trainers.evaluation.metrics.ANSWER)
check_code(code)
"""


def test_bytecode_is_used_again_and_python_takes_it(code: Path, answer: Answer, tmp_path: Path) -> None:
    (code / MODULE).write_text("ANSWER = 41\n")
    assert answer(FLIP) == "41"
    first = bytecode(code).stat()
    assert answer(FLIP) == "41"
    assert bytecode(code).stat().st_mtime_ns == first.st_mtime_ns
    plain = "import sys; sys.path.insert(0, sys.argv[1]); import trainers.evaluation.metrics as m; print(m.ANSWER)"
    found = subprocess.run([sys.executable, "-c", plain, str(code)], capture_output=True, text=True, check=True)
    assert found.stdout == "41\n"
    assert bytecode(code).stat().st_mtime_ns == first.st_mtime_ns


def test_a_byte_of_bytecode_that_flipped(code: Path, answer: Answer) -> None:
    (code / MODULE).write_text("ANSWER = 41\n")
    answer(FLIP)
    whole = bytecode(code).read_bytes()
    place = whole.index((41).to_bytes(4, "little"))
    for damaged in (whole[:place] + b"\x2a" + whole[place + 1 :], whole[:place], b"", whole[:20], whole + b"x"):
        bytecode(code).write_bytes(damaged)
        assert answer(FLIP) == "41"
        assert bytecode(code).read_bytes() == whole


@pytest.mark.parametrize("environment", [{"PYTHONDONTWRITEBYTECODE": "1"}, {"PYTHONPYCACHEPREFIX": "elsewhere"}])
def test_where_python_keeps_no_bytecode_neither_do_we(code: Path, answer: Answer, environment: dict[str, str]) -> None:
    shutil.rmtree(code / "trainers" / "evaluation" / "__pycache__", ignore_errors=True)  # copied with the packages
    (code / MODULE).write_text("ANSWER = 41\n")
    assert answer(FLIP, **environment) == "41"
    assert not list((code / "trainers" / "evaluation").glob("__pycache__/*"))


EDITED = """
from pathlib import Path
import pipeline.keys.loaded_code
file = Path(pipeline.__file__).parents[1] / "trainers/evaluation/metrics.py"
file.write_text({text!r})
import trainers.evaluation.metrics
try:
    check_code(code)
except Exception as error:
    print(type(error).__name__, error)
file.write_text("later = 1")
print(*edited_files())
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ANSWER = 41\n", ""),
        ("ANSWER = 41  # truly\r\n", ""),
        ("ANSWER = 42\n", "CodeChanged trainers/evaluation/metrics.py changed while this ran; run again\n"),
    ],
)
def test_what_was_loaded_is_compared(code: Path, answer: Answer, text: str, said: str) -> None:
    (code / MODULE).write_text("ANSWER = 41\n")
    assert answer(EDITED.format(text=text)) == f"{said}trainers/evaluation/metrics.py"


def test_what_was_not_loaded_did_nothing(code: Path, answer: Answer) -> None:
    file = 'Path(pipeline.__file__).parents[1].joinpath("trainers/evaluation/metrics.py")'
    then = f"from pathlib import Path\n{file}.unlink()\n"
    assert answer(then + "check_code(code)") == ""


def test_a_module_whose_source_cannot_be_told(code: Path, answer: Answer, tmp_path: Path) -> None:
    """One from an archive, that stands before ours."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("metrics.py", "ANSWER = 1\n")
    then = f"""
import trainers.evaluation
trainers.evaluation.__path__.insert(0, {str(tmp_path / "other.zip")!r})
import trainers.evaluation.metrics
assert trainers.evaluation.metrics.ANSWER == 1
try:
    check_code(code)
except Exception as error:
    print(error)
"""
    assert "other.zip/metrics.py changed while this ran" in answer(then)


def test_loaded_before_this_package(code: Path, answer: Answer, tmp_path: Path) -> None:
    """The file is taken as it was when this package came."""
    then = (
        "import trainers.evaluation.metrics\ncheck_code(code)\n"
        "print(sys.modules['trainers.evaluation.metrics'].__name__)"
    )
    found: Any = subprocess.run(
        [sys.executable, "-c", "import trainers.evaluation.metrics\n" + PROGRAM.format(then=then)],
        env={**os.environ, "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
    )
    assert found.stdout == "trainers.evaluation.metrics\n", found.stderr
