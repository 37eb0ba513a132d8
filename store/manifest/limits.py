"""How large anything in a store may be. What exceeds a limit is refused before it is read or unpacked.

Whatever a publisher wrote, a reader's memory stays within a small multiple of these, and of the arrays asked for.
"""

from __future__ import annotations

from store.backends.base import Backend

MIB = 1 << 20

MANIFEST_BYTES = 64 * MIB
RECIPE_BYTES = 8 * MIB  # the recipe, the provenance and the inputs, each
OBJECTS = 250_000  # of one output; a million recordings in five arrays make 80,000
OBJECT_BYTES = 2048 * MIB
OUTPUT_BYTES = 64 << 40
JSON_BYTES = 64 * MIB  # an object that is read as one JSON value
LINE_BYTES = 1 * MIB  # one line of an object of JSON lines
NOTE_BYTES = 1 * MIB  # store.json, and a journal's entries
REF_BYTES = 64 * MIB
METADATA_BYTES = 1 * MIB  # a zarr.json


def read_bounded(backend: Backend, path: str, limit: int) -> bytes:
    """Return an object's bytes, however large it is or claims to be; of one beyond the limit the first ``limit + 1``.

    By that one byte more whoever reads it knows that it is too large.
    """
    data = bytearray()
    for piece in backend.stream(path):
        data += memoryview(piece)[: limit + 1 - len(data)]
        if len(data) > limit:
            break
    return bytes(data)
