"""Which outputs were made from which, as their manifests say."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from store.backends.base import Backend
from store.backends.reread import read_again
from store.errors import IrregularFile, UnsupportedFormat
from store.manifest.limits import MANIFEST_BYTES, read_bounded
from store.manifest.validation import Contradiction, check_outline, misspelt, parse_json
from store.paths import OutputName, manifest_path

_MAX_WORKERS = 16  # manifests read from a bucket at a time


class Origin(msgspec.Struct, frozen=True):
    """The part of a manifest that says where an output comes from; what may be long is skipped."""

    stage: str
    key: str
    attempt: str
    created: str
    inputs: list[str]
    provenance: dict[str, Any] = {}


class _Recipe(msgspec.Struct, frozen=True):
    recipe: dict[str, Any]


class Lineage:
    """The published outputs of a store and what they were made from; each manifest is read once, when needed."""

    def __init__(self, root: Backend, names: Iterable[OutputName], contradiction: Contradiction | None = None) -> None:
        self.unreadable: dict[OutputName, str] = {}  # whose manifests cannot be read or trusted, and why
        self._root = root
        self._contradiction = contradiction
        self._read: dict[OutputName, Origin] = {}
        self._by_key: dict[str, list[OutputName]] = {}
        for name in names:
            self._by_key.setdefault(name[1], []).append(name)

    def origins(self, names: Iterable[OutputName]) -> dict[OutputName, Origin]:
        """Read what outputs were made from; those without a readable manifest are left out."""
        requested = list(names)
        missing = [name for name in requested if name not in self._read and name not in self.unreadable]
        if "://" in self._root.url and len(missing) > 1:
            with ThreadPoolExecutor(_MAX_WORKERS) as threads:
                origins = list(threads.map(self._load, missing))
        else:
            origins = list(map(self._load, missing))
        self._read |= {name: origin for name, origin in zip(missing, origins, strict=True) if origin is not None}
        return {name: self._read[name] for name in requested if name in self._read}

    def with_ancestors(self, names: Iterable[OutputName]) -> set[OutputName]:
        """Return outputs and all that they were made from, directly or not."""
        kept: set[OutputName] = set()
        level = set(names)
        while level:
            kept |= level
            keys = {key for each in self.origins(sorted(level)).values() for key in each.inputs}
            level = {name for key in keys for name in self._by_key.get(key, ())} - kept
        return kept

    def children(self, name: OutputName) -> list[OutputName]:
        """Return the outputs that were made from this one; reads every manifest."""
        everything = [each for names in self._by_key.values() for each in names]
        return sorted(each for each, origin in self.origins(everything).items() if name[1] in origin.inputs)

    def with_key_prefix(self, key: str) -> list[OutputName]:
        """Return the outputs whose key begins with these characters."""
        return sorted(name for known, names in self._by_key.items() if known.startswith(key) for name in names)

    def _load(self, name: OutputName) -> Origin | None:
        path = manifest_path(*name)
        try:
            return read_again(self._root, path, lambda: self._parse(name, path), (ValueError, UnsupportedFormat))
        except FileNotFoundError:
            return None
        except ValueError as error:
            self.unreadable[name] = f"{self._root.url}/{path} cannot be trusted: {error}"
        except IrregularFile as error:
            self.unreadable[name] = str(error)
        except UnsupportedFormat as error:
            raise UnsupportedFormat(f"{error}. What that output was made from is unknown") from None
        return None

    def _parse(self, name: OutputName, path: str) -> Origin:
        data = read_bounded(self._root, path, MANIFEST_BYTES)
        has_digest = check_outline(data, f"{self._root.url}/{path}")
        origin = parse_json(data, Origin)
        if (origin.stage, origin.key) != name:
            raise ValueError(f"it is the manifest of {origin.stage[:99]!r}, {origin.key[:99]!r}")
        if not has_digest:  # of an earlier version: damage shows only where its fields contradict each other
            recipe = parse_json(data, _Recipe)
            problem = self._contradiction and self._contradiction(*name, recipe.recipe, origin.inputs)
            if problem := problem or misspelt(origin.inputs, self._by_key):
                raise ValueError(problem)
        return origin
