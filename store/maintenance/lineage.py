"""Which outputs were made from which, as their manifests say."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from store.backends.base import Backend
from store.backends.reread import read_again
from store.errors import IrregularFile, UnsupportedFormat
from store.manifest.limits import MANIFEST_BYTES, read_at_most
from store.manifest.schema import FORMAT
from store.manifest.validation import Contradiction, check_outline, misspelt, parse_json
from store.paths import OutputName, manifest_path

_AT_ONCE = 16  # manifests read from a bucket at a time


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
    """The published outputs of a store and what they were made from; each manifest is read once, when asked for.

    Attributes
    ----------
    unreadable : dict of (str, str) to str
        Manifests that say nothing, or nothing that can be trusted, and why.
    """

    def __init__(self, root: Backend, names: Iterable[OutputName], contradiction: Contradiction | None = None) -> None:
        self.unreadable: dict[OutputName, str] = {}
        self._root = root
        self._contradiction = contradiction
        self._read: dict[OutputName, Origin] = {}
        self._by_key: dict[str, list[OutputName]] = {}
        for name in names:
            self._by_key.setdefault(name[1], []).append(name)

    def origins(self, names: Iterable[OutputName]) -> dict[OutputName, Origin]:
        """Read what outputs were made from; those without a readable manifest are left out."""
        asked = list(names)
        missing = [name for name in asked if name not in self._read and name not in self.unreadable]
        if "://" in self._root.url and len(missing) > 1:
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                found = list(threads.map(self._load, missing))
        else:
            found = list(map(self._load, missing))
        self._read |= {name: each for name, each in zip(missing, found, strict=True) if each is not None}
        return {name: self._read[name] for name in asked if name in self._read}

    def with_parents(self, names: Iterable[OutputName]) -> set[OutputName]:
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
        """Return the outputs whose key begins so."""
        return sorted(name for known, names in self._by_key.items() if known.startswith(key) for name in names)

    def _load(self, name: OutputName) -> Origin | None:
        where = manifest_path(*name)
        try:
            return read_again(self._root, where, lambda: self._parsed(name, where), (ValueError, UnsupportedFormat))
        except FileNotFoundError:
            return None
        except ValueError as error:
            self.unreadable[name] = f"{self._root.url}/{where} cannot be trusted: {error}"
            return None
        except IrregularFile as error:
            self.unreadable[name] = str(error)
            return None
        except UnsupportedFormat as error:
            raise UnsupportedFormat(f"{error}. It cannot be told what that output was made from") from None

    def _parsed(self, name: OutputName, where: str) -> Origin:
        data = read_at_most(self._root, where, MANIFEST_BYTES)
        sealed = check_outline(data, f"{self._root.url}/{where}", FORMAT)
        found: Origin = parse_json(data, Origin)
        if (found.stage, found.key) != name:
            raise ValueError(f"it is the manifest of {found.stage[:99]!r}, {found.key[:99]!r}")
        if not sealed:  # of an earlier version: what can be told otherwise is compared
            recipe: _Recipe = parse_json(data, _Recipe)
            told = self._contradiction and self._contradiction(*name, recipe.recipe, found.inputs)
            told = told or misspelt(found.inputs, self._by_key)
            if told:
                raise ValueError(told)
        return found
