"""A worker process: reads jobs from standard input, does them, writes what happens to standard output.

One JSON object a line. It ends when its input ends, so that no worker outlives the run that started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import BinaryIO

import msgspec

from pipeline.errors import PipelineError
from pipeline.run.job import Done, Failed, Fetch, Job, Message, Progress
from store import Store
from store.chain import Chain
from store.errors import CorruptManifest, CorruptObject, DraftLocked, MissingOutput, StoreError
from trainers.errors import TrainingError

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

    try:
        if isinstance(job, Fetch):
            return _fetch(job, progress)
        from pipeline.run.execute import execute

        return execute(job, progress)
    except DraftLocked as error:
        return Failed(str(error), traceback.format_exc(), locked=error.owner or "another run")
    except (CorruptObject, CorruptManifest, MissingOutput) as error:  # missing: put aside for another step
        mine = error.stage and error.key and error.url == job.store
        damaged = (str(error.stage), str(error.key), getattr(error, "attempt", None)) if mine else None
        return Failed(str(error), traceback.format_exc(), damaged=damaged)
    except (PipelineError, StoreError, TrainingError) as error:
        return Failed(str(error), traceback.format_exc())
    except MemoryError:
        return Failed("out of memory\n  close other programs, or lower the batch size", traceback.format_exc())
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        return Failed(
            f"{problem}\n  this is a defect of harvest: run with --debug and report it",
            traceback.format_exc(),
        )


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
