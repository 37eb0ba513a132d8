"""A content-addressed store of immutable outputs, at a folder or any URL.

`Store.open` is the way in. Importing this package imports the standard library alone; `store.features`, which
lays arrays out in Zarr, is imported by name.
"""

from .canonical import canonical_json, digest
from .errors import (
    CorruptManifest,
    CorruptObject,
    DraftLocked,
    LayoutError,
    MissingOutput,
    StoreError,
    StoreFull,
    UnsafePath,
    UnsupportedFormat,
    UnsupportedUrl,
)
from .store import Store

__all__ = [
    "CorruptManifest",
    "CorruptObject",
    "DraftLocked",
    "LayoutError",
    "MissingOutput",
    "Store",
    "StoreError",
    "StoreFull",
    "UnsafePath",
    "UnsupportedFormat",
    "UnsupportedUrl",
    "canonical_json",
    "digest",
]
