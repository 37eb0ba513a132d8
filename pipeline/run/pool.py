"""Worker processes, one thread of the run each; started when first needed, replaced when one dies."""

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


class Pool:
    """Does jobs in up to `size` processes and reports on `events` as (step id, message).

    Attributes
    ----------
    in_order
        Whether a step that has no room keeps those after it from being started.
    """

    in_order = True

    def __init__(self, size: int) -> None:
        self.size = size
        self.events: SimpleQueue[tuple[str, Message]] = SimpleQueue()
        self._idle: list[_Worker] = []
        self._all: list[_Worker] = []
        self._closed = threading.Event()

    def has_room(self, step: Step | None, running: Sequence[Step | None]) -> bool:
        """Tell whether a step can be started beside those that run; None: one that is fetched, not made."""
        if len(running) >= self.size:
            return False
        making = [each for each in running if each is not None]
        return step is None or not making or not (_uses_all_cores(step) or any(map(_uses_all_cores, making)))

    def start(self, work: Sequence[StepJob] | FetchJob) -> None:
        """Give a worker jobs that are done as one; the caller keeps to the size."""
        worker = self._idle.pop() if self._idle else self._new()
        while worker.process.poll() is not None:  # it died between two jobs
            worker = self._idle.pop() if self._idle else self._new()
        threading.Thread(target=self._follow, args=(worker, work), daemon=True).start()

    def close(self) -> None:
        """End all workers, at once; what they were doing goes on from its journal next time."""
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
        """Tell of workers that give no sign of life. Time in which this process stood still itself is not counted."""
        last = time.monotonic()
        while not self._closed.wait(every := silent_s() / BEATS):
            now = time.monotonic()
            passed, last = min(now - last, 2 * every), now
            for worker in list(self._all):
                if worker.steps and (told := worker.grow_silent(passed)):
                    self.events.put((min(worker.steps), WorkerSilent(told)))

    def _follow(self, worker: _Worker, work: Sequence[StepJob] | FetchJob) -> None:
        left = {work.step} if isinstance(work, FetchJob) else {job.step for job in work}
        spoilt = False
        worker.steps = frozenset(left)
        for told in worker.do(work):
            if isinstance(told.message, WorkerAlive):
                continue
            if not isinstance(told.message, StepProgress):
                left.discard(told.step)
                worker.steps = frozenset(left)
                spoilt |= isinstance(told.message, StepFailed) and told.message.unforeseen
                if not left and spoilt:
                    worker.process.kill()  # so that it spoils no other step: a GPU's errors stay with the process
                elif not left and worker.process.poll() is None:
                    self._idle.append(worker)
            self.events.put((told.step, told.message))
            if not left:
                return
        worker.steps = frozenset()
        failed = worker.died()
        for step in sorted(left):
            self.events.put((step, failed))


class _Worker:
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
        self.steps: frozenset[str] = frozenset()  # that it is doing
        self._silent, self._told = 0.0, False

    def do(self, work: Sequence[StepJob] | FetchJob) -> Iterator[StepEvent]:
        """Yield what it says, until it is asked no more or died."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(msgspec.json.encode(work) + b"\n")
            self.process.stdin.flush()
            self._silent = 0.0
            for line in self.process.stdout:
                self._silent = 0.0
                yield msgspec.json.decode(line, type=StepEvent)
        except (OSError, msgspec.DecodeError):  # it died before or amid a line
            self.process.kill()

    def grow_silent(self, seconds: float) -> str:
        """Count time without a sign of life; return what is to be told of it, once for each silence."""
        self._silent += seconds
        silent = self._silent > silent_s()
        if silent == self._told or self.process.poll() is not None:
            return ""
        self._told = silent
        if silent:
            return describe_silence(self.process.pid, self._silent)
        return f"its worker process {self.process.pid} goes on"

    def died(self) -> StepFailed:
        """Say how it ended."""
        code = self.process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        remedy = "signal 9 often means that memory ran out: try --jobs 1" if code == -9 else "see what it printed above"
        return StepFailed(f"its worker process {how}\n  {remedy}; run again to go on where it stopped", "")


def _uses_all_cores(step: Step) -> bool:
    return step.stage == "index" or (step.stage == "encode" and step.recipe["modality"]["kind"] == "video")
