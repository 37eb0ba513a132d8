"""Code that is edited while a run is going: what runs is what was hashed, or nothing is published."""

from __future__ import annotations

import os
import py_compile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

STUDENT = "trainers/models/dmft/student.py"
WORKER = "    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run that started this decides when to stop\n"


@pytest.fixture
def editable(finished: Any, code: Path, tmp_path: Path) -> Any:
    """The finished experiment with a teacher and a student of another seed to train, run by a copy of the program."""
    project = finished.copy(tmp_path / "project")
    project.code = code
    values = yaml.safe_load(project.file.read_text())
    stages = {name: values["stages"][name] for name in ("encode", "teacher", "student")}
    return project.write({**values, "seeds": [1], "stages": stages})


def append(file: Path, text: str) -> bytes:
    """Add to a file and return what it held before."""
    before = file.read_bytes()
    file.write_bytes(before + text.encode())
    return before


def is_there(project: Any) -> bool:
    """Tell whether the student is published under the key of the code as it was."""
    return bool(project.status()["student[subjects=odd,seed=1]"]["state"] == "cached")


@pytest.mark.parametrize("together", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_edited_between_hashing_and_import(
    editable: Any, gate: Any, until: Callable[..., None], together: bool
) -> None:
    if together:
        editable.file.write_text(editable.file.read_text().replace("seeds:\n- 1", "seeds:\n- 1\n- 2"))
    gate.put(editable.code / "pipeline/run/worker.py", WORKER)
    before = editable.status()
    run = editable.start("run", *(["--together", "2"] if together else []))
    until(lambda: gate.reached() or run.poll() is not None)
    source = append(editable.code / STUDENT, "\n_EDITED = 1\n")
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 1, err
    others = " and 1 step more" if together else ""
    assert f"error: student[subjects=odd,seed=1]{others}: {STUDENT} changed while this ran; run again" in err
    assert "Traceback" not in err
    (editable.code / STUDENT).write_bytes(source)
    after = editable.status()
    assert {id_: step["key"] for id_, step in after.items()} == {id_: step["key"] for id_, step in before.items()}
    assert {id_ for id_, step in after.items() if step["state"] != "cached"} == {
        id_ for id_, step in before.items() if step["entry"] == "student"
    }  # "partial" if a checkpoint had been left
    assert {step["state"] for step in after.values()} == {"cached", "todo"}


@pytest.mark.slow
def test_the_teachers_model_while_a_student_is_distilled(
    editable: Any, small: dict[str, Any], gate: Any, until: Callable[..., None]
) -> None:
    """It is part of the teacher's key, and of the student's by that."""
    small["stages"]["distilled"]["fit"]["epochs"] = 2
    editable.write({**small, "stages": {n: small["stages"][n] for n in ("encode", "teacher", "distilled")}})
    gate.put(editable.code / "pipeline/run/worker.py", WORKER)
    run = editable.start("run")
    until(lambda: gate.reached() or run.poll() is not None)
    append(editable.code / "trainers/models/dmft/teacher.py", "\n_EDITED = 1\n")
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 1, err
    assert "distilled[subjects=odd,seed=0]: trainers/models/dmft/teacher.py changed while this ran; run again" in err


def test_a_name_that_means_another_model(editable: Any, gate: Any, until: Callable[..., None]) -> None:
    """Tables of names are no part of keys; a run goes on with what they said."""
    gate.put(editable.code / "pipeline/run/worker.py", "import msgspec\n")
    run = editable.start("run", "--until", "student")
    until(lambda: gate.reached() or run.poll() is not None)
    mine, names = editable.code / "trainers/models/mine.py", editable.code / "trainers/models/registry.py"
    mine.write_bytes((editable.code / STUDENT).read_bytes())
    names.write_text(names.read_text().replace("trainers.models.dmft.student:", "trainers.models.mine:"))
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 1, err
    assert "what names trainers.models.mine:DMFTStudent changed while this ran; run again" in err
    assert not is_there(editable)


def test_edited_and_undone(editable: Any, gate: Any, until: Callable[..., None], tmp_path: Path) -> None:
    """The file is as it was hashed before this was and after it; the worker has imported something else."""
    gate.put(editable.code / "pipeline/run/worker.py", WORKER)
    run = editable.start("run", "--until", "student", "--jobs", "1")
    until(lambda: gate.reached() or run.poll() is not None)
    imported = tmp_path / "imported"
    source = append(editable.code / STUDENT, f"\nopen({str(imported)!r}, 'w').close()\n")
    gate.open()
    until(lambda: imported.exists() or run.poll() is not None)
    (editable.code / STUDENT).write_bytes(source)
    _, err = run.communicate(timeout=240)
    assert run.returncode == 1
    assert f"{STUDENT} changed while this ran; run again" in err
    assert not is_there(editable)


def test_comments_are_no_change(editable: Any, gate: Any, until: Callable[..., None]) -> None:
    gate.put(editable.code / "pipeline/run/worker.py", WORKER)
    run = editable.start("run", "--until", "student")
    until(lambda: gate.reached() or run.poll() is not None)
    append(editable.code / STUDENT, "\n# the end\n")
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 0, err
    assert is_there(editable)


def test_edited_after_the_import(editable: Any, gate: Any, until: Callable[..., None]) -> None:
    """What runs is what was hashed, and is published under that key."""
    gate.put(editable.code / "pipeline/run/step/execute.py", "    about: dict[str, Any] = _environment(context.device)")
    run = editable.start("run", "--until", "student")
    until(lambda: gate.reached() or run.poll() is not None)
    source = append(editable.code / STUDENT, "\n_EDITED = 1\n")
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 0, err
    (editable.code / STUDENT).write_bytes(source)
    assert is_there(editable)


def test_bytecode_of_other_code_of_the_same_size_and_time(project: Any, code: Path) -> None:
    """What Python would take for the bytecode of an edited file is not taken."""
    project.code = code
    file = code / "pipeline/stages/index.py"
    py_compile.compile(str(file), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    source, state = file.read_text(), file.stat()
    assert source.count('return {"recordings":') == 1
    file.write_text(source.replace('return {"recordings":', 'return {"recOrdings":'))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    project.command("run", "--until", "index")
    key = project.status()["index"]["key"]
    assert "recOrdings" in project.plan().store.manifest("index", key).provenance
