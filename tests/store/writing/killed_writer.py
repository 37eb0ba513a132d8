"""A writer that the tests kill: it makes one output of features, deterministic shard by shard.

Run as ``python killed_writer.py STORE SECONDS_PER_SHARD``; prints ``ready`` when it begins.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from store import Store
from store.features import FeatureArray, FeatureLayout, create, pending, write_shard

LAYOUT = FeatureLayout(
    200,
    (
        FeatureArray("features", (10, 64), "float32", ("patch", "feature")),
        FeatureArray("valid", (10,), "bool", ("patch",)),
    ),
    8,
)


def values(shard: int) -> dict[str, np.ndarray]:
    rows = len(LAYOUT.rows_of(shard))
    random = np.random.default_rng(shard)
    return {
        "features": random.normal(size=(rows, 10, 64)).astype("float32"),
        "valid": random.random((rows, 10)) < 0.5 if shard % 3 else np.zeros((rows, 10), bool),
    }


def main(url: str, seconds: float) -> None:
    store = Store.open(url)
    print("ready", flush=True)
    with store.draft("encode", "killed", recipe={"raw": "x", "window": 1}, inputs=[]) as draft:
        create(draft, LAYOUT, {"modality": "inertial"})
        for shard in pending(draft, LAYOUT):
            time.sleep(seconds)
            write_shard(draft, LAYOUT, shard, values(shard))
        draft.write("table.json", b"[]")
        draft.publish({})


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
