"""A worker process: reads jobs from standard input, does them, writes messages to standard output.

One JSON object a line (`pipeline.run.messages`). A step is done by `pipeline.run.step.execute`. The process ends when
its input ends, so that no worker outlives the run that started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import BinaryIO

import msgspec

from pipeline.run.messages import FetchJob, StepDone, StepEvent, StepJob, StepProgress, WorkerAlive
from pipeline.run.silence import BEATS, silent_s
from pipeline.run.step.failures import capture_failure
from store import Store, StoreChain

_INTERVAL_S = 0.1  # between two progress messages

_sending = threading.Lock()


def main() -> None:
    """Serve jobs until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run that started this decides when to stop
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write among the messages
    jobs: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, jobs), daemon=True).start()
    while True:
        work = msgspec.json.decode(jobs.get(), type=list[StepJob] | FetchJob)
        with _heartbeat(out):
            _serve(work, out)


@contextmanager
def _heartbeat(out: BinaryIO) -> Iterator[None]:
    """Send heartbeats, by which a long step differs from a process that is stopped."""
    ended = threading.Event()

    def beat() -> None:
        with suppress(BrokenPipeError):  # the run has ended, which the reader of its jobs sees, too
            while not ended.wait(silent_s() / BEATS):
                _send(out, StepEvent("", WorkerAlive()))

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _serve(work: list[StepJob] | FetchJob, out: BinaryIO) -> None:
    """Do a batch of jobs, and write their progress and results."""
    last: dict[str, float] = {}

    def progress(step: str, done: int, total: int, what: str, counts: Mapping[str, float] = {}) -> None:
        now = time.monotonic()
        if now - last.get(step, 0.0) >= _INTERVAL_S:
            last[step] = now
            _send(out, StepEvent(step, StepProgress(done, total, what, dict(counts))))

    if isinstance(work, FetchJob):
        _report(out, work, partial(_fetch, work, partial(progress, work.step)))
        return
    from pipeline.run.step.execute import execute, execute_batch  # imports torch, which a fetch needs not

    if len(work) > 1:
        for event in execute_batch(work, progress):
            _send(out, event)
        return
    (job,) = work
    run_stage = None
    if job.scheduler is not None:
        from pipeline.run.cluster.shards import coordinate  # imports dask

        run_stage = coordinate
    _report(out, job, partial(execute, job, partial(progress, job.step), run_stage))


def _report(out: BinaryIO, job: StepJob | FetchJob, task: Callable[[], StepDone]) -> None:
    _send(out, StepEvent(job.step, capture_failure(job.store, task)))


def _fetch(job: FetchJob, progress: Callable[[int, int, str], None]) -> StepDone:
    """Copy an output from the first remote that has it whole into the store."""
    started = time.monotonic()
    chain = StoreChain(Store.open(job.store), job.remotes)
    copied = chain.fetch(job.stage, job.key, lambda done, total: progress(done >> 20, total >> 20, "MiB"))
    return StepDone(time.monotonic() - started, copied.bytes, device="")


def _read(lines: BinaryIO, jobs: SimpleQueue[bytes]) -> None:
    for line in lines:
        jobs.put(line)
    os._exit(0)


def _send(out: BinaryIO, message: StepEvent) -> None:
    with _sending:
        out.write(msgspec.json.encode(message) + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
