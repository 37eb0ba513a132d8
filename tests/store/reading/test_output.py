"""An output is what its manifest lists, or reading it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import Store
from store.errors import CorruptManifest, CorruptObject, MissingOutput, StoreError, UnsafePath, UnsupportedFormat
from store.features import FeatureArray, FeatureLayout, create, open_features, write_shard
from store.reading.output import Output

LAYOUT = FeatureLayout(100, (FeatureArray("features", (3, 5), "float32", ("patch", "feature")),))
VALUES = np.random.default_rng(0).normal(size=(100, 3, 5)).astype("float32")


def publish(store: Store) -> Output:
    with store.draft("encode", "k1", recipe={}, inputs=[]) as draft:
        create(draft, LAYOUT, {})
        for shard in range(LAYOUT.shards):
            rows = LAYOUT.rows_of(shard)
            write_shard(draft, LAYOUT, shard, {"features": VALUES[rows.start : rows.stop]})
        draft.write("table.json", b'{"x": 1}')
        return draft.publish({})


@pytest.fixture
def changed(store: Store) -> Callable[[str, Callable[[bytes], bytes] | None], Output]:
    """Publish an output, change one of its objects behind the store's back, and open it anew."""

    def change(path: str, how: Callable[[bytes], bytes] | None) -> Output:
        output = publish(store)
        full = f"outputs/encode/k1/{output.manifest.attempt}/{path}"
        data = store._root.read(full)
        store._root.delete(full) if how is None else store._root.put(full, how(data))
        return store.output("encode", "k1")

    return change


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


DAMAGES = [flip, lambda data: data[:-1], lambda data: data + b"\0", lambda data: b"", None]


@pytest.mark.parametrize("how", DAMAGES, ids=["flipped", "truncated", "longer", "empty", "missing"])
class TestDamage:
    def test_a_small_object(self, changed: Any, how: Any) -> None:
        output = changed("table.json", how)
        with pytest.raises(CorruptObject) as error:
            output.read_json("table.json", dict)
        for words in ("table.json", "expected 8 bytes", "found", "outputs/encode/k1", "Run again"):
            assert words in str(error.value)

    def test_a_shard_read_whole(self, changed: Any, how: Any) -> None:
        features = open_features(changed("features/c/1/0/0", how))
        with pytest.raises(CorruptObject, match="features/c/1/0/0"):
            features.read("features")

    def test_a_shard_read_in_part(self, changed: Any, how: Any) -> None:
        features = open_features(changed("features/c/1/0/0", how))
        np.testing.assert_array_equal(features.read("features", [3, 0]), VALUES[[3, 0]])
        with pytest.raises(CorruptObject, match="features/c/1/0/0"):
            features.read("features", [70])

    @pytest.mark.parametrize("path", ["zarr.json", "features/zarr.json"])
    def test_metadata(self, changed: Any, how: Any, path: str) -> None:
        with pytest.raises(CorruptObject, match=path):
            open_features(changed(path, how))


def test_checking_all_of_it(store: Store) -> None:
    publish(store).verify()


def test_an_object_is_checked_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store)
    features = open_features(store.output("encode", "k1"))
    streamed = []
    stream = type(store._root).stream
    monkeypatch.setattr(type(store._root), "stream", lambda root, path: streamed.append(path) or stream(root, path))
    for _ in range(3):
        features.read("features", [1, 99])
    assert len(streamed) == len(set(streamed)) <= 2


def test_a_shard_that_shrinks_while_it_is_read(store: Store) -> None:
    output = publish(store)
    path = "features/c/0/0/0"
    output.check(path)
    store._root.put(f"outputs/encode/k1/{output.manifest.attempt}/{path}", b"short")
    with pytest.raises(CorruptObject, match=path):
        output.read_range(path, 0, 100)


def test_what_the_manifest_does_not_list_is_not_there(store: Store) -> None:
    output = publish(store)
    store._root.put(f"outputs/encode/k1/{output.manifest.attempt}/features/extra", b"1")
    with pytest.raises(StoreError, match=r"no object features/extra; .* lists features/c/0/0/0"):
        output.read_bytes("features/extra")
    assert open_features(output).names == ("features",)


def test_an_output_that_is_not_there(store: Store) -> None:
    with pytest.raises(MissingOutput, match="outputs/encode/k2 has no manifest"):
        store.output("encode", "k2")


class TestManifest:
    def rewrite(self, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Store:
        store = Store.open(str(folder))
        publish(store)
        file = folder / "outputs/encode/k1/manifest.json"
        manifest = json.loads(file.read_bytes())
        del manifest["sha256"]
        text = change(manifest)
        file.write_text(text if isinstance(text, str) else json.dumps(manifest))
        return store

    @pytest.mark.parametrize(
        "path",
        [
            "/etc/passwd",
            "../../../../secret",
            "a/../../x",
            "..\\x",
            "C:/x",
            "C:\\x",
            "",
            "a//b",
            "./a",
            "a/..",
            "a\u0000",
        ],
    )
    def test_a_path_that_leaves_the_output(self, folder: Path, path: str) -> None:
        store = self.rewrite(folder, lambda m: m["objects"][0].update(path=path))
        with pytest.raises(UnsafePath, match=r"manifest\.json names the path"):
            store.output("encode", "k1")

    @pytest.mark.parametrize(
        "change",
        [
            lambda m: "",
            lambda m: "{",
            lambda m: "[]",
            lambda m: json.dumps(m)[:200],
            lambda m: m.pop("objects"),
            lambda m: m.update(key="another"),
            lambda m: m.update(attempt="../../train/k2/20260101T000000000000Z-00000000"),
            lambda m: m.update(attempt="."),
            lambda m: m["objects"][0].update(size=-1),
            lambda m: m["objects"][0].update(size="8"),
            lambda m: m["objects"][0].update(sha256="abc"),
            lambda m: m["objects"].append(m["objects"][0]),
        ],
    )
    def test_one_that_makes_no_sense(self, folder: Path, change: Any) -> None:
        store = self.rewrite(folder, change)
        with pytest.raises(CorruptManifest, match=r"manifest\.json cannot be used: .*Run again"):
            store.manifest("encode", "k1")

    def test_one_of_a_later_format(self, folder: Path) -> None:
        store = self.rewrite(folder, lambda m: json.dumps({"format": 2}))
        with pytest.raises(UnsupportedFormat, match="has format 2"):
            store.output("encode", "k1")
