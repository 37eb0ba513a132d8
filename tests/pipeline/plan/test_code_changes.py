"""Editing the program makes stale what depends on the edit, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.steps.equal_code import read_equal_code

Change = Callable[[str], str]

VIDEO = ["rgb", "depth"]


@pytest.fixture
def stale(finished: Any, code: Path) -> Callable[..., dict[str, list[str]]]:
    """A function that edits a file of a copy of the program and returns why entries are stale then, by entry."""
    project = type(finished)(finished.folder, code)

    def edit(*changes: tuple[str, Change], settings: tuple[str, ...] = ()) -> dict[str, list[str]]:
        before = project.status(*settings)
        for path, change in changes:
            file = code / path
            source = file.read_text() if file.exists() else ""
            changed = change(source)
            assert changed != source, f"{path} was not changed"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(changed)
        found: dict[str, list[str]] = {}
        after = project.status(*settings)
        assert before.keys() == after.keys()
        for id_, step in after.items():
            if step["key"] != before[id_]["key"]:
                name = id_ if step["stage"] in ("encode", "evaluate") else step["entry"]
                found[name.partition(",subjects")[0].rstrip("]")] = step["reasons"]
        return found

    return edit


def line(source: str) -> str:
    return source + "\n_ADDED = 1\n"


def dress(source: str) -> str:
    """Change comments, blank lines and docstrings alone."""
    return "# A new head.\n\n\n" + source.replace('"""', '"""Truly: ', 1) + "\n\n# the end\n"


AFTER_TEACHER = {"teacher", "distilled", "evaluate[teacher", "evaluate[distilled"}
TRAINED = AFTER_TEACHER | {"student", "evaluate[student"}


def test_the_teachers_file(stale: Any) -> None:
    reasons = stale(("trainers/models/dmft/teacher.py", line))
    assert reasons.keys() == AFTER_TEACHER
    (reason,) = reasons["teacher"]
    assert reason.startswith("source file trainers/models/dmft/teacher.py changed (")
    assert reasons["distilled"] == ["input teacher[subjects=odd,seed=0] changed"]
    assert "input distilled[subjects=odd,seed=0] changed" in reasons["evaluate[distilled"]


def test_a_package_is_named_by_its_file(stale: Any) -> None:
    reasons = stale(("trainers/models/dmft/__init__.py", line))
    (reason,) = reasons["teacher"]
    assert reason.startswith("source file trainers/models/dmft/__init__.py changed (")


def test_the_students_file(stale: Any) -> None:
    reasons = stale(("trainers/models/dmft/student.py", line))
    assert reasons.keys() == {"student", "distilled", "evaluate[student", "evaluate[distilled"}


def test_the_losss_file(stale: Any) -> None:
    assert stale(("trainers/losses/dmft_kd.py", line)).keys() == {"distilled", "evaluate[distilled"}


def test_the_fit_loop(stale: Any) -> None:
    assert stale(("trainers/fit/loop.py", line)).keys() == TRAINED
    assert stale(("trainers/fit/stacked.py", line)).keys() == TRAINED


def test_the_metrics(stale: Any) -> None:
    found = stale(("trainers/evaluation/metrics.py", line))
    assert found.keys() == {"evaluate[teacher", "evaluate[student", "evaluate[distilled"}


def test_a_new_model(stale: Any) -> None:
    """A new file and its line in the table of names: nothing is stale, and the model can be used."""
    entry = '    "mine": Entry("trainers.models.mine:Mine", "trainers.models.dmft.params:StudentParams"),\n}\n'
    assert not stale(
        ("trainers/models/mine.py", lambda _: "class Mine: ...\n"),
        ("trainers/models/registry.py", lambda source: source.rstrip().removesuffix("}") + entry),
    )


def test_a_new_loss(stale: Any) -> None:
    """New files and a line in the table of names."""
    entry = '    "mine": Entry("trainers.losses.mine:Mine", "trainers.losses.params.mine:MineParams"),\n}\n'
    assert not stale(
        ("trainers/losses/mine.py", lambda _: "class Mine: ...\n"),
        ("trainers/losses/params/mine.py", lambda _: "class MineParams: ...\n"),
        ("trainers/losses/registry.py", lambda source: source.rstrip().removesuffix("}") + entry),
    )


@pytest.mark.parametrize(
    "path",
    ["pipeline/cli/commands/run.py", "pipeline/run/runner.py", "pipeline/plan/steps/builder.py", "store/store.py"],
)
def test_what_lies_outside_the_scope(stale: Any, path: str) -> None:
    assert not stale((path, line))


def test_comments_and_docstrings_anywhere(stale: Any, code: Path) -> None:
    from_future = "from __future__ import annotations"
    documented = [
        path.relative_to(code).as_posix()
        for package in ("trainers", "pipeline/stages", "pipeline/sources")
        for path in sorted((code / package).rglob("*.py"))
        if path.read_text().startswith('"""') and from_future in path.read_text()
    ]
    assert len(documented) > 50
    assert not stale(*((path, dress) for path in documented))


def entries(found: dict[str, list[str]]) -> set[str]:
    return {name for name in found if name.startswith("encode")}


ALL = ("modalities=[rgb, depth, skeleton, inertial]",)
IMAGES = {"encode[rgb", "encode[depth"}
TIMELINES = {"encode[skeleton", "encode[inertial"}


@pytest.mark.parametrize("path", ["encoder.py", "frames.py", "backbone.py", "weights.py"])
def test_video_code_is_the_videos(stale: Any, path: str) -> None:
    assert entries(stale((f"pipeline/stages/encode/video/{path}", line), settings=ALL)) == IMAGES


@pytest.mark.parametrize("path", ["encoder.py", "series.py"])
def test_timeline_code_is_not_the_videos(stale: Any, path: str) -> None:
    assert entries(stale((f"pipeline/stages/encode/timelines/{path}", line), settings=ALL)) == TIMELINES


def test_skeleton_code_is_not_the_videos(stale: Any) -> None:
    found = entries(stale(("pipeline/stages/encode/timelines/skeleton.py", line), settings=ALL))
    assert "encode[skeleton" in found
    assert found <= TIMELINES


def test_shared_encode_code_is_everybodys(stale: Any) -> None:
    assert entries(stale(("pipeline/stages/encode/shards.py", line), settings=ALL)) == IMAGES | TIMELINES


def test_a_source_is_its_own(stale: Any) -> None:
    """What makes the sample's files is nothing to another dataset; the sample's own steps are stale."""
    found = stale(("pipeline/sources/sample/motions.py", line))
    assert {"index", *TIMELINES} <= found.keys()


def test_broken_python_is_named(finished: Any, code: Path) -> None:
    project = type(finished)(finished.folder, code)
    (code / "trainers/models/dmft/fusion.py").write_text("def broken(:\n")
    message = project.command("status", code=2).stderr
    assert "trainers/models/dmft/fusion.py:1: not valid Python: " in message
    assert "fix the file" in message


@pytest.mark.parametrize("command", ["status", "run"])
def test_a_name_outside_the_code_that_keys_hash(finished: Any, code: Path, command: str) -> None:
    """It never changed, and running again never helped."""
    names = code / "trainers/models/registry.py"
    names.write_text(names.read_text().replace("trainers.models.dmft.student:", "extmod:"))
    (code / "extmod.py").write_bytes((code / "trainers/models/dmft/student.py").read_bytes())
    said = type(finished)(finished.folder, code).command(command, code=1).stderr
    assert "error: extmod:" in said
    assert "must lie in trainers, pipeline.stages or pipeline.sources" in said
    assert "run again" not in said


def test_equal_code_of_an_earlier_release(finished: Any) -> None:
    """Keys have its code; where the stages file refuses that, they have the code as it is."""
    shipped, refused = finished.status(), finished.status("equal_code=refuse")
    (release,) = {step["equal_code"] for step in shipped.values()} - {None}  # but of what gives other values by now
    same = {id_ for id_, step in shipped.items() if step["equal_code"]}
    assert {shipped[id_]["stage"] for id_ in same} >= {"index", "encode", "train"}
    assert release == read_equal_code()[0].release
    assert all(step["equal_code"] is None for step in refused.values())
    assert all(step["accepted"] is None for step in (*shipped.values(), *refused.values()))  # nobody did
    assert all(shipped[id_]["key"] != step["key"] for id_, step in refused.items() if id_ in same)
