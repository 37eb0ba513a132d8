"""Where an exception came from: whether a module that somebody named in a table raised it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

_SHARED = ("", "pipeline.sources", "pipeline.stages", "trainers.models", "trainers.losses")  # many live there


def raised_in(error: BaseException, modules: Iterable[str]) -> tuple[str, str] | None:
    """Find the innermost call of an exception that is in one of some modules, or in the package of its own of one.

    Returns
    -------
    tuple of str, or None
        The module, and the place (``mine.py:12``).
    """
    homes = {module: module for module in modules}
    homes |= {parent: module for module in homes if (parent := module.rpartition(".")[0]) not in _SHARED}
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__", ""))
        home = homes.get(name) or homes.get(name.rpartition(".")[0])
        if home is not None:
            found = home, f"{_short(frame.f_code.co_filename)}:{line}"
    return found


def _short(filename: str) -> str:
    path = Path(filename)
    return "/".join(path.parts[-3:]) if path.is_absolute() else filename
