"""Heartbeats: a worker process that is stopped, swapped out or cut off is reported to the user, and never ended."""

from __future__ import annotations

import time
from collections.abc import Mapping

from store import seconds_from_environment

BEATS = 10  # heartbeats in the time after which a worker without any is reported
_STATES = {  # of a Linux process, as in /proc/PID/stat
    "T": "it is stopped: `kill -CONT {pid}` lets it go on",
    "t": "a debugger holds it",
    "D": "it waits for a disk or a network share, or its memory was swapped out",
}


def silent_s() -> float:
    """Return after how many seconds without a heartbeat a worker is reported."""
    return seconds_from_environment("PIPELINE_SILENT_SECONDS")


def describe_silence(pid: int, seconds: float) -> str:
    """Return a message that a process of this machine is silent, and why as far as the system tells."""
    why = _STATES.get(_state(pid), "the machine may be short of memory, or very busy")
    return (
        f"its worker process {pid} has given no sign of life for {seconds:.0f} s: {why.format(pid=pid)}. "
        f"The run waits for it (`kill -9 {pid}` ends it; what is finished stays)"
    )


class SilenceMonitor:
    """Watches the heartbeats that the workers of a scheduler send to it."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}  # last heartbeat by the scheduler's clock; by ours when seen
        self._silent: set[str] = set()

    def update(self, heartbeats: Mapping[str, float]) -> list[str]:
        """Take the time of each worker's last heartbeat; return messages, one when a silence begins and one at its end.

        Only changes of these times count, since the scheduler's clock may differ from this machine's.
        """
        now, messages = time.monotonic(), []
        for worker, heartbeat in heartbeats.items():
            if self._last.get(worker, (None,))[0] != heartbeat:
                self._last[worker] = heartbeat, now
            seconds = now - self._last[worker][1]
            if seconds > silent_s() and worker not in self._silent:
                self._silent.add(worker)
                messages.append(
                    f"worker {worker} has given no sign of life for {seconds:.0f} s: it is stopped, swapped out or cut "
                    "off. Its scheduler hands its work to others after distributed.scheduler.worker-ttl (5 minutes)"
                )
            elif seconds <= silent_s() and worker in self._silent:
                self._silent.discard(worker)
                messages.append(f"worker {worker} goes on")
        return messages


def _state(pid: int) -> str:
    """Return the letter of a process's state; empty where there is no /proc, or no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
