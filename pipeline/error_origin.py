"""Where an exception came from: whether a module that somebody named in a table raised it."""

from __future__ import annotations

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
    from traceback import walk_tb  # slow to import

    found = None
    for frame, line in walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__", ""))
        home = homes.get(name) or homes.get(name.rpartition(".")[0])
        if home is not None:
            found = home, f"{_short(frame.f_code.co_filename)}:{line}"
    return found


def _short(filename: str) -> str:
    path = Path(filename)
    return "/".join(path.parts[-3:]) if path.is_absolute() else filename


def mistake_in(error: BaseException) -> str:
    """Say of an exception that a source, model or loss raised which of them it was; nothing of any other."""
    from pipeline.registry import LOSSES, MODELS, SOURCES, module_of

    tables = {"source": SOURCES, "model": MODELS, "loss": LOSSES}
    named = {
        module_of(reference): f"{kind} {name}"
        for kind, table in tables.items()
        for name, place in table.items()
        for reference in (place.params, place.build)
    }
    found = raised_in(error, named)
    if found is None:
        return ""
    module, place = found
    return (
        f"{named[module]} ({module}) raised {type(error).__name__} at {place}: {error}\n"
        "  mend it there; where it came with harvest, run again with --debug and report it"
    )
