"""The manifest: what an output consists of, and what it was made from. It exists, or there is no output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from store.canonical import canonical_json, digest
from store.errors import REMEDY, CorruptManifest, StoreError, UnsafeManifest, UnsafePath
from store.manifest_rules import check_manifest, check_objects, check_outline, parse_json
from store.paths import manifest_path
from store.self_digest import with_digest

FORMAT = 1

WITHOUT = ("raw", "rows")
"""What a family leaves out of its recipe; earlier versions of this program left out the first of them alone."""


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
        In full, as the key was computed from it.
    family : str
        Digest of the recipe without its entries ``raw`` and ``rows``: outputs of a grown dataset share it.
    inputs : list of str
        Keys of the outputs that this one was made from.
    provenance : dict
        Machine, versions and times: told, never part of the key.
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


class _Version(msgspec.Struct):
    format: int


def new_manifest(
    stage: str,
    key: str,
    attempt: str,
    *,
    objects: Iterable[ObjectEntry],
    recipe: Mapping[str, Any],
    inputs: Sequence[str],
    provenance: Mapping[str, Any],
) -> Manifest:
    """Assemble and check the manifest of a finished attempt.

    Raises
    ------
    UnsafePath
        An object's path leaves the output.
    TypeError, ValueError
        The recipe or provenance is not JSON.
    StoreError
        The output goes beyond a limit of `store.limits`, or two of its objects could not lie in one folder.
    """
    manifest = Manifest(
        format=FORMAT,
        stage=stage,
        key=key,
        attempt=attempt,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        objects=sorted(objects, key=lambda entry: entry.path),
        recipe=dict(recipe),
        family=family_of(recipe),
        inputs=list(inputs),
        provenance=dict(provenance),
    )
    canonical_json(manifest.provenance)
    where = f"the draft of {stage}/{key}"
    try:  # a reader would refuse it
        check_objects(manifest.objects, where)
        check_outline(encode_manifest(manifest), where, FORMAT)
    except ValueError as error:
        raise StoreError(f"{where} cannot be published: {error}") from error
    return manifest


def family_of(recipe: Mapping[str, Any]) -> str:
    """Return the digest of a recipe without its raw data, and without what tells which row is whose."""
    return digest({name: value for name, value in recipe.items() if name not in WITHOUT})


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as indented JSON, with the digest of its text."""
    return with_digest(msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def decode_manifest(data: bytes, *, stage: str, key: str, url: str) -> Manifest:
    """Read a manifest; check that it is that of `stage` and `key`, and names nothing outside its output.

    Parameters
    ----------
    data : bytes
        Contents of ``manifest.json``.
    stage, key : str
        Under which it was found.
    url : str
        The store's.

    Raises
    ------
    CorruptManifest, UnsafePath, UnsupportedFormat
    """
    where = f"{url}/{manifest_path(stage, key)}"
    try:
        check_outline(data, where, FORMAT)
        manifest: Manifest = parse_json(data, Manifest)
        check_manifest(manifest, stage, key, where, WITHOUT)
    except UnsafePath as error:
        raise UnsafeManifest(str(error), url=url, stage=stage, key=key) from error
    except ValueError as error:
        raise CorruptManifest(f"{where} cannot be used: {error}. {REMEDY}", url=url, stage=stage, key=key) from error
    return manifest
