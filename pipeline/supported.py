"""Whether this program can run here at all: what it needs of the system, and its own packages under their names."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

_SYSTEMS = {"win32": "Windows", "emscripten": "Emscripten", "wasi": "WASI"}


def unsupported() -> str:
    """Say why nothing can run here, and the remedy; empty where it can."""
    return _system() or _shadowed()


def _system() -> str:
    try:
        import fcntl  # noqa: F401 -- is it there?
    except ImportError:
        name = _SYSTEMS.get(sys.platform, sys.platform)
        return (
            f"{name} is not supported: it lacks the POSIX file locks by which processes share a store\n"
            "  use Linux, macOS on Apple silicon, or WSL 2 on Windows (docs/platforms.md)"
        )
    return ""


def _shadowed() -> str:
    """Look whether ``store`` and ``trainers`` would be those beside this package; others have these names, too."""
    here = _folder_of(__file__)
    for name in ("store", "trainers"):
        spec = find_spec(name)
        found = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), ""))
        if not found or _folder_of(found) != here:
            return (
                f"package {name}: would be imported from {found or 'nowhere'}, and belongs to {here}\n"
                "  run in another folder, unset PYTHONPATH, or install in an environment of its own (docs/install.md)"
            )
    return ""


def _folder_of(file: str) -> str:
    return os.path.realpath(os.path.dirname(os.path.dirname(file)))
