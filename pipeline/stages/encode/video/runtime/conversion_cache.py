"""Networks that this machine has converted before, in the cache folder: tens to hundreds of kilobytes each.

There is one for each network, size and set of versions; none holds weights. What is damaged is converted again, and
where nothing can be written, each run converts.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import ConfigError
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.stages.encode.video.runtime.converted import ConvertedNetwork

_CODE = Path(__file__).parents[1]  # all that makes networks and graphs
_VERSIONS = ("torch", "torchvision", "onnx", "onnxruntime")


class ConversionCache:
    """The place of one converted network.

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

    def read(self) -> ConvertedNetwork | None:
        """Return the network; None where there is none, or not as it was written."""
        path = self._path()
        content = path and read_cache(path)
        return msgspec.msgpack.decode(content, type=ConvertedNetwork) if content else None

    def write(self, network: ConvertedNetwork) -> None:
        """Keep the network, if that is possible."""
        if path := self._path():
            write_cache(path, msgspec.msgpack.encode(network))

    def _path(self) -> Path | None:
        try:
            return cache_folder() / "networks" / f"{self._name}"
        except ConfigError:  # this user has no folder for caches
            return None
