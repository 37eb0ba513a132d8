"""Processes that stop themselves (SIGSTOP) at a chosen moment, so that others can act between two of their steps.

Run as ``python stopping.py gc``: reads ``URL MOMENT`` by lines, cleans the store at URL, stops before its MOMENT-th
look or change after it has begun to free, and prints ``done`` with the number of such moments. Or as ``python
stopping.py before MODULE:FUNCTION ARGUMENTS``: runs ``pipeline ARGUMENTS``, and stops before the first call of
that function.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from threading import Lock
from typing import Any

OPERATIONS = ("put_if_absent", "put", "read", "size", "delete", "delete_all", "list_objects", "list_dir", "drop_folder")


class Moments:
    """Counts calls, and stops this process before one of them."""

    def __init__(self) -> None:
        self.count, self.stop_at, self._guard = 0, 0, Lock()

    def counted(self, call: Any) -> Any:
        def counting(*arguments: Any, **options: Any) -> Any:
            with self._guard:
                self.count += 1
                stop = self.count == self.stop_at
            if stop:
                os.kill(os.getpid(), signal.SIGSTOP)
            return call(*arguments, **options)

        return counting


def clean_by_lines() -> None:
    from store import Store
    from store.backends.local.backend import LocalBackend
    from store.backends.object_store.backend import ObjectStoreBackend

    moments = Moments()
    for root in (LocalBackend, ObjectStoreBackend):
        for name in OPERATIONS:
            setattr(root, name, moments.counted(getattr(root, name)))
    for line in sys.stdin:
        url, at = line.split()
        collection = Store.open(url).garbage_collection(grace_s=0)
        moments.count, moments.stop_at = 0, int(at)
        for _ in collection.run():
            pass
        moments.stop_at = 0
        print("done", moments.count, flush=True)


def run_until(place: str, arguments: list[str]) -> None:
    from pipeline.cli.main import main

    module, _, name = place.partition(":")
    moments = Moments()
    moments.stop_at = 1
    where = importlib.import_module(module)
    setattr(where, name, moments.counted(getattr(where, name)))
    main(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "gc":
        clean_by_lines()
    else:
        run_until(sys.argv[2], sys.argv[3:])
