"""Faults that were made on purpose are found, with their figures; nothing is said of data without any."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.inspect.source.assumed import layouts_of
from pipeline.inspect.source.facts import SourceFacts, StreamFacts
from pipeline.inspect.source.text import as_text

from .made_up import TRIALS, body, facts_of, watch, write_all, write_stages, write_watch


def stream(facts: SourceFacts, name: str) -> StreamFacts:
    return next(each for each in facts.streams if each.name == name)


def test_data_without_a_fault(tmp_path: Path) -> None:
    facts = facts_of(write_all(tmp_path))
    assert (facts.recordings, facts.read) == (24, 24)
    assert facts.classes == {"walk": 8, "sit": 8, "jump": 8}
    assert facts.subjects == {"1": 6, "2": 6, "3": 6, "4": 6}
    assert facts.sessions == {"1": 12, "2": 12}
    own, joints = stream(facts, "watch"), stream(facts, "body")
    assert own.seconds is not None
    assert own.rates is not None
    assert [own.seconds.least, own.seconds.median, own.seconds.most] == pytest.approx([4.0] * 3)
    assert [own.rates.least, own.rates.most] == pytest.approx([50.0] * 2)
    assert joints.seconds is not None
    assert joints.seconds.median == pytest.approx(4.0)
    assert joints.rates is None
    assert joints.shapes == {"20 x 3": 24}
    for each in (own, joints):
        faults = (
            each.missing,
            each.gaps,
            each.bursts,
            each.off_rate,
            each.far,
            each.clipped,
            each.units,
            each.clocks,
            each.broken,
        )
        assert not any(faults)
    text = as_text(facts)
    assert "nothing looks wrong" in text
    assert "body: no times: 30 Hz taken, the nominal rate" in text
    assert "to look at" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> SourceFacts:
    folder = tmp_path_factory.mktemp("faulty")
    file = write_all(folder)
    data = folder / "data"
    late = watch(0)
    late[100:, 0] += 1.5
    write_watch(data / "watch" / "walk_1_1.csv", late)
    slow = watch(1)
    slow[:, 0] *= 2
    write_watch(data / "watch" / "walk_1_2.csv", slow)
    write_watch(data / "watch" / "sit_1_1.csv", watch(8, count=3000))
    cut = watch(9)
    cut[50:65, 2] = 1.75
    write_watch(data / "watch" / "sit_1_2.csv", cut)
    burst = watch(16)
    burst[:, 0] = np.repeat(np.arange(20) * 0.2, 10) + np.tile(np.arange(10) * 0.001, 20)
    write_watch(data / "watch" / "jump_1_1.csv", burst)
    doubled = watch(17)
    write_watch(data / "watch" / "jump_1_2.csv", np.concatenate([doubled[:30], doubled[29:]])[::-1])
    (data / "watch" / "jump_2_1.csv").write_text("t,x,y,z\n0,1,two,3\n")
    (data / "watch" / "notes of monday.csv").write_text("hello\n")
    for name in ("walk_4_1", "walk_4_2"):
        (data / "body" / f"{name}.npy").unlink()
    np.save(data / "body" / "jump_4_2.npy", body(23) * 5)
    return facts_of(file)


def named(found: list[str], *files: str) -> bool:
    """Tell whether recordings are those of these files, in this order."""
    trials = [file.split("_") for file in files]
    return found == [f"s{subject}_{label}_t{session}" for label, subject, session in trials]


def test_streams_are_counted_each_for_itself(faulty: SourceFacts, tmp_path: Path) -> None:
    own, joints = stream(faulty, "watch"), stream(faulty, "body")
    assert (own.recordings, len(own.missing), len(own.broken)) == (24, 0, 1)
    assert (joints.recordings, len(joints.missing), len(joints.broken)) == (22, 2, 0)
    assert faulty.complete == 24 - 1 - 2
    assert joints.lacked_by == []
    text = as_text(faulty)
    assert "all 2 streams there and readable: in 21 of 24 recordings" in text
    file = write_all(tmp_path)
    for gone in (tmp_path / "data" / "body").glob("*_3_*.npy"):
        gone.unlink()
    facts = facts_of(file)
    assert stream(facts, "body").lacked_by == ["subject 3"]
    assert "body: missing in 6 of 24 (all of subject 3): " in as_text(facts)


def test_gaps(faulty: SourceFacts) -> None:
    own = stream(faulty, "watch")
    assert named(own.gaps, "walk_1_1")
    assert own.longest_gap == pytest.approx(1.52)


def test_rates(faulty: SourceFacts) -> None:
    own = stream(faulty, "watch")
    assert named(own.off_rate, "walk_1_2")
    assert own.rates is not None
    assert own.rates.least == pytest.approx(25.0)
    assert own.rates.median == pytest.approx(50.0)


def test_bursts(faulty: SourceFacts) -> None:
    assert named(stream(faulty, "watch").bursts, "jump_1_1")


def test_lengths(faulty: SourceFacts) -> None:
    far = [each for each in stream(faulty, "watch").far if each.what == "seconds"]
    assert named([far[0].recording], "sit_1_1")
    assert (far[0].value, far[0].median) == pytest.approx((60.0, 4.0))


def test_magnitude(faulty: SourceFacts) -> None:
    far = [each for each in stream(faulty, "body").far if each.what == "magnitude"]
    assert named([each.recording for each in far], "jump_4_2")
    assert far[0].value == pytest.approx(5 * far[0].median, rel=0.02)


def test_clipping(faulty: SourceFacts) -> None:
    (found,) = stream(faulty, "watch").clipped
    assert (found.channel, found.value, found.samples) == (2, 1.75, 15)
    assert named([*found.recordings], "sit_1_2")


def test_missing_broken_and_strange_files(faulty: SourceFacts) -> None:
    assert named(stream(faulty, "body").missing, "walk_4_1", "walk_4_2")
    (broken,) = stream(faulty, "watch").broken
    assert broken.reason.startswith("watch/jump_2_1.csv: ")
    assert "two" in broken.reason
    assert any("notes of monday.csv" in each for each in faulty.unplaced)


def test_what_reading_assumed(faulty: SourceFacts) -> None:
    assumed = " | ".join(stream(faulty, "watch").assumed)
    assert "1 sample had the time and the values of another: left out, in 1 recording" in assumed
    assert "put in order of time, in 1 recording" in assumed


def test_it_is_all_said_in_80_columns(faulty: SourceFacts) -> None:
    text = as_text(faulty)
    assert max(map(len, text.splitlines())) <= 80
    said = " ".join(text.split())
    for part in (
        "body: missing in 2 of 24",
        "watch: gaps in 1 of 23 read",
        "watch: samples come in bursts in 1 of 23 read",
        "watch: rate more than a tenth off in 1 of 23 read",
        "channel 2 seems clipped at 1.75: 15 samples",
        "lasts 60 s, its class 4 s",
        "cannot be read: 1 file",
        "belong to no recording: 1 file",
    ):
        assert part in said
    assert "(outlier: " in said
    assert "(clipped: " in said


def test_arrays_that_differ_in_length_alone_are_one_way_of_writing() -> None:
    layouts = ["array 80 x 20 x 3", "array 300 x 20 x 3", "array `a` 8 x 60", "text, columns: 4", "array 7 x 60"]
    assert layouts_of(layouts) == [
        ("array 80-300 x 20 x 3", 2), ("array `a` 8 x 60", 1), ("text, columns: 4", 1), ("array 7 x 60", 1),
    ]  # fmt: skip


def test_unbalanced_classes(tmp_path: Path) -> None:
    file = write_all(tmp_path)
    for label, subject, session in TRIALS:
        if label == "jump" and (subject, session) != (2, 1):
            for stream_, end in (("watch", "csv"), ("body", "npy")):
                os.remove(tmp_path / "data" / stream_ / f"{label}_{subject}_{session}.{end}")
    text = as_text(facts_of(file))
    assert "unbalanced: fewest jump (1), most walk (8), 8.0 times as many" in text
    assert "subjects without a class: 1 (jump), 3 (jump), 4 (jump)" in text


@pytest.mark.parametrize(
    ("declared", "scale", "said"),
    [
        ("g", 9.80665, "where units: g is declared; it looks like m/s2"),
        ("g", 1000.0, "where units: g is declared; it looks like mg"),
        ("m/s2", 1.0, "where units: m/s2 is declared; it looks like g"),
        ("rad/s", 900.0, "where units: rad/s is declared; it looks like deg/s"),
        ("deg/s", 1.0, "where units: deg/s is declared; it looks like rad/s"),
    ],
)
def test_units_of_series(tmp_path: Path, declared: str, scale: float, said: str) -> None:
    for number, (label, subject, session) in enumerate(TRIALS):
        samples = watch(number)
        samples[:, 1:] *= scale
        write_watch(tmp_path / "data" / "watch" / f"{label}_{subject}_{session}.csv", samples)
    own = stream(facts_of(write_stages(tmp_path, {"units": declared})), "watch")
    (found,) = own.units
    assert found.startswith("channels 1 to 3: ")
    assert said in found


@pytest.mark.parametrize("declared", ["g", "raw", "uT"])
def test_right_units_and_unknown_ones(tmp_path: Path, declared: str) -> None:
    assert stream(facts_of(write_all(tmp_path, {"units": declared})), "watch").units == []


def test_units_of_skeletons(tmp_path: Path) -> None:
    file = write_all(tmp_path)
    for number, (label, subject, session) in enumerate(TRIALS):
        np.save(tmp_path / "data" / "body" / f"{label}_{subject}_{session}.npy", body(number) * 1000)
    (found,) = stream(facts_of(file), "body").units
    assert "m where units: m is declared; it looks like mm" in found


@pytest.mark.parametrize(
    ("start", "per_second", "said"),
    [
        (0.0, 1.0, "channel 1 rises throughout in all 24 recordings read, to 3.98"),
        (1.7e12, 0.0, "channel 1 reaches 1.7e+12"),
    ],
)
def test_a_clock_among_the_channels(tmp_path: Path, start: float, per_second: float, said: str) -> None:
    for number, (label, subject, session) in enumerate(TRIALS):
        samples = watch(number)
        samples[:, 1] = start + per_second * samples[:, 0]
        write_watch(tmp_path / "data" / "watch" / f"{label}_{subject}_{session}.csv", samples)
    facts = facts_of(write_stages(tmp_path, {"units": "raw"}))
    (found,) = stream(facts, "watch").clocks
    assert found == f"{said}, as a clock or a counter does: name it under `time`, or leave it out of `columns`"
    text = as_text(facts)
    assert "nothing looks wrong" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_session_is_no_each(tmp_path: Path) -> None:
    file = write_all(tmp_path)
    for each in (tmp_path / "data").glob("*/*_2.*"):
        each.unlink()
    text = as_text(facts_of(file))
    assert "\n1 session with 12 recordings: 1\n" in text
    assert "\n4 subjects with 3 recordings each: 1, 2, 3, 4\n" in text
