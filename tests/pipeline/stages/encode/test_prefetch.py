"""Reading ahead keeps order and bounds, and leaves no thread behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.encode.prefetch import PrefetchError, read_ahead


def counting(count: int, log: list[int] | None = None) -> Callable[[], Iterator[int]]:
    def items() -> Iterator[int]:
        for number in range(count):
            if log is not None:
                log.append(number)
            yield number

    return items


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 4), st.integers(1, 3))
def test_items_come_in_the_order_of_tasks(counts: list[int], threads: int, items: int) -> None:
    tasks = [counting(count) for count in counts]
    found = list(read_ahead(iter(tasks), threads=threads, items=items))
    assert found == [(task, item) for task, count in zip(tasks, counts, strict=True) for item in range(count)]


def test_a_failure_arrives_after_the_items_before_it_and_stops_no_other_task() -> None:
    def breaks() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    tasks = [counting(1), breaks, counting(1)]
    found = list(read_ahead(tasks, threads=2, items=1))
    assert [task for task, _ in found] == [tasks[0], breaks, breaks, tasks[2]]
    failed = found[2][1]
    assert isinstance(failed, PrefetchError)
    assert str(failed.error) == "broken"


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failure_of_the_tasks_themselves_is_raised_after_those_before_it(threads: int) -> None:
    def tasks() -> Iterator[Callable[[], Iterator[int]]]:
        yield counting(2)
        raise ValueError("no more")

    reading = read_ahead(tasks(), threads=threads, items=1)
    assert [item for _, item in (next(reading), next(reading))] == [0, 1]
    with pytest.raises(ValueError, match="no more"):
        next(reading)


def test_reading_waits_for_its_consumer() -> None:
    log: list[int] = []
    reading = read_ahead([counting(100, log)], threads=1, items=3)
    next(reading)
    time.sleep(0.1)
    assert len(log) <= 5
    reading.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_closing_ends_the_threads(threads: int) -> None:
    reading = read_ahead([counting(1000)] * 50, threads=threads, items=1)
    next(reading)
    reading.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
