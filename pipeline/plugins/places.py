"""Where in a plug-in a mistake is: its file and line, as messages name them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from pipeline.keys.loaded_code import is_watched
from pipeline.keys.plugin_code import source_file

_CLASS_AND_MODULE = r"([\w./:-]+) \(((?:file:[^.()]*\.)?[\w.]+)\)"


def place_of(found: type) -> str:
    """Return where a class begins, ``mine.py:12``; the file alone where the line cannot be told."""
    from inspect import getsourcelines  # slow to import

    file = source_file(found.__module__)
    try:
        return f"{file}:{getsourcelines(found)[1]}"
    except (OSError, TypeError):
        return file


def place_of_error(error: BaseException) -> str:
    """Return the file and line of a plug-in that an exception comes from; empty where it comes from none.

    That is the innermost call in a plug-in; else, of a call that a class of a plug-in does not take, or of an attribute
    that it lacks, where the class begins.
    """
    from traceback import walk_tb  # slow to import

    place = ""
    for frame, line in walk_tb(error.__traceback__):
        if is_watched(name := str(frame.f_globals.get("__name__", ""))):
            place = f"{source_file(name)}:{line}"
    if place or not isinstance(error, AttributeError | TypeError):
        return place
    words = {*re.findall(r"\w+", str(error))}
    return next((place_of(each) for each in _classes() if each.__name__ in words), "")


def name_places(message: str) -> str:
    """Let a message name file and line of a plug-in's class instead of its module: ``Tiny (mine.py:12)``."""

    def named(found: re.Match[str]) -> str:
        what, module = found.groups()
        if not is_watched(module):
            return found[0]
        classes = {each.__name__: each for each in _classes(module)}
        kind = classes.get(what.rpartition(":")[2]) or next(
            (each for each in _loaded if each.__module__ == module), None
        )
        return f"{what} ({place_of(kind) if kind else source_file(module)})"

    return re.sub(_CLASS_AND_MODULE, named, message) if _loaded else message


def note_loaded(found: type) -> None:
    """Keep that a class was loaded as a plug-in."""
    if found not in _loaded:
        _loaded.append(found)


def loaded_plugins() -> list[str]:
    """Return where the classes begin that this process has loaded as plug-ins."""
    return [place_of(each) for each in _loaded]


_loaded: list[type] = []


def _classes(module: str = "") -> Iterator[type]:
    """Yield the classes of plug-ins' modules that are loaded, or of one module."""
    for name in [module] if module else [*filter(is_watched, sys.modules)]:
        for each in list(vars(sys.modules.get(name, object)).values()):
            if isinstance(each, type) and each.__module__ == name:
                yield each
