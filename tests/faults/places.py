"""Where a store lies, seen from outside the program: its objects as plain bytes, in a folder or in a bucket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.backends.urls import open_backend

Objects = dict[str, bytes]
Name = tuple[str, str]


@dataclass(frozen=True)
class Place:
    """A store's place; its own eyes, so that the program is not its own witness."""

    url: str

    @property
    def folder(self) -> Path | None:
        return None if "://" in self.url else Path(self.url)

    def objects(self) -> Objects:
        """Read everything."""
        if self.folder:
            files = (path for path in self.folder.rglob("*") if path.is_file())
            return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files}
        root = open_backend(self.url)
        for _ in range(10):
            with suppress(FileNotFoundError):  # a killed process's last deletions may still be on their way
                return {path: root.read(path) for path in list(root.list_paths(""))}
        raise AssertionError(f"{self.url}: objects go on vanishing")

    def names(self) -> set[str]:
        """List everything."""
        return set(open_backend(self.url).list_paths("")) if not self.folder or self.folder.is_dir() else set()

    def write(self, objects: Mapping[str, bytes]) -> Place:
        """Put objects there as they are."""
        for path, data in objects.items():
            if self.folder:
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).write_bytes(data)
            elif not path.endswith("/lock"):
                open_backend(self.url).put(path, data)
        return self

    def delete(self, path: str) -> None:
        open_backend(self.url).delete(path)


def manifests(objects: Mapping[str, bytes]) -> dict[Name, bytes]:
    """Return the manifests by stage and key."""
    found = {}
    for path, data in objects.items():
        parts = path.split("/")
        if len(parts) == 4 and parts[0] == "outputs" and parts[3] == "manifest.json":
            found[parts[1], parts[2]] = data
    return found


def content(manifest: bytes) -> dict[str, Any]:
    """Return the size and digest of an output's objects, by path."""
    return {entry["path"]: (entry["size"], entry["sha256"]) for entry in json.loads(manifest)["objects"]}


def damage(objects: Mapping[str, bytes]) -> list[str]:
    """Name what differs from its manifest, by reading every byte."""
    found = []
    for (stage, key), data in manifests(objects).items():
        manifest = json.loads(data)
        if (manifest["stage"], manifest["key"]) != (stage, key):
            found.append(f"{stage}/{key}: the manifest of another output")
        for entry in manifest["objects"]:
            path = f"outputs/{stage}/{key}/{manifest['attempt']}/{entry['path']}"
            there = objects.get(path)
            if there is None or hashlib.sha256(there).hexdigest() != entry["sha256"] or len(there) != entry["size"]:
                found.append(f"{path}: {'missing' if there is None else f'{len(there)} bytes that are not the listed'}")
    return found


def unlisted(objects: Mapping[str, bytes]) -> list[str]:
    """Name what cleaning should have freed: all but outputs, their locks and marks, references and records of runs."""
    kept = {"store.json"}
    for (stage, key), data in manifests(objects).items():
        manifest = json.loads(data)
        folder = f"outputs/{stage}/{key}"
        kept |= {f"{folder}/manifest.json", f"{folder}/lock"}
        kept |= {f"{folder}/{manifest['attempt']}/{entry['path']}" for entry in manifest["objects"]}
        kept |= {path for path in objects if path.startswith(f"families/{stage}/") and path.endswith(f"/{key}")}
    # temporary files outside of outputs are left for an hour, as nobody's lock protects them; that of store.json stays
    loose = {path for path in objects if path.endswith(".partial") and path.partition("/")[0] != "outputs"}
    return sorted(path for path in objects.keys() - kept - loose if not path.startswith(("refs/", "runs/")))
