"""Stores that a stranger wrote: a good output with lies in its manifest, its Zarr metadata or its shards.

Run as ``python hostile_store.py FOLDER CASES`` it reads that many of them, within limited memory, and prints a tally.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from store import Store
from store.errors import StoreError
from store.features import FeatureArray, FeatureLayout, create, open_features, write_shard
from store.transfer import copy_output

MEMORY = 1 << 30  # beyond what the imports take

STAGE, KEY, ATTEMPT = "encode", "k1", "20260101T000000000000Z-00000000"
ROWS = 20
LAYOUT = FeatureLayout(
    ROWS,
    (
        FeatureArray("features", (3, 5), "float32", ("patch", "feature")),
        FeatureArray("valid", (3,), "bool", ("patch",)),
    ),
    8,
)
VALUES = {
    "features": np.random.default_rng(0).normal(size=(ROWS, 3, 5)).astype("float32"),
    "valid": np.ones((ROWS, 3), bool),
}
RECIPE = {"format": 1, "stage": STAGE, "params": {"window": 1.5, "names": ["a", "é"]}, "raw": {"a": "0" * 64}}

Objects = dict[str, bytes]


def good_output() -> tuple[dict[str, Any], Objects]:
    """Return the manifest and the objects of an output as this program writes it."""
    store = Store.open(f"memory://{os.urandom(8).hex()}")
    with store.draft(STAGE, KEY, recipe=RECIPE, inputs=["k0"]) as draft:
        create(draft, LAYOUT, {"kind": "series", "channels": [1, 2]})
        for shard in range(LAYOUT.shards):
            rows = LAYOUT.rows_of(shard)
            write_shard(draft, LAYOUT, shard, {name: v[rows.start : rows.stop] for name, v in VALUES.items()})
        draft.write("table.json", b'{"x": 1}')
        output = draft.publish({"host": "here"})
    manifest = json.loads(store._root.read(f"outputs/{STAGE}/{KEY}/manifest.json"))
    manifest["attempt"] = ATTEMPT
    del manifest["sha256"]  # a stranger would have it right
    return manifest, {path: output.read_bytes(path) for path in output.entries}


def listed(manifest: dict[str, Any], objects: Objects) -> dict[str, Any]:
    """Return the manifest with the sizes and hashes of these very objects: only their content lies."""
    entries = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(objects.items())
    ]
    return {**{name: value for name, value in manifest.items() if name != "sha256"}, "objects": entries}


def write(folder: Path, manifest: bytes, objects: Objects) -> Store:
    """Write a store with one output, replacing what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    output = folder / "outputs" / STAGE / KEY
    output.mkdir(parents=True)
    (folder / "store.json").write_text('{"format":"harvest-store","version":1}')
    (output / "manifest.json").write_bytes(manifest)
    for path, data in objects.items():
        file = output / ATTEMPT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return Store.open(str(folder))


def read_all(store: Store) -> dict[str, np.ndarray[Any, Any]]:
    """Do with a store what this program does with its own: look, verify, read all, read some."""
    output = store.output(STAGE, KEY)
    output.verify()
    if "table.json" in output.entries:
        output.read_json("table.json", dict)
    features = open_features(output)
    values = {name: features.read(name) for name in features.names}
    for name in features.names:
        features.read(name, [features.rows - 1, 0])
    return values


# mutations

_texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "..", "/etc/passwd", "../../../secret", "a/../../x", "C:\\x", "a\\..\\b", "nul", "a.", "a\0b", "\u202ea",
            "x" * 5000, "\ud800", "features", "features/c/0/0/0", "FEATURES/zarr.json", "zstd", "gzip", "blosc",
            "numcodecs.pickle", "object", "string", "float64", "bool", "NaN", "Infinity", "group", "0" * 64,
        ]
    ),
)  # fmt: skip
_numbers = st.one_of(
    st.integers(-2, 300),
    st.integers(-(10**30), 10**30),
    st.sampled_from([0, -1, 2**31, 2**53, 2**63, 2**64, 10**15, 10**400, -0.0, 0.5, 1e308]),
)
_paths = st.sampled_from(
    [
        "..", "/etc/passwd", "../../../../secret", "a/../../x", "C:\\x", "a\\..\\b", "nul", "a/con.txt", "a.", "a /b",
        "", "a//b", "table.JSON", "features", "valid/c/0/0/0", "x" * 300, "a/" * 600 + "b", "manifest.json", "lock",
        "a\0b", ".0123456789abcdef.partial", "\u202ea", "\ud800", "e\u0301", "zarr.json/x",
    ]
)  # fmt: skip
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for name, child in children for place in _places(child, (*here, name)))]


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> bytes:
    """Draw a document with a few of its values changed, moved, dropped, doubled, or nested very deeply."""
    value = json.loads(json.dumps(document))
    deep = False
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(_places(value)[1:] or [()]))
        if not place:
            return json.dumps(draw(_values)).encode()
        parent = value
        for name in place[:-1]:
            parent = parent[name]
        how = draw(st.sampled_from(["set", "set", "set", "drop", "swap", "add", "deep", "grow", "path", "path"]))
        if how == "set":
            parent[place[-1]] = draw(_values)
        elif how == "path":
            entries = [each for each in value.get("objects") or () if isinstance(each, dict)]
            if entries:
                draw(st.sampled_from(entries))["path"] = draw(_paths)
        elif how == "drop":
            del parent[place[-1]]
        elif how == "swap":
            other: Any = document
            for name in draw(st.sampled_from(_places(document))):
                other = other[name]
            parent[place[-1]] = other
        elif how == "add" and isinstance(parent, dict):
            parent[draw(_texts)] = draw(_values)
        elif how == "deep":
            parent[place[-1]], deep = "DEEP", True
        elif how == "grow" and isinstance(parent[place[-1]], list):
            parent[place[-1]] = parent[place[-1]] * draw(st.sampled_from([0, 2, 40]))
        value = json.loads(json.dumps(value))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if deep:
        depth = draw(st.sampled_from([50, 900, 200_000]))
        text = text.replace('"DEEP"', "[" * depth + "]" * depth)
    data = text.encode("utf-8", "surrogatepass")
    return data if draw(st.integers(0, 9)) else data[: draw(st.integers(0, len(data)))]


@st.composite
def cases(draw: st.DrawFn, manifest: dict[str, Any], objects: Objects) -> tuple[str, bytes, Objects]:
    """Draw a store: what is wrong with it, its manifest, its objects."""
    kind = draw(st.sampled_from(["manifest", "manifest", "metadata", "metadata", "shard", "random"]))
    if kind == "manifest":
        return kind, draw(mutated(manifest)), objects
    if kind == "random":
        return kind, draw(st.binary(max_size=200) | st.text().map(str.encode) | _values.map(_json)), objects
    changed = dict(objects)
    if kind == "metadata":
        path = draw(st.sampled_from([path for path in objects if path.endswith("zarr.json")]))
        changed[path] = draw(mutated(json.loads(objects[path])))
    else:
        path = draw(st.sampled_from([path for path in objects if "/c/" in path]))
        data = bytearray(objects[path])
        for _ in range(draw(st.integers(1, 4))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        data = data[: draw(st.sampled_from([len(data), len(data), len(data) // 2, 3, 0]))]
        changed[path] = _resealed(bytes(data)) if draw(st.booleans()) else bytes(data)
    return kind, json.dumps(listed(manifest, changed)).encode(), changed


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _resealed(shard: bytes) -> bytes:
    """Give a changed shard of one chunk the right checksums, so that more than those must find the change."""
    import google_crc32c

    index = shard[-20:-4]
    if len(index) < 16:
        return shard
    offset, length = (int.from_bytes(index[at : at + 8], "little") for at in (0, 8))
    chunk = shard[offset : offset + length] if length < len(shard) else b""
    if len(chunk) > 4:
        chunk = chunk[:-4] + google_crc32c.value(chunk[:-4]).to_bytes(4, "little")
        shard = shard[:offset] + chunk + shard[offset + length :]
    return shard[:-20] + index + google_crc32c.value(index).to_bytes(4, "little")


def main(folder: Path, count: int, bound: Callable[[], None]) -> Counter[str]:
    """Read hostile stores; return how many were refused, by what was wrong and the error, or read as they are."""
    manifest, objects = good_output()
    tally: Counter[str] = Counter()
    surroundings = folder / "a"
    hostile, clean = surroundings / "hostile", surroundings / "clean"
    surroundings.mkdir(parents=True)
    (surroundings / "secret").write_text("kept")
    found = read_all(write(hostile, json.dumps(manifest).encode(), objects))
    assert all(np.array_equal(found[name], VALUES[name]) for name in VALUES)
    bound()

    @seed(0)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(cases(manifest, objects))
    def read(case: tuple[str, bytes, Objects]) -> None:
        kind, content, changed = case
        shutil.rmtree(clean, ignore_errors=True)
        store = write(hostile, content, changed)
        try:
            values = read_all(store)
            tally[f"{kind}: read"] += 1
            if kind == "manifest":
                assert all(np.array_equal(values[name], VALUES[name]) for name in values)
        except StoreError as error:
            tally[f"{kind}: {type(error).__name__}"] += 1
        try:
            copy_output(store, Store.open(str(clean)), STAGE, KEY)
            assert (clean / "outputs" / STAGE / KEY / "manifest.json").read_bytes() == content
            Store.open(str(clean)).output(STAGE, KEY).verify()
        except StoreError:
            assert not Store.open(str(clean)).has(STAGE, KEY)
        assert sorted(os.listdir(folder)) == ["a"]
        assert set(os.listdir(surroundings)) <= {"clean", "hostile", "secret"}
        assert (surroundings / "secret").read_text() == "kept"
        if clean.exists():
            assert set(os.listdir(clean)) <= {"store.json", "outputs", "families"}
            assert os.listdir(clean / "outputs") in ([], [STAGE])

    read()
    return tally


def limit_memory() -> None:
    """Let this process take `MEMORY` bytes more than it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    told = main(Path(sys.argv[1]), int(sys.argv[2]), limit_memory)
    print(json.dumps({"cases": sum(told.values()), "outcomes": dict(sorted(told.items()))}, indent=1))
