"""Feature outputs: arrays with one row a recording, sharded in Zarr v3, written a shard at a time."""

from .copying import layout_signature, layout_signature_of, read_objects, write_objects
from .layout import FeatureArray, FeatureLayout
from .reading import FeatureOutput, open_features
from .writing import ShardDraft, create, pending, write_shard

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
    "read_objects",
    "write_objects",
    "write_shard",
]
