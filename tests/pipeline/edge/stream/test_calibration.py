"""A threshold that loses a given share of what is known, and what it rejects of the rest."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.edge.stream.calibration import Known, calibrate, known_windows
from pipeline.edge.stream.labels import Stretch
from pipeline.edge.stream.recogniser import Outcome
from pipeline.edge.stream.smoothing import smoothing_of
from pipeline.edge.stream.threshold import Measure
from pipeline.edge.stream.windowing.windows import Windows
from pipeline.errors import ConfigError

CLASSES = ("a", "b", "c")


def known(label: str | None, *probabilities: float) -> Known:
    return Known(np.array(probabilities), label, follows=False)


def twenty() -> list[Known]:
    """Ten of each of two activities, sure ones and one unsure; two windows of nothing."""
    of_a = [known("a", 0.9, 0.06, 0.04)] * 9 + [known("a", 0.4, 0.3, 0.3)]
    of_b = [known("b", 0.01, 0.97, 0.02)] * 9 + [known("b", 0.3, 0.4, 0.3)]
    return [*of_a, *of_b, known(None, 0.34, 0.33, 0.33), known(None, 0.02, 0.95, 0.03)]


@pytest.mark.parametrize("measure", ["probability", "entropy"])
def test_no_more_than_the_share_is_lost(measure: Measure) -> None:
    threshold = calibrate(twenty(), CLASSES, lambda: smoothing_of("none"), 0.15, measure)
    assert threshold.figures["known lost"] == 0.1
    assert threshold.figures["between activities rejected"] == 0.5
    if measure == "probability":
        assert threshold.value == pytest.approx(0.9)


def test_an_activity_left_out_is_what_a_softmax_without_it_would_say() -> None:
    """Of a without its class 0.06 and 0.04 are left, that is 0.6; of b 0.01 and 0.02, that is 0.667: below 0.9."""
    figures = calibrate(twenty(), CLASSES, lambda: smoothing_of("none"), 0.15).figures
    assert figures["by activity left out"] == {"a": 1.0, "b": 1.0}
    lower = calibrate(twenty(), CLASSES, lambda: smoothing_of("none"), 0).figures  # at 0.4 nothing is rejected
    assert lower["by activity left out"] == {"a": 0.0, "b": 0.0}
    assert lower["known lost"] == 0


def test_activities_that_the_model_lacks() -> None:
    more = [*twenty(), known("juggling", 0.4, 0.3, 0.3), known("juggling", 0.95, 0.05, 0)]
    figures = calibrate(more, CLASSES, lambda: smoothing_of("none"), 0.15).figures
    assert figures["activities that the model does not have rejected"] == 0.5


def test_labels_that_no_class_has_are_a_mistake() -> None:
    with pytest.raises(ConfigError, match="look at the labels' names"):
        calibrate([known("Walk", 1, 0, 0)], CLASSES, lambda: smoothing_of("none"), 0.1)


def test_a_window_has_the_label_of_most_of_it() -> None:
    truth = [Stretch(2, 4, "a"), Stretch(4, 5, "b")]
    ends = [1, 2, 2.5, 3, 3.5, 4, 4.5, 5.5, 7, 8]
    outcomes = [Outcome(end, np.array([1.0, 0, 0])) for end in ends] + [Outcome(8.5, None, "gap")]
    found = known_windows(outcomes, truth, Windows(1, 500))
    # those to 2.5 and 4.5 are half and half, and that to 5.5 is half of b
    assert [(each.label, each.follows) for each in found] == [
        (None, False), (None, True), ("a", False), ("a", True), ("a", True), (None, False), (None, True),
    ]  # fmt: skip
