"""Trying a command again after an output that it found damaged in its own store was quarantined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pipeline.terminal import note
from store import Store
from store.errors import CorruptManifest, CorruptObject, StoreError

T = TypeVar("T")

_MAX_RETRIES = 100  # each quarantines one output; a store with more damage needs `pipeline verify`


def retry_after_quarantine(work: Callable[[], T], retry: Callable[[], T] | None = None) -> T:
    """Return what `work` returns; quarantine each damaged output that stops it, so that nothing of it is used.

    After the first time `retry`, if given, is called instead. An error that names no output is raised.
    """
    for _ in range(_MAX_RETRIES):
        try:
            return work()
        except (CorruptObject, CorruptManifest) as error:
            if not (error.url and error.stage and error.key):
                raise
            try:
                place = Store.open(error.url).quarantine(error.stage, error.key, str(error), attempt=error.attempt)
            except StoreError as why:
                raise StoreError(f"{error.finding}; it could not be set aside: {why}") from error
            note(f"{error.finding}; it was moved to {place}")
            work = retry or work
    return work()
