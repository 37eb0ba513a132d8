"""A worker process: reads jobs from standard input, does them, writes what happens to standard output.

One JSON object a line. It ends when its input ends, so that no worker outlives the run that started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import BinaryIO

import msgspec

from pipeline.run.job import Done, Fetch, Job, Message, Progress
from pipeline.run.serve import told
from store import Store
from store.chain import Chain

_INTERVAL_S = 0.1  # between two progress messages


def main() -> None:
    """Serve jobs until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run that started this decides when to stop
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for a message
    jobs: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, jobs), daemon=True).start()
    while True:
        _send(out, _serve(msgspec.json.decode(jobs.get(), type=Job | Fetch), out))


def _serve(job: Job | Fetch, out: BinaryIO) -> Message:
    last = 0.0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _INTERVAL_S:
            last = now
            _send(out, Progress(done, total, what))

    def work() -> Done:
        if isinstance(job, Fetch):
            return _fetch(job, progress)
        from pipeline.run.execute import execute

        return execute(job, progress)

    return told(job.store, work)


def _fetch(job: Fetch, progress: Callable[[int, int, str], None]) -> Done:
    started = time.monotonic()
    chain = Chain(Store.open(job.store), job.remotes)
    copied = chain.fetch(job.stage, job.key, lambda done, total: progress(done >> 20, total >> 20, "MiB"))
    return Done(time.monotonic() - started, copied.bytes, "")


def _read(lines: BinaryIO, jobs: SimpleQueue[bytes]) -> None:
    for line in lines:
        jobs.put(line)
    os._exit(0)


def _send(out: BinaryIO, message: Message) -> None:
    out.write(msgspec.json.encode(message) + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
