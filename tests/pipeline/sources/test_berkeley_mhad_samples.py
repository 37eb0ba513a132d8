"""Berkeley-MHAD's accelerometers: irregular, damaged, disordered samples, and files that are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import StepError
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
from pipeline.stages.encode.align import Windows
from pipeline.stages.encode.timelines.series import timeline
from pipeline.stages.encode.window_params import Align

from .berkeley_mhad_files import CAMERA, SENSOR, START, read, refused, write


class TestSamples:
    def test_values_and_seconds(self, tmp_path: Path) -> None:
        series = read(tmp_path, [(0.5, -1, 0.25, 0), (0.75, -2, 1.5, 0.045), (1, 1, 1, 0.0451)])
        np.testing.assert_array_equal(series.values, [[0.5, -1, 0.25], [0.75, -2, 1.5], [1, 1, 1]])
        assert series.times is not None
        assert series.values.dtype == series.times.dtype == np.float64
        np.testing.assert_allclose(series.times, [0, 0.045, 0.0451], atol=1e-6)

    @pytest.mark.parametrize(
        "change", [lambda text: text.replace("\n", "\r\n"), str.rstrip, lambda text: text + "\n \n"]
    )
    def test_line_ends_do_not_matter(self, tmp_path: Path, change: Callable[[str], str]) -> None:
        text = f"0.1 0.2 0.3 {START}\n0.4 0.5 0.6 {START + 1}\n"
        write(tmp_path, "").write_bytes(change(text).encode())
        source = BerkeleyMhad(tmp_path)
        values = source.open_series(source.list().recordings[0], "shimmer1").values
        np.testing.assert_array_equal(values, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])

    def test_disorder_and_doubles(self, tmp_path: Path) -> None:
        """Rows come in any order; those of one time count as their mean."""
        rows = [(0.1, 0, 0, 0.0), (0.2, 0, 0, 0.04), (0.3, 0.6, 0, 0.08), (0.7, 0.2, 0, 0.08), (0.4, 0, 0, 0.1)]
        expected = [[0.1, 0, 0], [0.2, 0, 0], [0.5, 0.4, 0], [0.4, 0, 0]]
        for shift in range(len(rows)):
            series = read(tmp_path, rows[shift:] + rows[:shift])
            assert series.times is not None
            np.testing.assert_allclose(series.values, expected, atol=1e-12)
            np.testing.assert_allclose(series.times, [0, 0.04, 0.08, 0.1], atol=1e-6)

    def test_a_glitch_is_interpolated_over_by_time(self, tmp_path: Path) -> None:
        """A ramp comes back straight, though a sample that was damaged lies within it."""
        at = np.array([0, 0.03, 0.05, 0.11, 0.12, 0.2])
        rows = np.stack([at, -at, 2 * at, at], axis=1)
        rows[3, :3] = (0.747, 60.748, -2.0)
        ramp = np.linspace(0, 0.2, 41)[:, None] * [1, -1, 2]
        found = timeline([read(tmp_path, rows)], 30.0, Windows(window=41, stride=1, patches=1, align="resample"))
        np.testing.assert_allclose(found, ramp, atol=1e-4)

    @pytest.mark.parametrize(("limit", "kept"), [(2.0, 3), (6.0, 4), (100.0, 5), (None, 5)])
    def test_the_limit(self, tmp_path: Path, limit: float | None, kept: int) -> None:
        rows = [(0, 0, 1, 0.0), (2, -2, 1, 0.03), (3, 0, 1, 0.06), (0, -60.7, 1, 0.09), (0, 0, 1, 0.12)]
        assert len(read(tmp_path, rows, limit=limit).values) == kept

    def test_the_default_limit_is_what_the_sensor_can_say(self, tmp_path: Path) -> None:
        series = read(tmp_path, [(1.999023, -2, 1.5, 0.0), (2.001, 0, 0, 0.03), (-2, -2, -2, 0.06)])
        np.testing.assert_array_equal(series.values, [[1.999023, -2, 1.5], [-2, -2, -2]])

    @pytest.mark.parametrize("align", ["resample", "spread"])
    def test_a_sine_that_was_sampled_irregularly_comes_out_even(self, tmp_path: Path, align: Align) -> None:
        """By sample numbers it would be off by more than 1 g; by times only straight lines in gaps are."""
        rng = np.random.default_rng(0)
        steps = rng.choice([0.001, 0.022, 0.045], 400)  # as in the dataset: bursts and pauses
        at = np.concatenate([[0], np.cumsum(np.where(np.arange(400) < 200, steps, steps / 3))])
        omega = 2 * np.pi * 1.5
        wave = np.sin(omega * at)
        series = read(tmp_path, np.stack([wave, -wave, 0 * wave, at], axis=1))
        length = 158
        spec = Windows(window=length, stride=1, patches=1, align=align)
        found = timeline([series], 30.0, spec)
        even = np.linspace(0, at[-1], length) if align == "resample" else np.arange(len(found)) / 30
        bound = (omega * 0.045) ** 2 / 8 + 1e-4  # of a straight line across the longest step
        np.testing.assert_allclose(found[:, 0], np.sin(omega * even), atol=bound)
        np.testing.assert_allclose(found[:, 1], -found[:, 0], atol=1e-9)
        by_number = np.interp(np.linspace(0, 400, length), np.arange(401), wave)
        assert np.abs(by_number - np.sin(omega * np.linspace(0, at[-1], length))).max() > 1


class TestBrokenFiles:
    LINE = f"0.1 0.2 0.3 {START}\n"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "is empty (0 bytes)"),
            ("\n \n", "has too few samples within 2 g: 0, at least 2 at different times are needed"),
            (LINE, "has too few samples within 2 g: 1, at least 2 at different times are needed"),
            (LINE * 3, "has too few samples within 2 g: 1, at least 2 at different times are needed"),
            (
                LINE + "9 0 0 1309539265\n",
                "has too few samples within 2 g: 1, at least 2 at different times are needed",
            ),
            (LINE + "0.1 0.2 0.3\n", "line 2 has 3 columns, expected 4 (x y z seconds)"),
            (LINE + "1 2 3 4 5\n", "line 2 has 5 columns, expected 4 (x y z seconds)"),
            ("x y z time\n" + LINE, "line 1 is not 4 numbers: 'x y z time'"),
            (LINE + "0.1 0,2 0.3 13\n", "line 2 is not 4 numbers: '0.1 0,2 0.3 13'"),
            (LINE + "0.1 nan 0.3 13\n", "line 2 holds NaN or infinity: '0.1 nan 0.3 13'"),
            (LINE + "0.1 0 0.3 -inf\n", "line 2 holds NaN or infinity: '0.1 0 0.3 -inf'"),
            ("\x00\xff", "line 1 has 1 columns, expected 4 (x y z seconds)"),
        ],
    )
    def test_samples(self, tmp_path: Path, text: str, reason: str) -> None:
        write(tmp_path, text)
        assert refused(tmp_path, "shimmer1", SENSOR) == reason

    def test_a_sensor_without_this_trial(self, tmp_path: Path) -> None:
        write(tmp_path, self.LINE)
        name = "Accelerometer/Shimmer06/acc_h06_s01_a01_r01.txt"
        assert refused(tmp_path, "shimmer6", name) == "file is missing"
        assert refused(tmp_path, "rgb", CAMERA.format(0)) == "file is missing"

    def test_a_file_that_goes_away_after_listing(self, tmp_path: Path) -> None:
        path = write(tmp_path, self.LINE)
        source = BerkeleyMhad(tmp_path)
        (row,) = source.list().recordings
        path.unlink()
        with pytest.raises(StepError, match="No such file or directory\n  that is an error of the system"):
            source.probe(row, "shimmer1")
