"""Modules of plug-ins: files beside a stages file, and installed packages; where each lies, and its name in keys.

A module of a file is called after the file's folder, relative to the stages file's, so that keys have no absolute path:
``file:lib.mine`` is ``lib/mine.py``, ``file:.mine`` is ``mine.py``. In the folder's part, a dot is written ``%2E``.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

PACKAGES = ("pipeline", "store", "trainers")
_FILE = "file:"


def is_plugin(module: str) -> bool:
    """Tell whether a module is none of ours."""
    return module.partition(".")[0] not in PACKAGES


def is_file(module: str) -> bool:
    """Tell whether a module is a file beside a stages file."""
    return module.startswith(_FILE)


def module_of_file(path: str) -> str:
    """Return the module of a file, of which the path from the stages file's folder is given: ``lib/mine.py``."""
    folder, _, name = path.rpartition("/")
    return f"{_FILE}{folder.replace('%', '%25').replace('.', '%2E')}.{name.removesuffix('.py')}"


def folder_of(top: str, folder: str) -> str:
    """Return the folder that ``file:lib`` stands for, `folder` being the stages file's."""
    relative = top.removeprefix(_FILE).replace("%2E", ".").replace("%25", "%")
    return os.path.normpath(os.path.join(folder, relative))


def base_of(top: str, folder: str) -> str | None:
    """Return the path of a plug-in's package, or of its module without ``.py``; None where nothing is installed.

    `folder` is the stages file's. Nothing is imported.
    """
    if is_file(top):
        return folder_of(top, folder)
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # half imported, or made by hand
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return os.path.abspath(next(iter(spec.submodule_search_locations)))
    return os.path.abspath(spec.origin)[:-3] if spec.origin and spec.origin.endswith(".py") else None


def source_file(module: str) -> str:
    """Return a plug-in module's file as people know it, from the stages file's folder or from `sys.path`'s."""
    top, _, rest = module.partition(".")
    path = rest.replace(".", "/")
    if is_file(module):
        return os.path.normpath(os.path.join(folder_of(top, ""), f"{path}.py"))
    base = base_of(top, "")
    if base is not None and os.path.isdir(os.path.join(base, path)):
        path = os.path.join(path, "__init__")
    return f"{os.path.join(top, path).rstrip('/')}.py"
