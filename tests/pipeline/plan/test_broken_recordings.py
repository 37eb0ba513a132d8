"""What the plan makes of recordings that broke while they were encoded, and of what earlier versions took for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BadRecording, StepError
from pipeline.plan.broken_recordings import is_doubtful
from pipeline.sources.base import Recording, Series
from pipeline.sources.utd_mhad import UtdMhad

LOST = "a01_s2_t1"
FILE = "Inertial/a1_s2_t1_inertial.mat"


@pytest.fixture
def on_files(project: Any, small: dict[str, Any], raw: Path) -> Any:
    """The student of the small experiment, on files."""
    small["source"] = {"name": "utd-mhad", "root": str(raw)}
    small["stages"] = {"encode": {}, "student": small["stages"]["student"], "evaluate": {"needs": ["student"]}}
    return project.write({**small, "on_bad_recording": "skip"})


def breaks(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Let one file be found broken."""
    read = UtdMhad.open_series

    def refuse(self: UtdMhad, recording: Recording, stream: str) -> Series:
        if (recording.id, stream) == (LOST, "inertial"):
            raise BadRecording(LOST, stream, FILE, reason)
        return read(self, recording, stream)

    monkeypatch.setattr(UtdMhad, "open_series", refuse)


def count_tested(plan: Any) -> int:
    (step,) = (step for step in plan.steps.values() if step.stage == "evaluate")
    return int(step.recipe["test"]["recordings"])


def test_a_row_that_the_plan_takes_for_whole_is_not_trained_on(on_files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    on_files.run(until="index")
    before = on_files.plan()
    breaks(monkeypatch, "was hit by lightning")
    with pytest.raises(StepError, match=r"encode\[inertial\]: 1 of the recordings .* broke while they were encoded"):
        on_files.run()  # goes by the plan that was made before anything was encoded
    on_files.run()
    plan = on_files.plan()
    assert set(plan.states.values()) == {"cached"}
    assert plan.skipped == {
        "encode[inertial]": {LOST: f"{FILE}: was hit by lightning (recording {LOST}, stream inertial)"}
    }
    assert count_tested(plan) == count_tested(before) - 1
    for id_, step in before.steps.items():  # whose keys have nothing of it
        if step.stage in ("index", "encode"):
            assert plan.steps[id_].key == step.key


def test_what_an_earlier_version_took_for_broken_is_named_and_looked_at_again(
    on_files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = count_tested(on_files.plan())
    with monkeypatch.context() as patch:
        breaks(patch, "cannot be read (Input/output error)")
        on_files.run()
    assert count_tested(on_files.plan()) == whole - 1
    said = on_files.command("status").stdout
    assert f"the system, not the file, may be to blame for 1 of these (the first: {FILE}: cannot be read (Inp" in said
    assert "look again with `pipeline run --force index --force encode`" in said
    ran = on_files.command("run", "--force", "index", "--force", "encode", "--jobs", "1").stdout
    assert "left out" not in ran
    plan = on_files.plan()
    assert (plan.broken, plan.skipped) == ({}, {})
    assert count_tested(plan) == whole
    assert set(plan.states.values()) == {"cached"}


@pytest.mark.parametrize(
    ("reason", "doubted"),
    [
        ("x.avi: cannot be read (Input/output error)", True),
        ("x.avi: cannot be opened as a video (Too many open files)", True),
        ("x.mat: not a readable MATLAB v5 file (PermissionError: [Errno 13] Permission denied: '/data/x.mat')", True),
        ("x.mat: cannot be decompressed (MemoryError: )", True),
        ("x.mat: cannot be decompressed (error: Error -4 while decompressing data)", True),
        ("x.mat: cannot be decompressed (error: Error -3 while decompressing data: incorrect data check)", False),
        ("x.avi: cannot be opened as a video (Invalid data found when processing input)", False),
        ("x.avi: cannot be decoded (FFmpeg: Input/output error)", False),  # as FFmpeg says it of bytes
        ("Inertial/a1_s2_t1_inertial.mat: file is missing", True),
        ("x.mat: truncated: has 3 bytes, its header announces 9", False),
    ],
)
def test_which_reasons_are_doubted(on_files: Any, reason: str, doubted: bool) -> None:
    plan = on_files.plan()
    assert is_doubtful(plan, LOST, reason, "inertial") == doubted
    assert not is_doubtful(plan, "a99_s2_t1", "x: file is missing", "inertial")
