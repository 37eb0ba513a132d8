"""Labels that do not flicker, and those that are not sure enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.edge.stream.smoothing import Smoothed, smoothing_of
from pipeline.edge.stream.threshold import Threshold, entropy, threshold_of
from pipeline.errors import ConfigError


def labels(how: str, tops: list[float | None]) -> list[int | None]:
    """Labels of two classes, given the probability of the second; None is a gap."""
    smoothing = smoothing_of(how)
    found = []
    for top in tops:
        if top is None:
            smoothing.clear()
        else:
            found.append(smoothing.add(np.array([1 - top, top])).label)
    return found


def test_none_is_the_likeliest_class_of_each_window() -> None:
    assert labels("none", [0.9, 0.1, 0.6]) == [1, 0, 1]


def test_a_majority_outvotes_one_that_is_surer() -> None:
    assert labels("majority:3", [0.1, 0.4, 0.99, 0.6]) == [0, 0, 0, 1]
    assert labels("average:3", [0.1, 0.4, 0.99, 0.6]) == [0, 0, 0, 1]
    assert labels("majority:3", [0.4, 0.4, 0.99]) == [0, 0, 0]
    assert labels("average:3", [0.4, 0.4, 0.99]) == [0, 0, 1]


def test_of_equal_votes_the_last_counts() -> None:
    assert labels("majority:2", [0.1, 0.9, 0.1]) == [0, 1, 0]


def test_hysteresis_begins_high_and_ends_low() -> None:
    assert labels("hysteresis:0.8,0.4", [0.7, 0.85, 0.5, 0.45, 0.39, 0.5, 0.15]) == [None, 1, 1, 1, None, None, 0]


def test_a_gap_is_forgotten() -> None:
    assert labels("average:3", [0.9, 0.9, None, 0.1]) == [1, 1, 0]
    assert labels("hysteresis:0.8,0.4", [0.9, None, 0.6]) == [1, None]


def test_the_average_is_the_mean() -> None:
    smoothing = smoothing_of("average:2")
    smoothing.add(np.array([0.2, 0.8]))
    assert smoothing.add(np.array([0.6, 0.4])).probability == pytest.approx(0.6)


@pytest.mark.parametrize("text", ["", "mean", "average", "average:0", "majority:x", "none:3", "hysteresis:0.4,0.8",
                                  "hysteresis:2,1", "hysteresis:1", "hysteresis:nan,nan"])  # fmt: skip
def test_what_smoothing_takes_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="majority:N, average:N, hysteresis:ENTER,LEAVE or none"):
        smoothing_of(text)


def test_entropy_is_a_share_of_the_greatest() -> None:
    assert entropy(np.full(27, 1 / 27)) == pytest.approx(1)
    assert entropy(np.eye(5)[0]) == 0
    assert entropy(np.array([0.5, 0.5, 0, 0])) == pytest.approx(0.5)


def test_a_threshold_is_a_number_an_entropy_or_a_file(tmp_path: Path) -> None:
    sure, unsure = Smoothed(0, np.array([0.9, 0.1])), Smoothed(0, np.array([0.6, 0.4]))
    (tmp_path / "p.json").write_text('{"measure": "entropy", "value": 0.5, "figures": {"known lost": 0.1}}')
    for text in ("0.7", "entropy:0.5", str(tmp_path / "p.json")):
        assert threshold_of(text).accepts(sure)
        assert not threshold_of(text).accepts(unsure)
    assert threshold_of("0.9") == Threshold(value=0.9)


@pytest.mark.parametrize("text", ["1.5", "-1", "nan", "margin:0.5", "missing.json"])
def test_what_a_threshold_takes_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match=r"number from 0 to 1, (or )?entropy:NUMBER"):
        threshold_of(text)


def test_a_broken_threshold_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"measure": "probability"}')
    with pytest.raises(ConfigError, match=r"p\.json: .*value"):
        threshold_of(str(tmp_path / "p.json"))
