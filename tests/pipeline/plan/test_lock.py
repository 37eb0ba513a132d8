"""The lock: a colleague without the raw data has the same keys, and wrong data is found out."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError, PipelineError, StepError
from pipeline.lock import Lock, LockedStream, read_lock, write_lock
from pipeline.plan.planner import make_plan
from pipeline.report.lock_changes import lock_changes_text


@pytest.fixture
def on_files(project: Any, small: dict[str, Any], raw: Path) -> Any:
    """The experiment on files, with one broken recording and one file that cannot be placed, all of it done."""
    (raw / "Inertial" / "a2_s1_t1_inertial.mat").write_bytes(b"broken")
    (raw / "Inertial" / "notes.txt").write_bytes(b"what is this")
    del small["stages"]["distilled"], small["stages"]["teacher"]
    small["stages"]["evaluate"]["needs"] = ["student"]
    small |= {"source": {"name": "utd-mhad", "root": str(raw)}, "on_bad_recording": "skip"}
    project.write(small).run()
    return project


def keys(project: Any, *settings: tuple[str, Any]) -> dict[str, str]:
    return {id_: step.key for id_, step in project.plan(*settings).steps.items()}


def test_a_colleague_without_the_raw_data(on_files: Any, raw: Path, tmp_path: Path) -> None:
    before = keys(on_files)
    shutil.rmtree(raw)
    steps = on_files.status(PIPELINE_CACHE=str(tmp_path / "fresh"))
    assert {id_: step["key"] for id_, step in steps.items()} == before
    assert {step["state"] for step in steps.values()} == {"cached"}
    lock = on_files.file.with_suffix(".lock").read_bytes()
    assert "everything is cached" in on_files.command("run", PIPELINE_CACHE=str(tmp_path / "fresh")).stdout
    assert on_files.file.with_suffix(".lock").read_bytes() == lock


def test_a_colleague_reads_fewer_modalities(on_files: Any, raw: Path) -> None:
    shutil.rmtree(raw)
    plan = on_files.plan(("modalities", ["skeleton"]))
    assert plan.states["index"] == plan.states["encode[skeleton]"] == "cached"
    assert plan.indexed
    assert plan.lock == plan.old_lock


def test_a_colleague_trains_something_new(on_files: Any, raw: Path) -> None:
    shutil.rmtree(raw)
    done = on_files.run(("stages.student.fit.epochs", 2))
    assert done == ["student[subjects=odd,seed=0]", "evaluate[student,subjects=odd,seed=0]"]


def test_a_colleague_cannot_encode(on_files: Any, raw: Path) -> None:
    shutil.rmtree(raw)
    failed = on_files.command("run", "--set", "stages.encode.inertial.window=24", code=1)
    assert "error: encode[inertial]: it must run, and the raw data is not on this machine" in failed.stderr
    assert "left out: student[subjects=odd,seed=0], because it needs encode[inertial]" in failed.stderr


def test_without_a_lock_the_data_is_missed(on_files: Any, raw: Path) -> None:
    shutil.rmtree(raw)
    on_files.file.with_suffix(".lock").unlink()
    assert "there is no folder" in on_files.command("status", code=2).stderr


def test_a_modality_that_the_lock_lacks(on_files: Any, raw: Path) -> None:
    shutil.rmtree(raw)
    with pytest.raises(ConfigError, match="knows nothing of stream depth"):
        on_files.plan(("modalities", ["depth", "skeleton"]))


@pytest.fixture
def too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files be too many to be read at planning, and none be drawn."""
    monkeypatch.setattr("pipeline.keys.raw_index._FEW", 0)
    monkeypatch.setattr("pipeline.keys.raw_index._FEW_BYTES", 0)


def test_another_machine_reads_few_files_once(
    on_files: Any, raw: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = keys(on_files)
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "fresh"))
    assert keys(on_files) == before
    monkeypatch.setattr("pipeline.keys.raw_index.hash_file", lambda path: pytest.fail(f"{path} was read"))
    assert keys(on_files) == before


@pytest.mark.usefixtures("too_many")
def test_another_machine_takes_hashes_of_many_files_from_the_lock(
    on_files: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = keys(on_files)
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "fresh"))
    monkeypatch.setattr("pipeline.keys.raw_index.hash_file", lambda path: pytest.fail(f"{path} was read"))
    assert keys(on_files) == before


def other_content(path: Path) -> bytes:
    """Give a file other bytes, of the same number, and return what it had."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, (1e9, 1e9))
    return content


@pytest.mark.parametrize("moved", [False, True], ids=["in place", "at another root"])
def test_other_data_of_the_same_sizes_is_not_taken_for_the_locks(
    on_files: Any, raw: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moved: bool
) -> None:
    """It had the figures of the lock's data without a word, also under ``--set source.root``."""
    settings = [("source.root", str(shutil.copytree(raw, tmp_path / "moved")))] if moved else []
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "fresh"))
    other_content((tmp_path / "moved" if moved else raw) / "Inertial" / "a3_s2_t1_inertial.mat")
    states = on_files.plan(*settings).states
    assert states["encode[inertial]"] != "cached" == states["encode[skeleton]"]


@pytest.mark.usefixtures("too_many")
def test_another_file_behind_the_lock_is_found_out(
    on_files: Any, raw: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same path and size, other bytes, on a machine that has not seen it: found when encode reads it."""
    path = raw / "Inertial" / "a3_s2_t1_inertial.mat"
    content = other_content(path)
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "fresh"))
    assert set(on_files.plan().states.values()) == {"cached"}
    setting = ("stages.encode.inertial.window", 24)
    with pytest.raises(StepError) as failure:
        on_files.run(setting, until="encode")
    assert f"{path}: not the file that the lock knows: expected SHA-256 " in str(failure.value)
    assert "delete the lock to accept the data as it is here" in str(failure.value)
    lock = on_files.file.with_suffix(".lock")
    kept = lock.read_bytes()
    lock.unlink()
    assert on_files.plan().states["encode[inertial]"] == "todo"  # what the lock said is forgotten with it
    lock.write_bytes(kept)
    path.write_bytes(content)
    assert on_files.run(setting, until="encode") == ["encode[inertial]"]


def test_a_run_on_other_data_says_what_the_lock_loses(on_files: Any, raw: Path, tmp_path: Path) -> None:
    """A part of the data replaced the lock without a word."""
    part = shutil.copytree(raw, tmp_path / "part")
    for path in part.glob("*/a*_s1_t1_*.mat"):
        if not path.name.startswith(("a1_", "a2_")):
            path.unlink()
    other_content(part / "Skeleton" / "a1_s2_t1_skeleton.mat")
    gone = 16 - len(list(part.glob("Inertial/*.mat")))
    said = on_files.command("run", "--set", f"source.root={part}", "--until", "index").stderr
    notes = [line for line in said.splitlines() if "stages.lock" in line]
    assert notes == [
        f"note: stages.lock now has other raw data: inertial (16 files): {gone} gone; "
        f"skeleton (16 files): {gone} gone, 1 changed"
    ]
    said = on_files.command("run", "--set", f"source.root={part}", "--until", "index").stderr
    assert "stages.lock" not in said
    said = on_files.command("run", "--until", "index").stderr
    left = 16 - gone
    assert f"inertial ({left} files): {gone} new; skeleton ({left} files): 1 changed, {gone} new" in said


def test_what_the_lock_loses_is_told_in_one_line() -> None:
    def lock(source: str, **streams: list[int]) -> Lock:
        return Lock(
            source=source,
            raw={
                name: LockedStream.of(f"{sizes}", {f"{path}": (size, "1" * 64) for path, size in enumerate(sizes)})
                for name, sizes in streams.items()
            },
        )

    old = lock("x", a=[1], b=[1], c=[1], d=[1], e=[1], f=[1])
    assert (
        lock_changes_text(Lock(), old) == lock_changes_text(old, old) == lock_changes_text(lock("x", z=[1]), old) == ""
    )
    assert lock_changes_text(old, lock("y", a=[2])) == "source y in place of x"
    assert lock_changes_text(old, lock("x", a=[2], b=[1, 1], c=[1], d=[], e=[1, 2, 3], f=[2])) == (
        "a (1 file): 1 changed; b (1 file): 1 new; d (1 file): 1 gone; and 2 more streams"
    )


def test_the_lock_reads_well_and_holds_inputs_only(on_files: Any) -> None:
    text = on_files.file.with_suffix(".lock").read_text()
    lines = [line for line in text.splitlines() if "_skeleton.mat" in line]
    assert len(lines) == 16  # one a file
    assert all(line.strip().startswith('"Skeleton/') and line.rstrip(",").endswith("]") for line in lines)
    assert set(json.loads(text)) == {"format", "source", "index", "raw", "weights"}
    assert str(on_files.folder) not in text
    mode = on_files.file.with_suffix(".lock").stat().st_mode
    assert stat.S_IMODE(mode) == stat.S_IMODE(on_files.file.stat().st_mode)


def test_a_lock_round_trips(tmp_path: Path) -> None:
    lock = Lock(source="x", index="1" * 64, raw={"a": LockedStream.of("2" * 64, {"p/q [1, 2].mat": (5, "3" * 64)})})
    path = tmp_path / "stages.lock"
    write_lock(path, lock, Lock())
    assert read_lock(path) == lock
    before = path.stat().st_mtime_ns
    write_lock(path, lock, lock)
    assert path.stat().st_mtime_ns == before
    assert list(tmp_path.iterdir()) == [path]


FILES = b"{%s}" % b", ".join(b'"%d": [5, "%s"]' % (number, b"3" * 64) for number in range(100))
MERGED = b'{"source": "x", "index": "", "raw": {"a": {"digest": "' + b"1" * 64 + b'", "files": %s}, "a": {"digest": "'
MERGED += b"2" * 64 + b'", "files": %s}}}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a lock file"),
        (b"<<<<<<< HEAD\n", "not a lock file"),
        (b"\xff\xfe", "not a lock file"),
        (b'{"format": 1, "secret": 2}', "not a lock file"),
        (b"{}", "not a lock file: it has no source and no index and no raw"),
        (b'{"format": 1}', "not a lock file: it has no source"),
        (b'{"source": "x", "index": "zz", "raw": {}}', "not a lock file: index: 'zz' is no digest"),
        (b'{"source": "x", "index": "", "raw": {"a": {"digest": "b"}}}', "not a lock file: raw: a: 'b' is no digest"),
        (MERGED % (b"{}", b"{}"), "not a lock file: 'a' stands in it twice"),
        (MERGED % (FILES, FILES), "not a lock file: 'a' stands in it twice"),
        (MERGED % (b"{}", FILES), "not a lock file: 'a' stands in it twice"),
        (MERGED % (FILES, b"{}"), "not a lock file: 'a' stands in it twice"),
        (MERGED % (FILES, FILES.replace(b"5", b"67")), "not a lock file: "),
        (b'{"format": 2}', "format 2 is newer than this program"),
    ],
)
def test_a_damaged_lock_is_named(project: Any, content: bytes, message: str) -> None:
    project.file.with_suffix(".lock").write_bytes(content)
    said = project.command("status", code=2).stderr
    assert f"stages.lock: {message}" in said
    assert len(said.splitlines()) == 2


def test_long_lists_of_files_that_begin_alike(tmp_path: Path) -> None:
    files = {f"{number:04}": (5, "3" * 64) for number in range(200)}
    more = {**files, "more": (5, "3" * 64)}
    streams = {"a": LockedStream.of("1" * 64, files), "b": LockedStream.of("2" * 64, more)}
    lock = Lock(source="x", index="4" * 64, raw={**streams, "c": LockedStream.of("2" * 64, files)})
    write_lock(tmp_path / "stages.lock", lock, Lock())
    assert read_lock(tmp_path / "stages.lock") == lock


def test_a_lock_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PipelineError, match=r"stages\.lock: .*\n  .*make that folder writable"):
        write_lock(tmp_path / "file" / "stages.lock", Lock(), Lock())


def test_the_lock_of_this_repository_is_that_of_its_code(tmp_path: Path) -> None:
    """So that a first run changes no file of a clone."""
    here = Path(__file__).resolve().parents[3]
    plan = make_plan(here / "stages.yaml", [("store", str(tmp_path / "store"))])
    found, now = read_lock(here / "stages.lock").index, plan.steps["index"].key
    assert found == now, "run `pipeline run --until index`, and commit stages.lock"
