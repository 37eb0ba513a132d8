"""What can go wrong in a store; every message names the object, what is wrong, and the remedy.

StoreError
├── MissingOutput        no manifest: the output was never published here
├── CorruptObject        bytes differ from what the manifest lists, or are gone
├── CorruptManifest      a manifest that cannot be read
├── UnsafePath           a path or name that would leave its output
├── DraftLocked          another process writes this output now
├── StoreFull            no space (or quota) left; what is journalled stays
├── UnsupportedFormat    the store was written by another version
├── UnsupportedUrl       a URL that no store can be opened at
└── LayoutError          arrays that cannot be laid out as a feature output
"""

from __future__ import annotations


class StoreError(Exception):
    """Root of all errors of this package."""


class MissingOutput(StoreError):
    """There is no published output under this stage and key."""


class CorruptObject(StoreError):
    """An object's bytes are not those that its manifest lists."""


class CorruptManifest(StoreError):
    """A manifest cannot be parsed or contradicts its place in the store."""


class UnsafePath(StoreError):
    """A path that leaves its output, or a name that cannot be a folder's."""


class DraftLocked(StoreError):
    """Another process holds the draft of this output."""


class StoreFull(StoreError):
    """The disk, the quota or the file size limit is used up."""


class UnsupportedFormat(StoreError):
    """``store.json`` or a manifest tells of a format that this version cannot read."""


class UnsupportedUrl(StoreError):
    """No store can be opened at this URL."""


class LayoutError(StoreError):
    """Feature arrays that contradict each other, their shards or their limits."""
