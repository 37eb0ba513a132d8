"""Where an exception came from: whether a module that somebody named in a table raised it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Packages whose modules are of several sources, models or losses; "": a module without a package.
_SHARED_PACKAGES = ("", "pipeline.sources", "pipeline.stages", "trainers.models", "trainers.losses")


def raised_in(error: BaseException, modules: Iterable[str]) -> tuple[str, str] | None:
    """Find the innermost call of an exception that is in one of `modules`, or beside one in its own package.

    Returns the module, and the file with its line (``mine.py:12``).
    """
    homes = {module: module for module in modules}
    homes |= {parent: module for module in homes if (parent := module.rpartition(".")[0]) not in _SHARED_PACKAGES}
    from traceback import walk_tb  # slow to import

    innermost = None
    for frame, line in walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__", ""))
        home = homes.get(name) or homes.get(name.rpartition(".")[0])
        if home is not None:
            innermost = home, f"{_short(frame.f_code.co_filename)}:{line}"
    return innermost


def _short(filename: str) -> str:
    path = Path(filename)
    return "/".join(path.parts[-3:]) if path.is_absolute() else filename


def describe_origin(error: BaseException) -> str:
    """Say which source, model or loss raised an exception, and where; empty where none of them did."""
    from pipeline.registry import LOSSES, MODELS, SOURCES, module_of

    tables = {"source": SOURCES, "model": MODELS, "loss": LOSSES}
    named = {
        module_of(reference): f"{what} {name}"
        for what, table in tables.items()
        for name, registration in table.items()
        for reference in (registration.params, registration.build)
    }
    origin = raised_in(error, named)
    if origin is None:
        return ""
    module, line = origin
    return (
        f"{named[module]} ({module}) raised {type(error).__name__} at {line}: {error}\n"
        "  fix it there; where it came with harvest, run again with --debug and report it"
    )
