"""A recording is as the card says, or refused with its file, stream and remedy."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge.card import Card, Span, StreamInput
from pipeline.edge.runtime.batch import Prepared, padded
from pipeline.edge.runtime.recordings import Claims, RawStream, check_units, prepared
from pipeline.errors import ConfigError, DataError

from ...exported import BODY, WRIST, card_of

FEW = RawStream("walk.csv", np.tile([0.0, 0.0, 1.0], (60, 1)), np.arange(60) / 50)


def changed(**changes: Any) -> RawStream:
    return RawStream(**{"place": FEW.place, "values": FEW.values, "times": FEW.times, **changes})


def refused(raw: RawStream, card: Card | None = None, **claims: Any) -> str:
    with pytest.raises(DataError) as error:
        prepared(card or card_of(WRIST), {"wrist": raw}, Claims(**claims))
    said = str(error.value)
    assert said.startswith("walk.csv: wrist: ")
    assert len(said.splitlines()) == 2  # what is wrong, and the remedy
    return said


def with_value(at: tuple[int, int], value: float) -> np.ndarray:
    values = FEW.values.copy()
    values[at] = value
    return values


class TestValues:
    def test_a_good_recording_is_passed_on(self) -> None:
        values, times = prepared(card_of(WRIST), {"wrist": FEW}, Claims())["wrist"]
        np.testing.assert_array_equal(values, FEW.values.astype(np.float32))
        np.testing.assert_array_equal(times, FEW.times)

    def test_gaps(self) -> None:
        assert "1 values are NaN or infinite, the first in sample 7" in refused(
            changed(values=with_value((7, 1), np.nan))
        )
        assert "the first in sample 0" in refused(changed(values=with_value((0, 2), -np.inf)))

    def test_what_single_precision_cannot_hold(self) -> None:
        assert "1e+39" in refused(changed(values=with_value((7, 1), 1e39)))

    def test_nothing_at_all(self) -> None:
        assert "has no samples" in refused(changed(values=np.zeros((0, 3)), times=np.zeros(0)))

    def test_a_stream_that_is_missing(self) -> None:
        with pytest.raises(DataError, match="small takes wrist and body"):
            prepared(card_of(WRIST, BODY), {"wrist": FEW}, Claims())


class TestTimes:
    def test_that_run_backwards(self) -> None:
        times = np.arange(60) / 50
        times[[10, 11]] = times[[11, 10]]
        assert "run backwards: sample 11 is at 0.2 s, the one before at 0.22 s" in refused(changed(times=times))

    def test_that_are_no_numbers(self) -> None:
        times = np.arange(60) / 50
        times[4] = np.nan
        assert "time of sample 4 is NaN" in refused(changed(times=times))

    def test_of_another_number_of_samples(self) -> None:
        assert "has 60 samples and times of shape (59,)" in refused(changed(times=np.arange(59) / 50))

    def test_that_stand_still(self) -> None:
        assert "inf Hz" in refused(changed(times=np.zeros(60)))

    def test_samples_that_come_in_bursts_share_a_time(self) -> None:
        times = np.repeat(np.arange(20) * 3 / 50, 3)
        prepared(card_of(WRIST), {"wrist": changed(times=times)}, Claims())

    def test_with_a_gap_that_training_would_not_have_taken(self) -> None:
        raw = changed(times=np.arange(60) / 50 + np.where(np.arange(60) < 30, 0, 12.0))
        said = refused(raw)
        assert "has 12.02 s between samples 29 and 30, and training took 10 s" in said
        prepared(card_of(WRIST, source={"name": "folder", "times": {"gap": 20}}), {"wrist": raw}, Claims())

    def test_of_more_than_an_activity(self) -> None:
        raw = changed(times=np.arange(60) / 50)
        assert "lasts 1.18 s, and training took 1 s" in refused(raw, card_of(WRIST, source={"times": {"length": 1}}))

    @pytest.mark.parametrize(("unit", "factor"), [("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
    def test_in_another_unit(self, unit: str, factor: float) -> None:
        assert f"the times look like {unit}" in refused(changed(times=np.arange(60) / 50 * factor))


class TestRate:
    @given(rate=st.floats(40.1, 59.9))
    def test_within_a_fifth_of_training_is_taken(self, rate: float) -> None:
        prepared(card_of(WRIST), {"wrist": changed(times=np.arange(60) / rate)}, Claims())
        found = prepared(card_of(WRIST), {"wrist": changed(times=None)}, Claims({"wrist": rate}))
        np.testing.assert_allclose(found["wrist"][1], np.arange(60) / rate)

    @given(rate=st.one_of(st.floats(1, 39.9), st.floats(60.1, 1000)))
    def test_any_other_is_refused_unless_any_will_do(self, rate: float) -> None:
        for raw, claims in ((changed(times=np.arange(60) / rate), {}), (changed(times=None), {"wrist": rate})):
            assert "trained at 50 Hz" in refused(raw, rates=claims)
            prepared(card_of(WRIST), {"wrist": raw}, Claims(claims, any_rate=True))

    def test_one_lost_sample_is_no_other_rate(self) -> None:
        times = np.delete(np.arange(61) / 50, 30)
        prepared(card_of(WRIST), {"wrist": changed(times=times)}, Claims())

    def test_without_times_it_must_be_said(self) -> None:
        assert "say --rate HZ (50 in training)" in refused(changed(times=None))

    def test_a_reader_may_know_it(self) -> None:
        prepared(card_of(WRIST), {"wrist": changed(times=None, rate=50.0)}, Claims())


class TestUnits:
    @pytest.mark.parametrize(
        ("said", "trained"), [("m/s2", "m/s²"), ("m/s^2", "m/s2"), ("G", "g"), ("", "g"), ("", "")]
    )
    def test_the_same(self, said: str, trained: str) -> None:
        check_units(card_of(msgspec.structs.replace(WRIST, unit=trained)), {"wrist": said})

    def test_none_to_compare_with(self) -> None:
        with pytest.raises(ConfigError, match="does not say in what unit wrist was trained"):
            check_units(card_of(msgspec.structs.replace(WRIST, unit="")), {"wrist": "g"})

    def test_another(self) -> None:
        with pytest.raises(ConfigError, match="trained on wrist in g"):
            check_units(card_of(WRIST), {"wrist": "m/s2"})


class TestPlausibility:
    LIMITED = msgspec.structs.replace(WRIST, low=(1.0,) * 3, high=(3.0,) * 3)  # 2 apart

    def test_what_no_factor_explains_may_be_as_far_outside_as_the_limits_are_apart(self) -> None:
        for value in (-0.9, 2, 4.9):
            prepared(card_of(self.LIMITED), {"wrist": changed(values=np.full((60, 3), value))}, Claims())
        for value in (-1.1, 5.1):
            assert "in another unit, or" in refused(changed(values=np.full((60, 3), value)), card_of(self.LIMITED))

    def test_half_of_the_samples_outside_are_fine_and_one_more_is_not(self) -> None:
        values = np.full((60, 3), 2.0)
        values[:30, 1] = -9
        prepared(card_of(self.LIMITED), {"wrist": changed(values=values)}, Claims())
        values[30, 1] = -9
        assert "channel ay is mostly not as in training" in refused(changed(values=values), card_of(self.LIMITED))

    def test_what_a_factor_explains_is_refused_wherever_it_is_outside(self) -> None:
        """UTD-MHAD's wrist reaches 6.4 g, so that gravity in m/s² is no further away than its limits are apart."""
        lively = msgspec.structs.replace(WRIST, low=(-6.4, -3.0, -3.0), high=(1.7, 2.4, 2.8))
        raw = changed(values=np.tile([-9.81, 0, 0], (60, 1)))
        assert "is it in m/s² where g was trained" in refused(raw, card_of(lively))

    def test_a_sensor_that_is_worn_the_other_way_round_is_no_other_unit(self) -> None:
        worn = msgspec.structs.replace(WRIST, low=(-0.5,) * 3, high=(1.6,) * 3)
        prepared(card_of(worn), {"wrist": changed(values=np.tile([-0.9, 0, 0], (60, 1)))}, Claims())

    @pytest.mark.parametrize(
        ("factor", "unit", "cause"),
        [
            (9.80665, "g", "is it in m/s² where g was trained (factor 9.807)?"),
            (1000, "g", "is it in mg or mm where g or m was trained (factor 1000)?"),
            (57.29578, "rad/s", "is it in deg where rad was trained (factor 57.3)?"),
            (-1e6, "g", "is it in another unit, or are its channels in another order?"),
        ],
    )
    def test_a_likely_cause_is_named(self, factor: float, unit: str, cause: str) -> None:
        card = card_of(msgspec.structs.replace(WRIST, unit=unit))
        said = refused(changed(values=FEW.values * factor), card)
        assert cause in said
        assert "--any-values" in said
        prepared(card, {"wrist": changed(values=FEW.values * factor)}, Claims(any_values=True))

    def test_a_channel_that_never_moved_in_training_says_nothing(self) -> None:
        still = msgspec.structs.replace(WRIST, low=(0.0, -2.0, -2.0), high=(0.0, 2.0, 2.0))
        prepared(card_of(still), {"wrist": changed(values=FEW.values + np.array([3, 0, 0]))}, Claims())

    def test_axes_of_a_skeleton(self) -> None:
        body = msgspec.structs.replace(BODY, low=(-1.0, -1.0, 1.0), high=(1.0, 1.0, 4.0))
        values = np.tile([0.0, 0.0, 2000.0], (30, 4, 1))
        with pytest.raises(DataError, match=r"axis z is mostly .* is it in mg or mm where g or m was trained"):
            prepared(card_of(body), {"body": RawStream("a.npy", values)}, Claims({"body": 30}))


def spanned(*streams: StreamInput, align: Any, seconds: float) -> Card:
    span = Span(modality="all", streams=tuple(each.name for each in streams), align=align, seconds=seconds)
    return card_of(*streams, spans=(span,))


class TestSpans:
    HIP = msgspec.structs.replace(WRIST, name="hip")

    def test_what_is_too_short_for_a_model_that_cuts_is_refused(self) -> None:
        exactly, more = (spanned(WRIST, align="truncate", seconds=each) for each in (59 / 50, 60 / 50))
        prepared(exactly, {"wrist": FEW}, Claims())
        with pytest.raises(DataError, match=r"all: lasts 1.18 s, and the model needs 1.2 s"):
            prepared(more, {"wrist": FEW}, Claims())

    @pytest.mark.parametrize("align", ["resample", "pad"])
    def test_others_take_any_length(self, align: str) -> None:
        prepared(spanned(WRIST, align=align, seconds=9.0), {"wrist": FEW}, Claims())

    def test_only_what_the_streams_of_a_modality_share_counts(self) -> None:
        late = changed(times=FEW.times + 0.5 if FEW.times is not None else None)
        enough, short = (spanned(WRIST, self.HIP, align="truncate", seconds=each) for each in (0.6, 0.7))
        prepared(enough, {"wrist": FEW, "hip": late}, Claims())
        with pytest.raises(DataError, match=r"lasts 0.68 s"):
            prepared(short, {"wrist": FEW, "hip": late}, Claims())

    def test_streams_that_share_no_time(self) -> None:
        card, late = spanned(WRIST, self.HIP, align="resample", seconds=0), changed(times=np.arange(60) / 50 + 9)
        with pytest.raises(DataError, match=r"share no time: one starts at 9 s, another ends at 1.18 s"):
            prepared(card, {"wrist": FEW, "hip": late}, Claims())

    def test_times_of_one_stream_alone_do_not_say_how_two_lie(self) -> None:
        card = spanned(WRIST, self.HIP, align="resample", seconds=0)
        with pytest.raises(DataError, match="wrist has times and hip has none"):
            prepared(card, {"wrist": FEW, "hip": changed(times=None)}, Claims({"hip": 50}))


@given(lengths=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6))
def test_shorter_recordings_of_a_batch_repeat_their_last_sample(lengths: list[tuple[int, int]]) -> None:
    draw = np.random.default_rng(0)
    recordings: list[Prepared] = [
        {
            "wrist": (draw.normal(size=(first, 3)).astype(np.float32), np.arange(first) / 50),
            "body": (draw.normal(size=(second, 4, 3)).astype(np.float32), np.arange(second) / 30),
        }
        for first, second in lengths
    ]
    batch = padded(recordings)
    assert {name: array.dtype for name, array in batch.items()} == {
        "wrist": np.float32, "wrist_time": np.float64, "body": np.float32, "body_time": np.float64,
    }  # fmt: skip
    for row, recording in enumerate(recordings):
        for name, (values, times) in recording.items():
            for array, own in ((batch[name], values), (batch[f"{name}_time"], times)):
                assert array.shape[1] == max(len(each[name][1]) for each in recordings)
                np.testing.assert_array_equal(array[row, : len(own)], own)
                assert (array[row, len(own) :] == own[-1]).all()
