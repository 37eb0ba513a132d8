"""Graphs of networks that this machine has converted before, in the cache folder: tens to hundreds of kilobytes each.

There is one for each network, size and set of versions; none holds weights. What is damaged is made again, and where
nothing can be written, a graph is made in each run.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.keys.cache import cache_folder, read_cache, write_cache

_CODE = Path(__file__).parents[1]  # all that makes networks and graphs
_VERSIONS = ("torch", "torchvision", "onnx", "onnxruntime")


class GraphCache:
    """The place of one network's graph.

    Parameters
    ----------
    network
        What tells it from others, as JSON has it.
    """

    def __init__(self, **network: Any) -> None:
        code = hashlib.sha256()
        for file in sorted(_CODE.rglob("*.py")):
            code.update(hashlib.sha256(file.read_bytes()).digest())
        told = {**network, "code": code.hexdigest(), "versions": {name: version(name) for name in _VERSIONS}}
        self._name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def read(self) -> bytes | None:
        """Return the graph; None where there is none, or not as it was written."""
        path = self._path()
        return path and read_cache(path)

    def write(self, graph: bytes) -> None:
        """Keep the graph, if that is possible."""
        if path := self._path():
            write_cache(path, graph)

    def _path(self) -> Path | None:
        try:
            return cache_folder() / "networks" / f"{self._name}.onnx"
        except ConfigError:  # this user has no folder for caches
            return None
