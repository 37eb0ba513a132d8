"""Going on past damage: what a command finds damaged in its own store is put aside, and the command tries again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from store import Store
from store.errors import CorruptManifest, CorruptObject

T = TypeVar("T")

_AT_MOST = 100  # outputs; a store with more damage wants `pipeline verify`


def retry_after_quarantine(work: Callable[[], T]) -> T:
    """Return what `work` returns, putting aside each damaged output that stops it; nothing of those is used.

    Raises
    ------
    CorruptObject, CorruptManifest
        It is not known which output is damaged.
    """
    for _ in range(_AT_MOST):
        try:
            return work()
        except (CorruptObject, CorruptManifest) as error:
            if not (error.url and error.stage and error.key):
                raise
            place = Store.open(error.url).quarantine(error.stage, error.key, str(error), attempt=error.attempt)
            print(f"note: {str(error).partition('. Run again')[0]}; it was moved to {place}", file=sys.stderr)
    return work()
