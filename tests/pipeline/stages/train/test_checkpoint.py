"""Checkpoints of a training: the first epoch's, and then so many as take little of its time."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.stages.train.training import SAVING, DraftCheckpoint


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


class SlowDraft:
    """A draft whose scratch takes its time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.content = b""

    def scratch_write(self, name: str, data: bytes) -> None:
        self.clock.now += self.seconds
        self.content = data


@pytest.mark.parametrize("beside", [1, 8])
@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.5])
def test_saving_takes_a_twentieth_of_the_time_of_training(
    monkeypatch: pytest.MonkeyPatch, seconds: float, beside: int
) -> None:
    clock: Any = Clock()
    monkeypatch.setattr("pipeline.stages.train.training.time", clock)
    drafts: list[Any] = [SlowDraft(clock, seconds) for _ in range(beside)]
    checkpoints = [DraftCheckpoint(draft, beside) for draft in drafts]
    saves = 0

    def state() -> bytes:
        nonlocal saves
        saves += 1
        return b"state"

    for epoch in range(2000):
        clock.now += 0.1
        for checkpoint in checkpoints:
            checkpoint.save(state)
        if not epoch:
            assert all(draft.content == b"state" for draft in drafts)
    trained, saved = 200.0, saves * seconds
    assert saved <= (trained + saved) * SAVING + beside * seconds
    most = min(2000 * beside, trained * SAVING / seconds)
    assert saves >= 0.6 * most  # and no rarer than that: an epoch ends up to 0.1 s after the time
