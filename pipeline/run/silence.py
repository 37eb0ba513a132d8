"""Worker processes that stand still, stopped or swapped out: told of, never ended."""

from __future__ import annotations

import time
from collections.abc import Mapping

from store import seconds_from_environment

BEATS = 10
"""Signs of life in the time after which a worker without any is told of."""

_STATES = {
    "T": "it is stopped: `kill -CONT {pid}` lets it go on",
    "t": "a debugger holds it",
    "D": "it waits for a disk or a network share, or its memory was swapped out",
}


def silent_s() -> float:
    """Return after how many seconds without a sign of life a worker is told of."""
    return seconds_from_environment("PIPELINE_SILENT_SECONDS")


def describe_silence(pid: int, seconds: float) -> str:
    """Say that a process of this machine gives no sign of life, and why as far as the system tells."""
    why = _STATES.get(_state(pid), "the machine may be short of memory, or very busy")
    return (
        f"its worker process {pid} has given no sign of life for {seconds:.0f} s: {why.format(pid=pid)}. "
        f"The run waits for it (`kill -9 {pid}` ends it; what is finished stays)"
    )


class Silence:
    """Which workers of a scheduler have given it no sign of life for too long."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}  # its last sign by the scheduler's clock, and when we saw it
        self._told: set[str] = set()

    def look(self, signs: Mapping[str, float]) -> list[str]:
        """Take in each worker's last sign of life; return what is to be told, once for each silence."""
        now, told = time.monotonic(), []
        for worker, sign in signs.items():
            if self._last.get(worker, (None,))[0] != sign:
                self._last[worker] = sign, now
            seconds = now - self._last[worker][1]
            if seconds > silent_s() and worker not in self._told:
                self._told.add(worker)
                told.append(
                    f"worker {worker} has given no sign of life for {seconds:.0f} s: it is stopped, swapped out or cut "
                    "off. Its scheduler hands its work to others after distributed.scheduler.worker-ttl (5 minutes)"
                )
            elif seconds <= silent_s() and worker in self._told:
                self._told.discard(worker)
                told.append(f"worker {worker} goes on")
        return told


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
