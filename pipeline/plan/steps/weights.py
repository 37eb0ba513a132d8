"""What identifies pretrained weights in a key: their name in torchvision's enumeration, or their content."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.keys.file_hash import LOCKED, FileHash
from pipeline.keys.missing_files import FETCH, dangling, is_absent
from pipeline.keys.raw_index import RawIndex
from pipeline.lock import Lock
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from store import expand_home

_ENUMERATED = re.compile(r"[A-Z][A-Z0-9_]*")  # as torchvision writes them all
_TAG = re.compile(r"[a-z0-9][a-z0-9_]*")  # as timm writes them
_FILES = (".pth", ".safetensors")

# (point, dotted key of a `weights` parameter, its value, of which network) -> what enters keys for it, such as the
# file's SHA-256
IdentifyWeights = Callable[[Point, str, str, str | Mapping[str, Any]], Mapping[str, Any]]


def pretrained_weights(point: Point, entry: Entry, params: dict[str, Any], identify: IdentifyWeights) -> str | None:
    """Return the `weights` that a model's `params` name, None for none, and put there what keys shall have of them.

    That is a file's SHA-256 in place of its path, which differs between machines.
    """
    model = params["model"]
    weights: str = model.get("weights", "none")
    if weights == "none":
        return None
    identity = identify(point, f"{entry.dotted_key}.model.weights", weights, model["name"])
    params["model"] = {**model, "weights": f"sha256:{identity['sha256']}" if "sha256" in identity else weights}
    return weights


class Weights:
    """Looks at each file of weights once a plan, so that all of its keys agree.

    Parameters
    ----------
    base
        The stages file's folder.
    lock
        Its digests stand for files that are absent.
    points
        Of the whole experiment, which may name several files.
    """

    def __init__(self, base: Path, lock: Lock, points: Sequence[Point]) -> None:
        self.known: dict[str, FileHash] = {}  # by how the stages file names them
        # Places where nothing is, so that the lock's digest was taken, and what belongs there.
        self.absent: dict[str, str] = {}
        self._base = base
        self._lock = lock
        self._points = points

    def __call__(self, point: Point, place: str, value: str, backbone: str | Mapping[str, Any]) -> dict[str, Any]:
        """Return what stands in a recipe for weights; ConfigError where neither the file nor a digest is there.

        `backbone` is the network whose weights they are, as parameters have it.
        """
        if value == "none":
            return {"random": True} if isinstance(backbone, str) else {"own": True}
        if not value.endswith(_FILES):
            if problem := _no_name(value, backbone):
                raise point.document.error(place, *problem)
            return {"enumerated": value}
        if value not in self.known:
            self.known[value] = self._look(point, place, value)
        return {"sha256": self.known[value].sha256}

    def _look(self, point: Point, place: str, value: str) -> FileHash:
        path = self._path(value)
        if path.is_file():
            index = RawIndex(path.parent)
            index.digests([path.name])
            return index.file_hash(path.name)
        if (
            is_absent(path)
            and point.document.set_by(place) != "--set"
            and (sha256 := self._locked(point, place, value))
        ):
            self.absent[str(path)] = "the weights are"
            return FileHash(0, 0, 0, 0, sha256, LOCKED)
        if broken := dangling(path):
            raise point.document.error(place, f"{path}: {broken}", FETCH)
        raise point.document.error(
            place,
            f"no such weights file: {path}",
            "give a .safetensors or .pth file, an enumerated name, or none",
        )

    def _locked(self, point: Point, place: str, value: str) -> str | None:
        """Return the lock's digest of a file; ConfigError where it may be that of another file.

        Earlier locks have files by their last part alone, which says what is meant where just one file has that name.
        """
        known, name = self._lock.weights, self._path(value).name
        if value != name and value in known:
            return known[value]
        if name not in known:
            return None
        candidates = {other for other in {value, *_files(self._points)} if self._path(other).name == name}
        if len({os.path.normpath(self._path(other)) for other in candidates}) > 1 and not candidates <= known.keys():
            raise point.document.error(
                place,
                f"no such weights file: {self._path(value)}, "
                f"and the lock may mean any of {', '.join(sorted(candidates))}",
                "fetch these files, and run again: the lock then has each by its path",
            )
        return known[name]

    def _path(self, value: str) -> Path:
        return self._base / expand_home(value)


def _no_name(value: str, backbone: str | Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why a name is none of a backbone's weights, and the remedy."""
    file = "a .pth or .safetensors file, or none"
    if not isinstance(backbone, str):
        return f"{backbone['name']} is a backbone of your own: {value!r} names none of its weights", f"give {file}"
    if backbone.startswith("timm/"):
        name = backbone.removeprefix("timm/")
        if _TAG.fullmatch(value):
            return None
        remedy = f"give a tag of timm's, which timm.list_pretrained('{name}.*') has after the dot, {file}"
        return f"{value!r} is no tag of {backbone}", remedy
    if _ENUMERATED.fullmatch(value):
        return None
    return f"{value!r} is no name of weights", f"give torchvision's name of them, such as IMAGENET1K_V1, {file}"


def _files(points: Sequence[Point]) -> Iterable[str]:
    """Yield the files of weights that an experiment names, in any section of an entry."""
    for point in points:
        for entry in point.entries.values():
            for section in entry.body.values():
                value = section.get("weights") if isinstance(section, dict) else None
                if isinstance(value, str) and value.endswith(_FILES):
                    yield value
