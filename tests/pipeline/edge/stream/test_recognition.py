"""Samples in whatever way they come: cut, late, repeated, mixed up, missing, too many, or nonsense."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

Lines = Callable[..., list[str]]
Hear = Callable[..., Any]


def sorted_by_time(*lines: str) -> list[str]:
    return sorted(lines, key=lambda each: json.loads(each)["time"])


def test_a_window_ends_every_half_second_and_begins_with_the_first_sample(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(10, 13, 0.9))
    assert [end for end, *_ in heard.decisions] == [11, 11.5, 12, 12.5]  # that to 13 has not ended
    assert {label for _, label, *_ in heard.decisions} == {"move"}
    assert heard.model.seen[0] == {"watch": (1, 50, 2), "watch_time": (1, 50)}


def test_a_window_has_the_samples_from_its_start_until_before_its_end(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(0, 4, lambda at: float(2 <= at < 3)))
    assert {end: round(probability, 6) for end, _, probability, _ in heard.decisions} == {
        1: 1, 1.5: 1, 2: 1, 2.5: 0.5, 3: 1, 3.5: 0.5,
    }  # fmt: skip
    assert [label for _, label, *_ in heard.decisions] == ["rest"] * 3 + ["rest", "move", "rest"]


def test_an_event_is_where_its_samples_are(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(0, 8.1, lambda at: 0.9 * (3 <= at < 6)))
    assert [(each.start, each.end, each.label) for each in heard.events] == [
        (0.25, 3.25, "rest"), (3.25, 5.75, "move"), (5.75, 7.75, "rest"),
    ]  # fmt: skip
    assert heard.events[1].confidence > 0.85


def test_times_of_any_origin(hear: Hear, watch: Lines) -> None:
    since_1970 = hear(watch(1_700_000_000, 1_700_000_004, lambda at: 0.9 * (at >= 1_700_000_002)))
    ends = [end - 1_700_000_000 for end, *_ in since_1970.decisions]
    assert ends == [1, 1.5, 2, 2.5, 3, 3.5]
    assert [label for _, label, *_ in since_1970.decisions] == ["rest"] * 4 + ["move"] * 2
    before = hear(watch(-10, -6))
    assert [end for end, *_ in before.decisions] == [-9, -8.5, -8, -7.5, -7, -6.5]


def test_several_samples_a_line_are_as_many_lines(hear: Hear, watch: Lines) -> None:
    lines = watch(0, 5)
    samples = [json.loads(each) for each in lines]
    batches = [
        json.dumps({
            "stream": "watch",
            "times": [each["time"] for each in samples[i : i + 7]],
            "values": [each["values"] for each in samples[i : i + 7]],
        })
        for i in range(0, len(samples), 7)
    ]  # fmt: skip
    assert hear(batches, exact=True).decisions == hear(lines, exact=True).decisions


def test_csv_says_the_same_as_json(hear: Hear, watch: Lines, body: Lines) -> None:
    lines = sorted_by_time(*watch(0, 5), *body(0, 5))
    rows = []
    for each in map(json.loads, lines):
        values = each["values"] if each["stream"] == "watch" else [x for joint in each["values"] for x in joint]
        rows.append(",".join([each["stream"], *map(repr, [each["time"], *values])]))
    both = ("watch", "body")
    assert hear(rows, *both, exact=True).decisions == hear(lines, *both, exact=True).decisions


def test_two_streams_wait_for_the_slower_one(hear: Hear, watch: Lines, body: Lines) -> None:
    """The skeleton's sample at 0.95 comes after the watch's at 1.0, still within the patience."""
    lines = sorted_by_time(*watch(0, 3), *body(0, 3))
    late = sorted(lines, key=lambda each: json.loads(each)["time"] + 0.09 * ("body" in each))
    both = ("watch", "body")
    assert hear(late, *both, exact=True).decisions == hear(lines, *both, exact=True).decisions
    assert all(label for _, label, *_ in hear(late, *both).decisions)


def test_a_stream_that_is_missing_is_a_gap_and_holds_up_nothing(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(0, 5), "watch", "body")
    assert [end for end, *_ in heard.decisions] == [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5]
    assert {(label, probability, reason) for _, label, probability, reason in heard.decisions} == {(None, None, "gap")}
    assert heard.events == []


def test_a_stream_that_comes_back(hear: Hear, watch: Lines, body: Lines) -> None:
    lines = sorted_by_time(*watch(0, 9), *body(0, 3), *body(6, 9))
    reasons = {end: reason for end, _, _, reason in hear(lines, "watch", "body").decisions}
    assert {end for end, reason in reasons.items() if reason == "gap"} == {4, 4.5, 5, 5.5, 6}
    # windows with half of the skeleton's samples or more are decided: to 3.5, and from 6.5


def test_a_gap_ends_the_event_and_is_not_counted_through(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(0, 3, 0.9) + watch(1003, 1006, 0.9))
    assert len(heard.decisions) < 20
    assert [reason for *_, reason in heard.decisions].count("gap") >= 1
    first, second = heard.events
    assert (first.start, first.label, second.label) == (0.25, "move", "move")
    assert first.end < 4
    assert second.start > 1002.5


def test_a_second_sample_of_a_time_is_dropped(hear: Hear, watch: Lines) -> None:
    lines = watch(0, 5)
    twice = [each for line in lines for each in (line, line.replace("[", "[9", 1))]
    heard = hear(twice, exact=True)
    assert heard.decisions == hear(lines, exact=True).decisions
    assert heard.tally.dropped == {"a second sample of the same time": 250 - 1 + 1}


@pytest.mark.parametrize("seed", range(5))
def test_mixed_up_within_the_disorder_that_was_allowed(hear: Hear, watch: Lines, seed: int) -> None:
    lines = watch(0, 8)
    draw = random.Random(seed)
    mixed = sorted(lines, key=lambda each: json.loads(each)["time"] + draw.uniform(0, 0.3))
    assert mixed != lines
    heard = hear(mixed, exact=True, disorder=0.3)
    assert heard.decisions == hear(lines, exact=True).decisions
    assert heard.tally.late == 0


def test_late_samples_are_counted_and_too_late_ones_dropped(hear: Hear, watch: Lines) -> None:
    lines = watch(0, 5)
    held = [each for each in lines if 2.2 <= json.loads(each)["time"] < 2.3]
    others = [each for each in lines if each not in held]
    after = next(i for i, each in enumerate(others) if json.loads(each)["time"] > 4.2)
    heard = hear(others[:after] + held + others[after:], exact=True)
    assert heard.decisions == hear(others, exact=True).decisions
    assert heard.tally.late == len(held) == heard.tally.dropped["samples older than every window to come"]
    assert len([each for each in heard.told if "older than" in each]) == 1


def test_a_sample_that_is_late_for_one_window_counts_in_the_next(hear: Hear, watch: Lines) -> None:
    lines = watch(0, 4)
    moved = lines.pop(next(i for i, each in enumerate(lines) if json.loads(each)["time"] == 1.9))
    place = next(i for i, each in enumerate(lines) if json.loads(each)["time"] > 2.1)
    heard = hear([*lines[:place], moved, *lines[place:]], exact=True)
    whole, without = hear(watch(0, 4), exact=True).decisions, hear(lines, exact=True).decisions
    assert (heard.tally.late, heard.tally.dropped.total()) == (1, 0)
    ends = [end for end, *_ in whole]
    assert heard.decisions[ends.index(2.0)] == without[ends.index(2.0)] != whole[ends.index(2.0)]
    assert heard.decisions[ends.index(2.5)] == whole[ends.index(2.5)] != without[ends.index(2.5)]


def test_absurd_times_move_nothing(hear: Hear, watch: Lines) -> None:
    lines = watch(0, 6)
    nonsense = [
        '{"stream": "watch", "time": 1e10, "values": [1, 1]}',
        '{"stream": "watch", "time": 1e300, "values": [1, 1]}',
        '{"stream": "watch", "time": NaN, "values": [1, 1]}',
        "watch,inf,1,1",
        '{"stream": "watch", "time": 1e9, "values": [1, 1]}',
        "watch,-1e9,1,1",
    ]
    mixed = [*lines[:120], *nonsense, *lines[120:]]
    heard = hear(mixed, exact=True)
    assert heard.decisions == hear(lines, exact=True).decisions
    assert heard.tally.dropped.total() == len(nonsense)


def test_milliseconds_are_told(hear: Hear) -> None:
    heard = hear([f"watch,{1_700_000_000_000 + i},0,0" for i in range(100)])
    assert heard.decisions == []
    assert heard.told == ["times that cannot be seconds (1700000000000.0): left out, as will be all that are like it"]


def test_a_clock_that_is_set_back_begins_anew(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(5000, 5004, 0.9) + watch(0, 6, 0.9))
    ends = [end for end, *_ in heard.decisions]
    assert ends[:6] == [5001, 5001.5, 5002, 5002.5, 5003, 5003.5]
    assert 5.5 in ends
    assert len(heard.events) == 2
    assert "the clock of stream watch was set back to 1.000 s: begun anew, as will be each time" in heard.told
    assert "(1 times a clock was set back)" in heard.tally.summary()


def test_a_clock_that_is_set_forward_goes_on_there(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(0, 4, 0.9) + watch(90_000, 90_004, 0.9))
    ends = [end for end, *_ in heard.decisions]
    assert ends[0] == 1
    assert ends[-1] == 90_003.5
    assert len(ends) < 25


def test_a_flood_is_bounded_and_told_once(hear: Hear, watch: Lines) -> None:
    heard = hear(watch(0, 3, 0.9, rate=5000))
    assert max((shape["watch"][1] for shape in heard.model.seen), default=0) < 1000
    assert heard.tally.dropped["more samples than a window has room for"] > 5000
    assert [end for end, *_ in heard.decisions] == [1, 1.5, 2, 2.5]
    assert len(heard.told) == 1


def test_nonsense_is_counted_by_kind_and_told_once(hear: Hear, watch: Lines) -> None:
    lines = watch(0, 3)
    nonsense = {
        "values that are not finite": [
            "watch,0.5,nan,1", '{"stream":"watch","time":0.5,"values":[null,1]}', "watch,1,1e99,0",
        ],
        "a wrong number of values": [
            "watch,0.5,1", "watch,0.5,1,2,3", '{"stream":"watch","times":[1,2],"values":[1,2,3]}',
        ],
        "values nested otherwise than a sample": ['{"stream":"watch","times":[1,2,3],"values":[[1,2,3],[4,5,6]]}'],
        "a stream that the model does not have": ["phone,0.5,1,2"],
        "a line that is neither JSON nor CSV": ["{", "hello", "watch,a,b,c", "\xff\xfe", "[" * 100_000, "{" * 100_000],
        "JSON that is no sample": ['{"stream":"watch"}', '{"stream":1,"time":1,"values":[1,2]}', "{}"],
        "samples without a time": ['{"stream":"watch","values":[1,2]}', "watch,,1,2"],
        "values that are not numbers, or not equally many of each sample": [
            '{"stream":"watch","time":1,"values":["a",2]}', '{"stream":"watch","times":[1,2],"values":[[1,2],[1]]}',
            '{"stream":"watch","time":1,"values":{"x":1}}',
        ],
    }  # fmt: skip
    mixed = [*lines[:70], *(each for several in nonsense.values() for each in several), *lines[70:], "", "  "]
    heard = hear(mixed, exact=True)
    assert heard.decisions == hear(lines, exact=True).decisions
    counts = dict(heard.tally.dropped)
    assert counts.keys() == nonsense.keys()
    assert len(heard.told) == len(nonsense)
    assert counts["a wrong number of values"] == 4  # two of the last line
    assert counts["a line that is neither JSON nor CSV"] == 6


def test_one_bad_sample_of_a_line_costs_no_other(hear: Hear) -> None:
    times = [i / 50 for i in range(100)]
    values: list[Any] = [[0.9, 0.0] for _ in times]
    values[10] = [None, 0.0]
    heard = hear([json.dumps({"stream": "watch", "times": times, "values": values})])
    assert heard.model.seen[0]["watch"] == (1, 49, 2)
    assert heard.tally.dropped == {"values that are not finite": 1}
    assert heard.tally.samples == 100


def test_offsets_bring_clocks_together(hear: Hear, watch: Lines, body: Lines) -> None:
    together = sorted_by_time(*watch(0, 5), *body(0, 5))
    apart = [
        json.dumps({**each, "time": each["time"] + (100 if each["stream"] == "body" else 0)})
        for each in map(json.loads, together)
    ]
    assert not any(label for _, label, *_ in hear(apart, "watch", "body").decisions)
    heard = hear(apart, "watch", "body", offsets={"body": -100.0})
    assert [label for _, label, *_ in heard.decisions] == ["rest"] * 8


def test_arrival_is_the_clock_where_samples_have_none(hear: Hear) -> None:
    batch = json.dumps({"stream": "watch", "values": [[0.9, 0.0]] * 200})  # the last of them now, the others before
    heard = hear([batch], arrival=True)
    assert (heard.tally.samples, heard.tally.dropped.total()) == (200, 0)
    assert 5 <= len(heard.decisions) <= 7
    assert {label for _, label, *_ in heard.decisions} == {"move"}
    lines = [json.dumps({"stream": "watch", "values": [0.9, 0.0]})] * 100
    assert "samples without a time" not in hear(lines, arrival=True).tally.dropped
    assert hear(lines[:9]).tally.dropped == {"samples without a time": 9}


def test_a_model_that_gives_nan_decides_nothing(
    hear: Hear, watch: Lines, monkeypatch: pytest.MonkeyPatch, fake: Any
) -> None:
    import numpy as np

    monkeypatch.setattr(fake, "probabilities", lambda self, batch: np.full((1, 2), np.nan))
    assert {(label, reason) for _, label, _, reason in hear(watch(0, 3)).decisions} == {
        (None, "the model's output is not finite")
    }


def test_less_sure_labels_are_no_activity(hear: Hear, watch: Lines) -> None:
    lines = watch(0, 6, lambda at: 0.9 if 2 <= at < 4 else 0.45)
    heard = hear(lines, threshold="0.8")
    assert {(label, reason) for _, label, _, reason in heard.decisions} == {("move", ""), (None, "no activity")}
    assert [each.label for each in heard.events] == ["move"]


def test_nothing_at_all(hear: Hear) -> None:
    heard = hear([])
    assert heard.said == []
    assert heard.tally.summary().startswith("0 samples; 0 dropped; 0 late; 0 decisions; 0 events; latency p50 -, p99 -")
