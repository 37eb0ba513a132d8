"""The worker processes of a run: started when first needed, replaced when they die, ended with the run.

The runner calls `Pool.start` with jobs, and reads `Pool.events`. A thread for each busy worker sends it the jobs and
puts its messages there. What the worker does is in `pipeline.run.worker`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from queue import SimpleQueue

import msgspec

from pipeline.plan.steps.step import Step
from pipeline.run.messages import (
    FetchJob,
    Message,
    StepEvent,
    StepFailed,
    StepJob,
    StepProgress,
    WorkerAlive,
    WorkerSilent,
)
from pipeline.run.silence import BEATS, describe_silence, silent_s
from pipeline.run.step.gpus import count_gpus


class Pool:
    """Does jobs in up to `size` processes."""

    in_order = True  # a step for which there is no room keeps those after it from being started

    def __init__(self, size: int, device: str = "cpu") -> None:
        self.size, self._device = size, device
        self.events: SimpleQueue[tuple[str, Message]] = SimpleQueue()  # by step id
        self._idle: list[_Worker] = []
        self._all: list[_Worker] = []
        self._closed = threading.Event()

    @property
    def gpus(self) -> int:
        """How many GPUs train models, each by itself: all processes use the first one."""
        return min(1, count_gpus(self._device))

    def has_room(self, step: Step | None, running: Sequence[Step | None]) -> bool:
        """Tell whether a step can be started beside the running ones; None stands for one that is only fetched."""
        if len(running) >= self.size:
            return False
        computing = [each for each in running if each is not None]
        return step is None or not computing or not any(map(uses_all_cores, [step, *computing]))

    def start(self, work: Sequence[StepJob] | FetchJob) -> None:
        """Give a worker jobs that are done as one batch; only where `has_room` is true."""
        worker = self._idle.pop() if self._idle else self._new()
        while worker.process.poll() is not None:  # it died between two jobs
            worker = self._idle.pop() if self._idle else self._new()
        threading.Thread(target=self._follow, args=(worker, work), daemon=True).start()

    def close(self) -> None:
        """Kill all workers. The next run resumes their steps from the journals."""
        self._closed.set()
        for worker in self._all:
            worker.process.kill()
        for worker in self._all:
            worker.process.wait()

    def _new(self) -> _Worker:
        if not self._all:
            threading.Thread(target=self._watch, daemon=True).start()
        worker = _Worker()
        self._all.append(worker)
        return worker

    def _watch(self) -> None:
        """Report workers without heartbeats. Time in which this process was stopped itself is not counted."""
        last = time.monotonic()
        while not self._closed.wait(every := silent_s() / BEATS):
            now = time.monotonic()
            elapsed, last = min(now - last, 2 * every), now
            for worker in list(self._all):
                if worker.steps and (message := worker.add_silence(elapsed)):
                    self.events.put((min(worker.steps), WorkerSilent(message)))

    def _follow(self, worker: _Worker, work: Sequence[StepJob] | FetchJob) -> None:
        """Have a worker do jobs, and pass on its messages until each step has ended."""
        remaining = {work.step} if isinstance(work, FetchJob) else {job.step for job in work}
        unreliable = False
        worker.steps = frozenset(remaining)
        for event in worker.do(work):
            message = event.message
            if isinstance(message, WorkerAlive):
                continue
            if not isinstance(message, StepProgress):
                remaining.discard(event.step)
                worker.steps = frozenset(remaining)
                unreliable |= isinstance(message, StepFailed) and message.internal_error
                if not remaining and unreliable:
                    worker.process.kill()  # an error of a GPU stays with the process, and would fail other steps
                elif not remaining and worker.process.poll() is None:
                    self._idle.append(worker)  # before the event is put, so that the runner's next job finds it
            self.events.put((event.step, message))
            if not remaining:
                return
        worker.steps = frozenset()
        failed = worker.death()
        for step in sorted(remaining):
            self.events.put((step, failed))


class _Worker:
    """A process that runs `pipeline.run.worker`."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment.setdefault("PYTHONUNBUFFERED", "1")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.run.worker"],  # -P: the folder it runs in holds no code
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches the run alone, which ends its workers
        )
        self.steps: frozenset[str] = frozenset()  # ids of those that it is doing
        self._silent_s, self._reported_silent = 0.0, False

    def do(self, work: Sequence[StepJob] | FetchJob) -> Iterator[StepEvent]:
        """Send jobs and yield the messages, until the caller stops or the process dies."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(msgspec.json.encode(work) + b"\n")
            self.process.stdin.flush()
            self._silent_s = 0.0
            for line in self.process.stdout:
                self._silent_s = 0.0
                yield msgspec.json.decode(line, type=StepEvent)
        except (OSError, msgspec.DecodeError):  # it died before or amid a line
            self.process.kill()

    def add_silence(self, seconds: float) -> str:
        """Add time without a heartbeat; return a message when a silence begins or ends, and else nothing."""
        self._silent_s += seconds
        silent = self._silent_s > silent_s()
        if silent == self._reported_silent or self.process.poll() is not None:
            return ""
        self._reported_silent = silent
        if silent:
            return describe_silence(self.process.pid, self._silent_s)
        return f"its worker process {self.process.pid} goes on"

    def death(self) -> StepFailed:
        """Wait for the process to end; return how it did, as the failure of its steps."""
        code = self.process.wait()
        end = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        remedy = "signal 9 often means that memory ran out: try --jobs 1" if code == -9 else "see what it printed above"
        return StepFailed(f"its worker process {end}\n  {remedy}; run again to go on where it stopped")


def uses_all_cores(step: Step) -> bool:
    """Tell whether nothing that computes is done beside a step."""
    return step.stage == "index" or (step.stage == "encode" and step.recipe["modality"]["kind"] == "video")
