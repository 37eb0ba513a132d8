"""Size and SHA-256 of objects, in bounded memory."""

from __future__ import annotations

import hashlib

from store.backends.base import Backend, Data
from store.manifest.schema import ObjectEntry


def entry_of_bytes(path: str, data: Data) -> ObjectEntry:
    """Return the entry of an object with these bytes."""
    view = memoryview(data)
    return ObjectEntry(path=path, size=view.nbytes, sha256=hashlib.sha256(view).hexdigest())


def entry_of_object(backend: Backend, prefix: str, path: str, expected_size: int | None = None) -> ObjectEntry | None:
    """Read the object at ``prefix/path`` piece by piece and return its entry, or None where there is none.

    An object that proves larger than expected is not read to its end; its entry has no SHA-256.
    """
    checksum, size = hashlib.sha256(), 0
    try:
        for piece in backend.stream(f"{prefix}/{path}"):
            checksum.update(piece)
            size += memoryview(piece).nbytes
            if expected_size is not None and size > expected_size:
                return ObjectEntry(path=path, size=backend.size(f"{prefix}/{path}") or size, sha256="")
    except FileNotFoundError:
        return None
    return ObjectEntry(path=path, size=size, sha256=checksum.hexdigest())
