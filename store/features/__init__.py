"""Feature outputs: arrays with one row a recording, sharded in Zarr v3, written a shard at a time."""

from .layout import FeatureArray, FeatureLayout
from .reading import FeatureOutput, open_features
from .writing import create, pending, write_shard

__all__ = [
    "FeatureArray",
    "FeatureLayout",
    "FeatureOutput",
    "create",
    "open_features",
    "pending",
    "write_shard",
]
