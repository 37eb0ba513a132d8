"""The connection to a dask scheduler: its address and certificates, its workers, submitting tasks and their results."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Self

from dask import config
from distributed import Client, Future
from distributed.scheduler import KilledWorker
from distributed.security import Security

from pipeline.errors import StepError
from pipeline.run.cluster.fingerprint import mismatch_error, worker_info
from pipeline.run.messages import Certificate, StepFailed
from pipeline.run.silence import SilenceMonitor
from pipeline.run.step.gpus import NO_CUDA
from store import seconds_from_environment

_log = logging.getLogger(__name__)

CONNECT_S = 8.0
_COUNT_EVERY_S = 2.0
_NOTICED_S = 3.0  # within which dask notices that a scheduler is gone


def wait_s() -> float:
    """Return how long a run waits for a first worker, or for another one when the last has gone."""
    return seconds_from_environment("PIPELINE_WORKER_WAIT_SECONDS")


class Cluster:
    """A connection to a scheduler; a context manager."""

    def __init__(self, address: str, certificate: Certificate | None = None) -> None:
        """Connect; StepError where there is no scheduler, within `CONNECT_S` seconds.

        Without a certificate a ``tls://`` address takes dask's own settings, ``distributed.comm.tls``.
        """
        _be_quiet()
        self.address, self.certificate = address, certificate
        self.gpus = 0  # that workers had announced when `check` was called
        config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S}s"})
        security = _security(address, certificate)
        try:
            self._client = Client(
                address, timeout=CONNECT_S, set_as_default=False, name="pipeline-run", security=security
            )
        except (OSError, ValueError, ImportError) as error:
            other = (
                "and the certificates" if address.startswith("tls://") else "tls://... where it asks for certificates"
            )
            raise StepError(
                f"--scheduler {address}: no scheduler answers there ({_first_line(error)})\n"
                f"  start one with `dask scheduler`, check the address ({other}), or leave --scheduler away"
            ) from None
        self.link = str(self._client.dashboard_link)  # URL of the dashboard
        self._threads: dict[str, int] = {}
        self._counted = 0.0  # when `_threads` was read
        self._monitor = SilenceMonitor()
        self._last_worker = time.monotonic()  # when there was one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect; the scheduler then drops what was submitted."""
        self._client.close(timeout=1)

    @property
    def lost(self) -> bool:
        """Whether the scheduler is gone."""
        return self._client.status != "running"

    @property
    def workers(self) -> int:
        """Number of workers, a few seconds old at most."""
        now = time.monotonic()
        if now - self._counted > _COUNT_EVERY_S and not self.lost:
            self._counted = now
            with suppress(OSError, CancelledError):  # the scheduler is gone, which shows in a moment
                self._threads = dict(self._client.nthreads())
            if self._threads:
                self._last_worker = now
        return len(self._threads)

    def silence_messages(self) -> list[str]:
        """Return messages about workers that have become silent, or are no longer; each once."""
        with suppress(OSError, CancelledError):
            workers = self._client.scheduler_info(n_workers=-1)["workers"]
            return self._monitor.update({address: each["last_seen"] for address, each in workers.items()})
        return []

    def check(self, device: str) -> None:
        """Wait for a worker; raise StepError where one runs other code, or there is no GPU and one is wanted."""
        if not self.workers:
            _log.warning("waiting for a worker of %s (`dask worker %s`)", self.address, self.address)
        while not self.workers:
            if problem := self.problem():
                raise StepError(problem)
            time.sleep(0.2)
            self._counted = 0.0
        try:
            infos: dict[str, Any] = self._client.run(worker_info, on_error="return")
        except (OSError, CancelledError) as error:
            raise StepError(self._problem_after(error) or f"{self.address}: {_first_line(error)}; run again") from None
        for worker, info in infos.items():
            if not isinstance(info, dict):
                raise StepError(
                    f"worker {worker} cannot run this program ({_first_line(info)})\n"
                    "  install it there, or start the worker with PYTHONPATH naming a copy of this folder"
                )
            if problem := mismatch_error(worker, info):
                raise StepError(problem)
        self.gpus = sum(info["gpus"] for info in infos.values())
        if device == "cuda" and not self.gpus and self.certificate:  # its workers are this machine's
            raise StepError(NO_CUDA)
        if device == "cuda" and not self.gpus:
            raise StepError(
                f"--device cuda: no worker of {self.address} announces a GPU\n"
                "  start one worker a GPU, with `dask worker --resources GPU=1`"
            )
        if any(info["threads"] > 1 for info in infos.values()):
            _log.warning("note: workers do one step or shard at a time; start them with --nthreads 1")

    def problem(self) -> str:
        """Return why nothing can be done: the scheduler is gone, or has had no worker for too long; else empty."""
        if self.lost:
            return (
                f"the scheduler at {self.address} is gone\n"
                "  what is finished stays: start it and run again, or run again without --scheduler"
            )
        if self.workers or time.monotonic() - self._last_worker < wait_s():
            return ""
        return (
            f"{self.address} has had no worker for {wait_s():.0f} s\n"
            f"  start some with `dask worker {self.address}` and run again "
            "(PIPELINE_WORKER_WAIT_SECONDS: how long to wait)"
        )

    def submit(self, function: Callable[..., bytes], *arguments: Any, key: str, gpu: bool) -> Future[bytes]:
        """Have a worker call a function of `pipeline.run.cluster.tasks`; another one where that worker dies."""
        needs = {"GPU": 1} if gpu else None
        try:
            return self._client.submit(function, *arguments, key=key, resources=needs, pure=False)
        except Exception as error:  # dask has several for a connection that was closed
            raise StepError(
                self._problem_after(error) or f"{self.address} takes no work: {_first_line(error)}"
            ) from None

    def listen(self, topic: str, handler: Callable[[Any], None]) -> None:
        """Call a function with the events that workers log under a topic."""
        self._client.subscribe_topic(topic, lambda event: handler(event[1]))

    def result(self, future: Future[bytes]) -> bytes | StepFailed:
        """Return what the function of a future that has ended returned; a failure where it returned nothing."""
        if future.status == "finished":
            try:
                return future.result()
            except (OSError, CancelledError) as gone:  # the scheduler went before it was asked
                return StepFailed(self._problem_after(gone) or f"{self.address}: {_first_line(gone)}; run again")
        if future.status == "cancelled":
            return StepFailed(self.problem() or f"{self.address} dropped what was submitted; run again")
        error = future.exception()
        if isinstance(error, KilledWorker):
            return StepFailed(
                f"{error.allowed_failures + 1} workers died doing this, the last was {error.last_worker.address}\n"
                "  often memory ran out there: see the worker's own output, give it more memory "
                "(`dask worker --memory-limit 0` sets no limit), then run again"
            )
        problem = self._problem_after(error)
        return StepFailed(problem or f"a worker of {self.address}: {type(error).__name__}: {error}")

    def _problem_after(self, error: BaseException | None) -> str:
        """Return `problem`; after a broken connection, once dask has had time to notice whose it was."""
        end = time.monotonic() + _NOTICED_S
        while isinstance(error, OSError) and not self.lost and time.monotonic() < end:
            time.sleep(0.05)
        return self.problem()


def _security(address: str, certificate: Certificate | None) -> Security:
    if certificate is not None:
        return Security(
            require_encryption=True,
            tls_ca_file=certificate.certificate,
            tls_client_cert=certificate.certificate,
            tls_client_key=certificate.key,
        )
    try:
        security = Security()
        context = security.get_connection_args("client").get("ssl_context")
    except (OSError, ValueError) as error:  # ssl's own errors are OSErrors
        raise StepError(f"--scheduler {address}: dask's certificates cannot be used ({_first_line(error)})") from None
    if context is None and address.startswith("tls://"):
        raise StepError(
            f"--scheduler {address}: dask has no certificate to show there\n"
            "  set DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ...__CLIENT__CERT and ...__CLIENT__KEY, or the same in "
            "~/.config/dask (docs/scale-out/ssh.md)"
        )
    return security


def _be_quiet() -> None:
    """Silence dask's own messages: this class reports problems of a connection once, with their remedy."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module="distributed")


def _first_line(error: object) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
