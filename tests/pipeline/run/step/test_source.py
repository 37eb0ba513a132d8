"""Raw files and weights are those of the key, or the step fails: whenever they are replaced, and however."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.errors import StepError
from pipeline.keys.file_hash import BELIEVED, LOCKED, READ, FileHash
from pipeline.run.jobs import make_job
from pipeline.run.messages import StepJob
from pipeline.run.packing import PACKED_BYTES, pack, unpack
from pipeline.run.step.execute import execute
from pipeline.run.step.source import CheckedFile, open_source
from pipeline.sources.utd_mhad import UtdMhad
from store.features import open_features

ONE, OTHER = "Inertial/a1_s1_t1_inertial.mat", "Inertial/a2_s1_t1_inertial.mat"


@pytest.fixture
def indexed(project: Any, raw: Path) -> Any:
    """An experiment on a copy of raw data of one's own, whose index is there."""
    project.write(
        {
            "source": {"name": "utd-mhad", "root": str(raw)},
            "modalities": ["skeleton", "inertial"],
            "protocol": "subject-50-50",
            "on_bad_recording": "skip",
            "stages": {"encode": {}},
        }
    )
    project.run(until="index")
    return project


def job_of(project: Any, id_: str = "encode[inertial]") -> StepJob:
    plan = project.plan()
    return make_job(plan, plan.steps[id_], "cpu")


def do(job: StepJob) -> None:
    execute(job, lambda *_: None)


def in_place(path: Path, content: bytes) -> None:
    """Write over a file and put its modification time back."""
    state = path.stat()
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def replace(path: Path, content: bytes) -> None:
    """Replace a file by another with its modification time."""
    state, other = path.stat(), path.with_name(f".{path.name}")
    other.write_bytes(content)
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    os.replace(other, path)


def published(project: Any, job: StepJob) -> bool:
    return bool(project.plan().store.has(job.stage, job.key))


@pytest.fixture
def while_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, Callable[[], None]], None]:
    """A function that has something happen once while a file is read: after it was looked at, before it is opened."""

    def arrange(path: Path, happen: Callable[[], None]) -> None:
        read, left = UtdMhad.open_series, [happen]

        def open_series(self: UtdMhad, recording: Any, stream: str) -> Any:
            if left and str(path).endswith(recording.streams[stream][0]):
                left.pop()()
            return read(self, recording, stream)

        monkeypatch.setattr(UtdMhad, "open_series", open_series)

    return arrange


@pytest.mark.parametrize("stage", ["index", "encode[inertial]"])
@pytest.mark.parametrize("change", [in_place, replace])
@pytest.mark.parametrize("content", ["another's", "garbage"])
@pytest.mark.parametrize("when", ["before", "amid"])
def test_another_file_is_never_read_for_the_key(
    indexed: Any, raw: Path, while_read: Any, stage: str, change: Any, content: str, when: str
) -> None:
    """Nor is it taken for a broken recording, with `skip`."""
    job = msgspec.structs.replace(job_of(indexed, stage), force=stage == "index")
    before = (raw / ONE).read_bytes()
    new = (raw / OTHER).read_bytes() if content == "another's" else b"garbage"
    if when == "before":
        change(raw / ONE, new)
    else:
        while_read(raw / ONE, lambda: change(raw / ONE, new))
    with pytest.raises(StepError) as failure:
        do(job)
    expected = f"{raw / ONE}: changed while this ran: expected SHA-256 {hashlib.sha256(before).hexdigest()}, found "
    assert str(failure.value) == expected + f"{hashlib.sha256(new).hexdigest()}\n  run again, to take it as it is now"
    if stage != "index":
        assert not published(indexed, job)
    change(raw / ONE, before)
    do(job)
    assert published(indexed, job)


def test_a_file_that_goes_while_it_is_waited_for(indexed: Any, raw: Path, while_read: Any) -> None:
    job = job_of(indexed)
    while_read(raw / ONE, (raw / OTHER).unlink)
    with pytest.raises(StepError, match=f"{OTHER}: No such file|{OTHER}: is gone, and was there when this began"):
        do(job)
    assert not published(indexed, job)


def new_trial(raw: Path) -> None:
    shutil.copy(raw / ONE, raw / "Inertial" / "a3_s9_t9_inertial.mat")


def no_file(raw: Path) -> None:
    (raw / ONE).unlink()


def renamed(raw: Path) -> None:
    (raw / ONE).rename(raw / "Inertial" / "a3_s9_t9_inertial.mat")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (new_trial, "the recordings"),
        (no_file, r"the files of stream inertial \(\d+ when it began, \d+ now\)"),
        (renamed, "the recordings"),
    ],
)
def test_other_recordings_than_those_of_the_key(
    indexed: Any, raw: Path, change: Callable[[Path], None], what: str
) -> None:
    job = job_of(indexed)
    change(raw)
    with pytest.raises(StepError, match=f"{raw}: {what} changed while this ran\n  run again"):
        do(job)


def test_a_poisoned_row_is_never_copied(indexed: Any, raw: Path, tmp_path: Path) -> None:
    """The features of a replaced file were taken over under the digest of the one before, when data was added."""
    job = job_of(indexed)
    replace(raw / ONE, (raw / OTHER).read_bytes())
    with pytest.raises(StepError):
        do(job)
    indexed.run()
    new_trial(raw)
    indexed.run()
    plan = indexed.plan()
    output = plan.store.output("encode", plan.steps["encode[inertial]"].key)
    assert output.manifest.provenance["rows"]["copied"] == 16
    anew = ("store", str(tmp_path / "anew"))
    indexed.run(anew)
    fresh = indexed.plan(anew).store.output("encode", plan.steps["encode[inertial]"].key)
    for name in ("features", "valid"):
        np.testing.assert_array_equal(open_features(output).read(name), open_features(fresh).read(name))


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was hashed, by its name."""
    counted: Counter[str] = Counter()
    real = hashlib.file_digest

    def count(file: Any, name: str) -> Any:
        counted[Path(file.name).name] += 1
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", count)
    return counted


def test_a_first_run_hashes_each_file_once(
    indexed: Any, raw: Path, hashes: Counter[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "fresh"))
    indexed.file.with_suffix(".lock").unlink()
    new_trial(raw)  # just now
    assert indexed.run(("store", str(tmp_path / "anew"))) == ["index", "encode[skeleton]", "encode[inertial]"]
    assert hashes == Counter(path.name for path in raw.rglob("*.mat"))


def test_what_the_lock_says_is_hashed_once_though_it_is_read_twice(
    indexed: Any, raw: Path, hashes: Counter[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "fresh"))
    monkeypatch.setattr("pipeline.keys.raw_index._FEW", 0)  # too many files to be read at planning
    monkeypatch.setattr("pipeline.keys.raw_index._FEW_BYTES", 0)
    index, encode = job_of(indexed, "index"), job_of(indexed)
    assert unpack(encode.files["inertial"], 0).origin == LOCKED
    do(msgspec.structs.replace(index, force=True))
    assert hashes == Counter(path.name for path in raw.rglob("*.mat"))
    do(encode)
    assert set(hashes.values()) == {1}


def test_a_chmod_meanwhile_does_no_harm(indexed: Any, raw: Path, hashes: Counter[str]) -> None:
    job = job_of(indexed)
    (raw / ONE).chmod(0o600)
    do(job)
    assert hashes == {Path(ONE).name: 1}
    indexed.plan()
    assert hashes == {Path(ONE).name: 1}  # what the step hashed is remembered


def test_another_machine_compares_the_content_once(indexed: Any, raw: Path, hashes: Counter[str]) -> None:
    """Where inodes and change times are others, as on some network shares."""
    job = job_of(indexed)
    files = {
        stream: pack(
            msgspec.structs.replace(each, inode=each.inode + 1, ctime_ns=each.ctime_ns - 1)
            for each in (unpack(packed, place) for place in range(len(packed) // PACKED_BYTES))
        )
        for stream, packed in job.files.items()
    }
    elsewhere = msgspec.structs.replace(job, files=files)
    do(elsewhere)
    assert hashes == Counter(path.name for path in raw.rglob("*_inertial.mat"))
    in_place(raw / ONE, (raw / OTHER).read_bytes())
    with pytest.raises(StepError, match=f"{ONE}: changed while this ran"):
        do(msgspec.structs.replace(elsewhere, force=True))


def test_digests_that_are_not_those_of_the_key_are_refused(indexed: Any) -> None:
    job = job_of(indexed)
    packed = bytearray(job.files["inertial"])
    packed[40] ^= 1
    with pytest.raises(StepError, match="the files of stream inertial changed while this ran"):
        do(msgspec.structs.replace(job, files={"inertial": bytes(packed)}))


def test_a_job_names_files_of_its_own_modality(indexed: Any) -> None:
    assert set(job_of(indexed).files) == {"inertial"}
    assert set(job_of(indexed, "index").files) == {"inertial", "skeleton"}
    job = job_of(indexed)
    assert msgspec.json.decode(msgspec.json.encode(job), type=StepJob) == job
    assert len(job.files["inertial"]) == 16 * PACKED_BYTES


def test_what_was_believed_is_checked_and_then_known(
    indexed: Any, raw: Path, hashes: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.keys.raw_index._FEW", 2)
    monkeypatch.setattr("pipeline.keys.raw_index._FEW_BYTES", 0)
    for path in raw.rglob("*.mat"):
        path.chmod(0o600)
    job = job_of(indexed)
    assert sum(hashes.values()) == 2
    places = [unpack(job.files["inertial"], place) for place in range(16)]
    believed = [n for n, each in enumerate(places) if each.origin == BELIEVED]
    path = raw / sorted(p.relative_to(raw) for p in raw.rglob("*_inertial.mat"))[believed[0]]
    before = path.read_bytes()
    in_place(path, before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(StepError, match=f"{path.name}: not the file that was hashed here earlier"):
        do(job)
    in_place(path, before)
    do(job)
    hashes.clear()
    assert all(unpack(job_of(indexed).files["inertial"], place).origin == READ for place in range(16))
    do(msgspec.structs.replace(job_of(indexed), force=True))
    assert not any("inertial" in name for name in hashes)


@pytest.fixture
def clip(tmp_path: Path, cache: Path) -> tuple[Any, Path]:
    """An open video whose file may be changed, and that file."""
    from pipeline.plan.planner import make_plan
    from pipeline.sources.sample.source import Params, Sample

    sample = Sample(Params(subjects=2, trials=1), cache)
    sample.ensure()
    root = tmp_path / "clips"
    shutil.copytree(sample.root / "RGB", root / "RGB")
    (tmp_path / "stages.yaml").write_text(
        f"store: store\nsource: {{name: utd-mhad, root: {root}}}\nmodalities: [rgb]\nprotocol: subject-50-50\n"
        "stages:\n  encode: {rgb: {backbone: squeezenet1_1, weights: none, image_size: 32, patches: 2}}\n"
    )
    plan = make_plan(tmp_path / "stages.yaml", [])
    source = open_source(make_job(plan, plan.steps["encode[rgb]"], "cpu"), lambda *_: None)
    recording = source.list().recordings[0]
    return source.open_video(recording, "rgb"), root / recording.streams["rgb"][0]


def test_a_video_is_looked_at_again_when_it_was_read(clip: tuple[Any, Path]) -> None:
    video, path = clip
    with contextlib.ExitStack() as opened:
        opened.enter_context(video)
        frames = video.frames()
        next(frames)
        replace(path, path.with_name("a2_s1_t1_color.avi").read_bytes())
        assert len(list(frames)) == video.length - 1  # what was open is still there
        with pytest.raises(StepError, match=f"{path.name}: changed while this ran"):
            opened.close()


def read_again(video: Any, change: Callable[[], None]) -> None:
    with video:
        list(video.frames(np.arange(2)))
        change()
        list(video.frames())


def test_a_video_that_changes_before_it_is_read_again(clip: tuple[Any, Path]) -> None:
    video, path = clip
    with pytest.raises(StepError, match=f"{path.name}: changed while this ran"):
        read_again(video, lambda: in_place(path, b"no video"))


def test_a_video_that_nobody_touches(clip: tuple[Any, Path]) -> None:
    video, _ = clip
    with video:
        assert len(list(video.frames())) == video.length


@pytest.mark.parametrize("origin", [READ, BELIEVED, LOCKED])
def test_packed_files(origin: Any) -> None:
    files = [
        FileHash(0, 0, 0, 0, "0" * 64, origin),
        FileHash(1 << 40, -(10**18), 10**18, (1 << 64) - 1, "ab" * 32, origin),
        FileHash(5, 15 * 10**18, 1, 2, "cd" * 32, origin),  # the last year that ext4 knows
    ]
    packed = pack(files)
    assert [unpack(packed, place) for place in range(3)] == files


def read_badly(file: CheckedFile, change: Callable[[], object]) -> None:
    with file.reading():
        change()
        raise ValueError("cannot be understood")


def test_what_seems_broken_while_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    file = CheckedFile(path, FileHash(3, 0, 0, 0, hashlib.sha256(b"one").hexdigest(), LOCKED))
    with pytest.raises(ValueError, match="cannot be understood"):
        read_badly(file, lambda: None)
    with pytest.raises(StepError, match="changed while this ran"):
        read_badly(file, lambda: path.write_bytes(b"two"))
