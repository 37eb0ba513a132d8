"""Where an exception that nobody foresaw came from: which source, model or loss raised it, or else which file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_PACKAGES = ("pipeline", "store", "trainers")
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


def describe_unforeseen(error: BaseException) -> str:
    """Say what raised an exception that nobody foresaw, where, and what to do."""
    if origin := describe_origin(error):
        return origin
    defect = "is a defect of harvest: run with --debug and report it"
    from traceback import walk_tb  # slow to import

    place = ""
    for frame, line in walk_tb(error.__traceback__ and error.__traceback__.tb_next):  # without who caught it
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _PACKAGES:
            place = f"{_short(frame.f_code.co_filename, frame.f_globals['__name__'])}:{line}"
    if not place:
        return f"{type(error).__name__}: {error}\n  this {defect}"
    return (
        f"{place} raised {type(error).__name__}: {error}\n"
        f"  mend it there, where that file or one that calls it was edited; else this {defect}"
    )


def _short(filename: str, module: str = "") -> str:
    """Shorten a file's path to its last three parts, or to the package that its module is in."""
    path = Path(filename)
    count = len(module.split(".")) + (path.name == "__init__.py") if module else 3
    return "/".join(path.parts[-count:]) if path.is_absolute() else filename


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
