"""The sample: read by UTD-MHAD's reader, the same for a seed, physically plausible, never half made."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pipeline.errors import StepError
from pipeline.sources.sample.body import JOINTS
from pipeline.sources.sample.source import CLASSES, Params, Sample, Stream
from pipeline.sources.utd_mhad import FILES, UtdMhad

TINY = Params(subjects=2, trials=1)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    source = Sample(TINY, tmp_path_factory.mktemp("cache"))
    seen: list[tuple[int, int]] = []
    source.ensure(lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 16)
    assert seen[-1] == (16, 16)
    return source


def contents(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_listing_promises_what_the_files_are(sample: Sample) -> None:
    class Reader(UtdMhad):
        classes = CLASSES

    assert sample.list() == Reader(sample.root).list()


def test_listing_needs_no_files_and_no_numpy(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from pipeline.sources.sample.source import Sample, Params;"
        f"source = Sample(Params(), pathlib.Path({str(tmp_path)!r}));"
        "print(len(source.list().recordings), source.root.exists(), source.recipe()['version'] > 0,"
        "[m for m in ('numpy', 'scipy', 'av', 'torch', 'zarr') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=3) == ["192", "False", "True", "[]\n"]


def test_every_stream_of_every_recording_can_be_read(sample: Sample) -> None:
    for row in sample.list().recordings:
        skeleton, inertial = (sample.open_series(row, stream).values for stream in ("skeleton", "inertial"))
        lengths = {}
        for stream in ("rgb", "depth"):
            assert sample.probe(row, stream).length
            with sample.open_video(row, stream) as video:
                lengths[stream] = sum(1 for _ in video.frames())
        assert 45 <= len(skeleton) <= 120
        assert lengths["depth"] == len(skeleton)
        assert 20 <= lengths["rgb"] < len(skeleton)
        assert 1.4 < len(inertial) / len(skeleton) < 1.95
        assert inertial.shape[1:] == (6,)


def test_equal_seeds_give_equal_files(sample: Sample, tmp_path: Path) -> None:
    again = Sample(TINY, tmp_path)
    again.ensure()
    assert contents(again.root) == contents(sample.root)


def test_other_seeds_give_other_folders_and_motions(sample: Sample) -> None:
    from pipeline.sources.sample.generate import streams

    other = Sample(Params(seed=1, subjects=2, trials=1), sample.root.parent)
    assert other.root != sample.root
    assert other.recipe() != sample.recipe()
    (row, *_) = sample.list().recordings
    made = streams(1, 1, 1, row.action, 1, {"inertial"})
    assert made["inertial"].shape != sample.open_series(row, "inertial").values.shape


def test_more_trials_leave_the_others_as_they_are(sample: Sample) -> None:
    """A recording depends on seed, subject, action and trial alone."""
    from pipeline.sources.sample.generate import streams

    row = sample.list().recordings[5]
    label = CLASSES.index(row.action) + 1
    made = streams(TINY.seed, int(row.subject), label, row.action, int(row.session), {"skeleton"})
    np.testing.assert_array_equal(made["skeleton"], sample.open_series(row, "skeleton").values)


@pytest.mark.parametrize("wanted", [("skeleton", "inertial"), ("rgb",), ("inertial", "depth")])
def test_a_stream_is_the_same_whatever_else_is_made(sample: Sample, tmp_path: Path, wanted: tuple[Stream, ...]) -> None:
    some = Sample(msgspec.structs.replace(TINY, streams=wanted), tmp_path)
    some.ensure()
    folders = {FILES[stream][0] for stream in wanted}
    of_all = {path: told for path, told in contents(sample.root).items() if path.split("/")[0] in folders}
    assert {path: told for path, told in contents(some.root).items() if path != "recipe.json"} == of_all
    assert {stream for row in some.list().recordings for stream in row.streams} == set(wanted)
    assert some.recipe() == Sample(msgspec.structs.replace(TINY, streams=wanted[::-1]), tmp_path).recipe()


def test_later_parameters_leave_older_keys_as_they_are() -> None:
    assert Sample(TINY, Path()).recipe() == {"generator": "sample", "version": 1, "seed": 0, "subjects": 2, "trials": 1}


def test_some_recordings_show_another_action_than_their_label() -> None:
    from pipeline.sources.sample.generate import performed, streams

    shown = {
        (subject, label, trial): performed(5, subject, label, trial, 0.2)
        for subject, label, trial in product(range(1, 41), range(1, 9), range(1, 6))
    }
    wrong = [(key, action) for key, action in shown.items() if action != CLASSES[key[1] - 1]]
    assert len(wrong) / len(shown) == pytest.approx(0.2, abs=0.03)  # 1600 draws: three deviations
    assert {action for _, action in wrong} == set(CLASSES)
    right = next(key for key, action in shown.items() if action == CLASSES[key[1] - 1])
    assert performed(5, *right, 0.0) == CLASSES[right[1] - 1]
    (subject, label, trial), action = wrong[0]
    made, asked = (streams(5, subject, label, each, trial, {"skeleton"}) for each in (action, CLASSES[label - 1]))
    assert made["skeleton"].shape != asked["skeleton"].shape or not np.allclose(made["skeleton"], asked["skeleton"])


def test_a_resting_wrist_reads_gravity(sample: Sample) -> None:
    rest = [np.linalg.norm(sample.open_series(row, "inertial").values[:3, :3], axis=1).mean()
            for row in sample.list().recordings]  # fmt: skip
    assert np.median(rest) == pytest.approx(1.0, abs=0.1)


def test_the_sensor_obeys_mechanics() -> None:
    """Uniform circular motion with a fixed orientation: omega squared r towards the centre, plus gravity."""
    from pipeline.sources.sample.body import Pose
    from pipeline.sources.sample.sensors import GRAVITY, Unit, inertial

    rate, radius, omega = 150.0, 0.5, 4.0
    angle = omega * np.arange(300) / rate
    joints = np.zeros((300, 20, 3))
    joints[:, JOINTS.index("right_wrist")] = radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    turning = np.stack([[np.cos(angle), -np.sin(angle), 0 * angle], [np.sin(angle), np.cos(angle), 0 * angle],
                        [0 * angle, 0 * angle, 1 + 0 * angle]]).transpose(2, 0, 1)  # fmt: skip

    class Still(np.random.Generator):
        def normal(self, *args: object, size: object = None, **kwargs: object) -> object:  # type: ignore[override]
            return np.zeros(size if size is not None else 3)

    perfect = Unit(np.zeros(3), np.zeros(6), np.zeros(6))
    read = inertial(Pose(joints, turning), perfect, rate, Still(np.random.PCG64(0)))[20:-20]
    expected = np.stack([-(omega**2) * radius / GRAVITY + np.sin(angle), np.cos(angle), 0 * angle], axis=1)[20:-20]
    np.testing.assert_allclose(read[:, :3], expected, atol=0.01)
    np.testing.assert_allclose(read[:, 3:], np.tile([0, 0, np.degrees(omega)], (260, 1)), atol=0.2)


def test_bones_keep_their_lengths() -> None:
    from pipeline.sources.sample.body import pose
    from pipeline.sources.sample.generate import manner, subject
    from pipeline.sources.sample.motions import motion

    person = subject(0, 3)
    for action in CLASSES:
        rng = np.random.default_rng(0)
        seen = pose(person.body, motion(action, manner(person, action, rng), 30.0, rng), person.place, 0.2).joints

        def bone(a: str, b: str, seen: np.ndarray = seen) -> np.ndarray:  # type: ignore[type-arg]
            return np.linalg.norm(seen[:, JOINTS.index(a)] - seen[:, JOINTS.index(b)], axis=1)

        for side in ("left", "right"):
            np.testing.assert_allclose(bone(f"{side}_shoulder", f"{side}_elbow"), person.body.upper_arm)
            np.testing.assert_allclose(bone(f"{side}_elbow", f"{side}_wrist"), person.body.forearm)
            np.testing.assert_allclose(bone(f"{side}_knee", f"{side}_ankle"), person.body.shin)
        assert seen[:, JOINTS.index("head"), 1].mean() > seen[:, JOINTS.index("hip_center"), 1].mean()


def test_depth_shows_the_figure_where_its_joints_are(sample: Sample) -> None:
    row = sample.list().recordings[0]
    joints = sample.open_series(row, "skeleton").values
    with sample.open_video(row, "depth") as video:
        for frame, pose in zip(video.frames(), joints, strict=True):
            x, y, z = pose[JOINTS.index("spine")]
            column, line = round(160 + 284 * x / z), round(120 - 284 * y / z)
            assert 0 < z - frame[line, column] / 1000 < 0.35
            assert 0.02 < (frame > 0).mean() < 0.3


def test_a_swipe_goes_the_way_it_says(sample: Sample) -> None:
    """In the middle of the action the right wrist moves to the subject's left or right (-x, +x)."""
    for row in sample.list().recordings:
        if row.action in {"swipe_left", "swipe_right"}:
            wrist = sample.open_series(row, "skeleton").values[:, JOINTS.index("right_wrist"), 0]
            third = len(wrist) // 3
            moved = wrist[2 * third - 2 : 2 * third + 3].mean() - wrist[third - 2 : third + 3].mean()
            assert (moved < 0) == (row.action == "swipe_left")


def test_ensure_again_touches_nothing(sample: Sample) -> None:
    before = {path: path.stat().st_mtime_ns for path in sample.root.rglob("*")}
    sample.ensure()
    assert {path: path.stat().st_mtime_ns for path in sample.root.rglob("*")} == before


def test_a_killed_generation_is_not_taken_for_the_dataset(tmp_path: Path, sample: Sample) -> None:
    code = (
        "import pathlib; from pipeline.sources.sample.source import Sample, Params;"
        f"Sample(Params(subjects=2, trials=1), pathlib.Path({str(tmp_path)!r})).ensure(print)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*_inertial.mat")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    source = Sample(TINY, tmp_path)
    assert not source.root.exists()
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))  # long ago
    source.ensure()
    assert contents(source.root) == contents(sample.root)
    assert list(tmp_path.iterdir()) == [source.root]


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StepError, match=r"cannot write the sample dataset to .*; free space there or choose"):
        Sample(TINY, tmp_path / "file").ensure()


@pytest.mark.parametrize(
    "given",
    [
        {"subjects": 1},
        {"trials": 0},
        {"subject": 4},
        {"seed": "x"},
        {"mislabelled": 0.6},
        {"streams": []},
        {"streams": ["sound"]},
    ],
)
def test_wrong_parameters_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Params)
