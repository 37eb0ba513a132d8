"""Feature outputs: arrays with one row a recording, in Zarr v3 format, written a shard at a time.

Whoever is outside `store` takes what is named here, and nothing below it. Start reading at layout.py (how arrays are
cut), then writing.py and reading.py.
"""

from store.writing.shard_draft import ShardDraft

from .array_metadata import read_draft_metadata
from .copying import layout_signature, layout_signature_of, read_objects, write_objects
from .layout import FeatureArray, FeatureLayout
from .reading import FeatureOutput, open_features
from .writing import create, pending, read_draft_rows, write_shard

__all__ = [
    "FeatureArray",
    "FeatureLayout",
    "FeatureOutput",
    "ShardDraft",
    "create",
    "layout_signature",
    "layout_signature_of",
    "open_features",
    "pending",
    "read_draft_metadata",
    "read_draft_rows",
    "read_objects",
    "write_objects",
    "write_shard",
]
