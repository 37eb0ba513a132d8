"""``--scheduler local``: a scheduler in this process, and a worker process for each core, or for each GPU."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Nanny, Scheduler, SpecCluster
from distributed.security import Security

from pipeline.cores import cores

LOOPBACK = "127.0.0.1"


def start_local(size: int, gpus: int) -> Any:
    """Start a scheduler and workers that only this run can reach.

    They listen on loopback, where other users of this machine are, too: each connection needs the certificate that is
    made here, and that only processes of this run are given. The dashboard, which is read only, needs none.
    There are `size` workers, or one for each of the GPUs, which sees no other. Returns a `SpecCluster`.
    """
    security = Security.temporary()
    secured = {"security": security, "protocol": "tls://", "host": LOOPBACK}
    common = {**secured, "nthreads": 1, "memory_limit": 0, "dashboard": False, "silence_logs": "CRITICAL"}
    workers = {
        number: {"cls": Nanny, "options": {**common, **_options_of_worker(number, gpus)}}
        for number in range(gpus or size)
    }
    options = {**secured, "port": 0, "dashboard": True, "dashboard_address": f"{LOOPBACK}:8787"}
    with _ignore_ctrl_c(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a port that is in use: another one is taken
        return SpecCluster(
            workers=workers,
            scheduler={"cls": Scheduler, "options": options},
            security=security,
            name="pipeline-run",
            silence_logs="CRITICAL",
        )


def _options_of_worker(number: int, gpus: int) -> dict[str, Any]:
    """Return a worker's own options: one of the GPUs that this process may use, and its share of the cores."""
    if not gpus:
        return {}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))
    threads = max(1, cores() // gpus)
    environment = {"CUDA_VISIBLE_DEVICES": visible.split(",")[number].strip(), "OMP_NUM_THREADS": str(threads)}
    return {"env": environment, "resources": {"GPU": 1}}


@contextmanager
def _ignore_ctrl_c() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which a terminal sends to all of a group: the run ends them itself."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
