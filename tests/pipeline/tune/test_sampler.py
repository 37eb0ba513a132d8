"""What is tried next follows from what was tried: the same history leads to the same settings, and to better ones."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stagesfile.tune import Range
from pipeline.tune.sampling.sampler import Told, suggest
from pipeline.tune.sampling.space import Choices, Numbers, Space

pytest.importorskip("optuna", reason="needs optuna: pip install 'harvest-har[tune]'")

SPACE: Space = {
    "lr": Numbers(Range(low=1e-5, high=1e-1, log=True)),
    "dropout": Numbers(Range(low=0.0, high=0.4, step=0.1)),
    "layers": Numbers(Range(low=1, high=6)),
    "window": Numbers(Range(low=10, high=30, step=8)),
    "width": Choices((24, 32, 48, 64)),
    "model": Choices(("dmft", {"name": "dmft", "heads": 2}, True, None)),
}


def searched(trials: int, seed: int = 0, batch: int = 4) -> list[Told]:
    told: list[Told] = []
    for number, start in enumerate(range(0, trials, batch)):
        asked = suggest(SPACE, told, min(batch, trials - start), seed, number)
        told += [Told(each, quality(each)) for each in asked]
    return told


def quality(tried: Any) -> float | None:
    """The closer to a rate of 0.003 and a width of 48, the better; half of the models cannot be made."""
    if tried["model"] is None or tried["model"] is True:
        return None
    return -abs(math.log10(tried["lr"] / 0.003)) - abs(tried["width"] - 48) / 24


def test_a_longer_search_begins_with_the_shorter_one() -> None:
    assert searched(14)[:9] == searched(9)
    assert searched(9, seed=1) != searched(9)


def test_it_finds_what_is_good_and_leaves_what_fails() -> None:
    told = searched(60)
    done = [each for each in told if each.value is not None]
    best = max(done, key=lambda each: each.value or -9.0)
    assert 0.001 < best.settings["lr"] < 0.01
    assert best.settings["width"] == 48
    late = told[30:]
    assert sum(each.value is None for each in late) < len(late) / 4
    assert sum(0.0003 < each.settings["lr"] < 0.03 for each in late) > len(late) / 2  # a half of the range in logs


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_settings_are_of_the_space_and_of_few_digits(seed: int, count: int) -> None:
    for tried in suggest(SPACE, [], count, seed, 0):
        assert 1e-5 <= tried["lr"] <= 1e-1
        assert float(f"{tried['lr']:.4g}") == tried["lr"]
        assert tried["dropout"] in (0.0, 0.1, 0.2, 0.3, 0.4)
        assert type(tried["layers"]) is int
        assert 1 <= tried["layers"] <= 6
        assert tried["window"] in (10, 18, 26)
        assert tried["width"] in (24, 32, 48, 64)
        assert all(SPACE[key].coordinate(value) is not None for key, value in tried.items())


def test_a_batch_is_of_different_settings() -> None:
    """Its trials are not known to each other, and yet keep apart."""
    rates = [each["lr"] for each in suggest(SPACE, searched(20), 8, 0, 5)]
    assert len({*rates}) == 8


def test_what_is_not_in_the_space_is_not_told() -> None:
    """Trial 0 is the stages file as it is, whatever the space says."""
    odd = Told({"lr": 0.5, "dropout": 0.1, "layers": 2, "window": 10, "width": 40, "model": "dmft"}, 99.0)
    assert suggest(SPACE, [odd], 3, 0, 0) == suggest(SPACE, [], 3, 0, 0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("high", [0.3, 0.6, 0.7])  # which as multiples of 0.1 are other floats
def test_steps_that_floats_miss_are_no_trouble(high: float) -> None:
    space: Space = {"dropout": Numbers(Range(low=0.0, high=high, step=0.1))}
    tried = {each["dropout"] for number in range(10) for each in suggest(space, [], 8, number, 0)}
    assert tried == {place / 10 for place in range(round(10 * high) + 1)}
