"""Times that no recording has: their recording's defect, whatever the source, by limits that can be set."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import BadRecording
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.mmact.source import Mmact
from pipeline.sources.time_limits import DEFAULT, TimeLimits, check
from pipeline.sources.validate_streams import probed, series_of

from .berkeley_mhad_files import write
from .mmact_files import START, line, stamp, write_lines, write_sensor

DAY = 86400.0
CLIP = "subject1/scene1/session1/{}.csv"
TIMES = np.arange(400) / 100


def a_day_off(root: Path, clip: str, row: int = 200) -> None:
    stamps = [stamp(t, START + timedelta(days=(number == row))) for number, t in enumerate(TIMES)]
    write_lines(root, "acc_phone_clip", [line(each, (0, 0, 9.81)) for each in stamps], clip=clip)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Four clips of two subjects, one of which has a row stamped a day off."""
    root = tmp_path / "mmact"
    for subject in (1, 2):
        for action in ("carrying", "walking"):
            clip = f"subject{subject}/scene1/session1/{action}.csv"
            write_sensor(root, "acc_phone_clip", TIMES, np.ones((400, 3)), clip=clip)
    a_day_off(root, CLIP.format("walking"))
    return root


BROKEN = "acc_phone_clip/subject1/scene1/session1/walking.csv: has 86398 s between two samples, 3.99 s after its first"


class TestARowStampedADayOff:
    def test_is_told_by_the_index_and_left_out(self, project: Any, clips: Path) -> None:
        project.write(
            {
                "source": {"name": "mmact", "root": str(clips)},
                "modalities": ["phone"],
                "protocol": "subject-50-50",
                "stages": {"encode": {"phone": {"align": "spread", "patches": 4, "keep_series": False}}},
            }
        )
        err = project.command("run", code=1).stderr
        assert BROKEN in err
        assert "more than the 10 s of source.times.gap: a time stamp is damaged" in err
        project.command("run", "--set", "on_bad_recording=skip")
        assert BROKEN in project.command("status", "--set", "on_bad_recording=skip").stdout
        settings = ("--set", "source.times.gap=100000", "--set", "source.times.length=100000")
        project.command("run", "--set", "stages.encode.phone.align=resample", *settings)

    def test_takes_no_memory(self, clips: Path) -> None:
        source = Mmact(clips)
        bad = next(each for each in source.list().recordings if each.id == "s01_scene1_session1_walking")
        tracemalloc.start()
        with pytest.raises(BadRecording):
            series_of(source, bad, "acc_phone", DEFAULT)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 1 << 20

    def test_of_berkeley_mhad_too(self, tmp_path: Path) -> None:
        write(tmp_path, [(0, 0, 1, t / 30 + DAY * (t == 20)) for t in range(40)])
        source = BerkeleyMhad(tmp_path)
        (recording,) = source.list().recordings
        for look in (probed, series_of):
            with pytest.raises(BadRecording, match=r"s between two samples, 1.3 s after its first"):
                look(source, recording, "shimmer1", DEFAULT)


class TestLimits:
    def test_a_gap(self) -> None:
        check(np.array([0.0, 10.0, 20.0]), DEFAULT)
        with pytest.raises(
            BrokenFileError, match=r"has 10.5 s between two samples, 1 s after its first, more than the 10 s"
        ):
            check(np.array([0.0, 1.0, 11.5]), DEFAULT)

    def test_a_length(self) -> None:
        check(np.arange(3601.0), DEFAULT)
        with pytest.raises(BrokenFileError, match=r"lasts 3601 s, more than the 3600 s of source.times.length"):
            check(np.arange(3602.0), DEFAULT)

    def test_one_sample(self) -> None:
        check(np.array([1.5e9]), DEFAULT)

    def test_times_at_the_ends_of_what_a_number_holds(self) -> None:
        with pytest.raises(BrokenFileError, match="has inf s between"):
            check(np.array([-1.7e308, 1.7e308]), DEFAULT)

    def test_others(self) -> None:
        check(np.array([0.0, 50.0]), TimeLimits(gap=60))
        with pytest.raises(BrokenFileError):
            check(np.array([0.0, 50.0]), TimeLimits(gap=60, length=49))


class TestKeys:
    def keys(self, project: Any, *settings: tuple[str, Any]) -> dict[str, str]:
        return {id_: step.key for id_, step in project.plan(*settings).steps.items()}

    def test_the_defaults_change_none_written_down_or_not(self, project: Any) -> None:
        plan = project.plan()
        assert all("times" not in step.recipe.get("source", {}) for step in plan.steps.values())
        assert self.keys(project) == self.keys(project, ("source.times.gap", 10), ("source.times.length", 3600.0))

    def test_others_do_but_not_of_video(self, project: Any) -> None:
        modalities = ("modalities", ["depth", "inertial"])
        some = ("stages.encode.depth", {"weights": "none"})
        before, after = (
            self.keys(project, modalities, some),
            self.keys(project, modalities, some, ("source.times.gap", 5)),
        )
        same = {step for step in before if before[step] == after[step]}
        assert {step for step in before if "encode" in step} & same == {"encode[depth]"}
        assert "index" not in same

    @pytest.mark.parametrize("value", ["0", "-1", ".inf", "1e9", "soon"])
    def test_a_limit_that_is_none_is_refused(self, project: Any, value: str) -> None:
        err = project.command("status", "--set", f"source.times.gap={value}", code=2).stderr
        assert "source.times.gap" in err


@pytest.mark.realdata
def test_no_real_recording_is_refused(real_berkeley_mhad: Path) -> None:
    source = BerkeleyMhad(real_berkeley_mhad)
    looked = 0
    for recording in source.list().recordings:
        for stream in recording.streams:
            probed(source, recording, stream, DEFAULT)
            looked += 1
    assert looked == 3948
