"""The document ``manifest.json``, as msgspec structs."""

from __future__ import annotations

from typing import Any

import msgspec

FORMAT = 1

# Entries of a recipe that its family leaves out; earlier versions of this program left out the first of them alone.
NOT_IN_FAMILY = ("raw", "rows")


class ObjectEntry(msgspec.Struct, frozen=True):
    """One object of an output: its path below the attempt, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What ``manifest.json`` holds."""

    format: int  # version of this layout
    # The objects lie under ``outputs/<stage>/<key>/<attempt>/``.
    stage: str
    key: str
    attempt: str
    created: str  # ISO 8601, UTC
    objects: list[ObjectEntry]  # every object, sorted by path; what is not listed is not part of the output
    recipe: dict[str, Any]  # what the key was computed from, in full
    family: str  # digest of the recipe without its entries `raw` and `rows`: outputs of a grown dataset share it
    inputs: list[str]  # keys of the outputs that this one was made from
    provenance: dict[str, Any]  # machine, versions and times: for people to read, never part of the key

    @property
    def bytes(self) -> int:
        """Return how much all objects hold."""
        return sum(entry.size for entry in self.objects)
