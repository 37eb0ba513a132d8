"""The document ``manifest.json``, as msgspec structs."""

from __future__ import annotations

from typing import Any

import msgspec

FORMAT = 1

NOT_IN_FAMILY = ("raw", "rows")
"""Entries of a recipe that its family leaves out; earlier versions of this program left out the first of them alone."""


class ObjectEntry(msgspec.Struct, frozen=True):
    """One object of an output: its path below the attempt, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What ``manifest.json`` holds.

    Attributes
    ----------
    format : int
        Version of this layout.
    stage, key, attempt : str
        The objects lie under ``outputs/<stage>/<key>/<attempt>/``.
    created : str
        ISO 8601, UTC.
    objects : list of ObjectEntry
        Every object, sorted by path; what is not listed is not part of the output.
    recipe : dict
        What the key was computed from, in full.
    family : str
        Digest of the recipe without its entries ``raw`` and ``rows``: outputs of a grown dataset share it.
    inputs : list of str
        Keys of the outputs that this one was made from.
    provenance : dict
        Machine, versions and times: for people to read, never part of the key.
    """

    format: int
    stage: str
    key: str
    attempt: str
    created: str
    objects: list[ObjectEntry]
    recipe: dict[str, Any]
    family: str
    inputs: list[str]
    provenance: dict[str, Any]
