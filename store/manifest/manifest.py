"""Making, encoding and reading manifests: where there is no manifest, there is no output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from store.backends.base import Backend, FolderInPlace
from store.backends.reread import read_again
from store.canonical import canonical_json
from store.errors import REMEDY, CorruptManifest, StoreError, UnsafeManifest, UnsafePath, UnsupportedFormat
from store.manifest.limits import MANIFEST_BYTES, read_bounded
from store.manifest.schema import FORMAT, Manifest, ObjectEntry
from store.manifest.self_digest import with_digest
from store.manifest.validation import check_manifest, check_objects, check_outline, family_of, parse_json
from store.paths import manifest_path


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
        The output exceeds a limit of `store.manifest.limits`, or two of its objects could not lie in one folder.
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
    canonical_json([manifest.recipe, manifest.provenance])
    where = f"the draft of {stage}/{key}"
    try:  # as a reader will: nothing is published that cannot be read
        check_objects(manifest.objects, where)
        check_outline(encode_manifest(manifest), where)
    except ValueError as error:
        raise StoreError(f"{where} cannot be published: {error}") from error
    return manifest


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as indented JSON, with the digest of its text."""
    return with_digest(msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def decode_manifest(data: bytes, *, stage: str, key: str, url: str) -> Manifest:
    """Read a ``manifest.json``; check that it is that of `stage` and `key`, and names nothing outside its output.

    Raises
    ------
    CorruptManifest, UnsafePath, UnsupportedFormat
    """
    where = f"{url}/{manifest_path(stage, key)}"
    try:
        check_outline(data, where)
        manifest = parse_json(data, Manifest)
        check_manifest(manifest, stage, key, where)
    except UnsafePath as error:
        raise UnsafeManifest(str(error), url=url, stage=stage, key=key) from error
    except ValueError as error:
        raise CorruptManifest(f"{where} cannot be used: {error}. {REMEDY}", url=url, stage=stage, key=key) from error
    return manifest


def load_manifest(
    backend: Backend, stage: str, key: str, on_misread: Callable[[str], None] | None = None
) -> Manifest | None:
    """Read and check a manifest; None where nothing is published. `on_misread` is as `misread` in `read_again`."""
    loaded = manifest_and_text(backend, stage, key, on_misread)
    return None if loaded is None else loaded[0]


def manifest_and_text(
    backend: Backend, stage: str, key: str, on_misread: Callable[[str], None] | None = None
) -> tuple[Manifest, bytes] | None:
    """Do as `load_manifest`; return the bytes, too."""
    path = manifest_path(stage, key)

    def read() -> tuple[Manifest, bytes]:
        data = read_bounded(backend, path, MANIFEST_BYTES)
        return decode_manifest(data, stage=stage, key=key, url=backend.url), data

    try:
        return read_again(backend, path, read, (CorruptManifest, UnsupportedFormat), on_misread)
    except FolderInPlace:
        problem = f"{backend.url}/{path} is a folder where a file belongs. {REMEDY}"
        raise CorruptManifest(problem, url=backend.url, stage=stage, key=key) from None
    except FileNotFoundError:
        return None
