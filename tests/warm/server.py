"""Workers that have imported torch before they are asked for: ``python server.py SOCKET``.

A run's worker is a new process that imports torch, which takes two seconds; the tests start hundreds. This process
imports it once, and forks for every worker that `site/sitecustomize.py` hands over: a process of its own, with the
environment, folder, path and standard streams that it would have had, and nothing of this program imported.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback

THIRD_PARTY = ("msgspec", "numba", "safetensors.torch", "scipy.io", "sklearn.metrics", "torchvision", "yaml", "zarr")


def serve(address: str) -> None:
    """Fork for everyone who asks, until the process that started this one ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                os.unlink(address)
                os.rmdir(os.path.dirname(address))
                return
            client, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                supervise(client)
            client.close()


def supervise(client: socket.socket) -> None:
    """Start a worker, kill it when the client ends, and tell the client how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    request = client.makefile("rb").readline()
    worker = os.fork()
    if worker == 0:
        client.close()
        become_worker(streams, *json.loads(request))
    for stream in streams:
        os.close(stream)
    for standard in (0, 1, 2):
        os.close(standard)
    ended = os.pidfd_open(worker)
    ready, _, _ = select.select([client, ended], [], [])
    if client in ready:
        os.kill(worker, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    if client not in ready:
        client.sendall(str(status).encode())
    os._exit(0)


def become_worker(streams: list[int], environment: dict[str, str], folder: str, path: list[str]) -> None:
    """Run the worker's module as its interpreter would have."""
    code = 1
    try:
        os.setsid()
        for standard, stream in enumerate(streams):
            os.dup2(stream, standard)
            os.close(stream)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.path[:] = path
        importlib.invalidate_caches()
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 -- until the end
        sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
        runpy.run_module("pipeline.run.worker", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    for module in THIRD_PARTY:
        importlib.import_module(module)
    serve(sys.argv[1])
