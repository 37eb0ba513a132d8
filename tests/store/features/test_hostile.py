"""Nothing that a stranger wrote into a store crashes its reader, leaves the store, or takes memory without bound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import numcodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import Store
from store.errors import (
    CorruptManifest,
    CorruptObject,
    LayoutError,
    StoreError,
    UnsafeManifest,
    UnsafePath,
    UnsupportedFormat,
)
from store.features import FeatureArray, FeatureLayout, array_metadata, create, open_features
from store.features.copying import read_objects
from store.features.zstd import content_size
from store.manifest.limits import read_bounded

from .hostile_store import ATTEMPT, KEY, LAYOUT, ROWS, STAGE, good_output, listed, write

CASES = Path(__file__).with_name("hostile_store.py")
MIB = 1 << 20
SHARD = "features/c/0/0/0"

Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def good() -> tuple[dict[str, Any], dict[str, bytes]]:
    return good_output()


@pytest.fixture
def hostile(good: Any, tmp_path: Path) -> Callable[..., Store]:
    """Write the good output with its manifest, or one of its objects, changed; its hashes are right again."""

    def make(change: Change | None = None, path: str | None = None) -> Store:
        manifest, objects = json.loads(json.dumps(good[0])), dict(good[1])
        text: Any = None
        if change is not None and path is None:
            text = change(manifest)
        elif change is not None and path is not None:
            if path.endswith("zarr.json"):
                document = json.loads(objects[path])
                told = change(document)
                objects[path] = told if isinstance(told, bytes) else json.dumps(document).encode()
            else:
                objects[path] = change(objects[path])
            manifest = listed(manifest, objects)
        content = text if isinstance(text, bytes) else json.dumps(manifest).encode()
        return write(tmp_path / "hostile", content, objects)

    return make


def run_cases(count: int, tmp_path: Path) -> dict[str, int]:
    """Read hostile stores in a process of limited memory; in memory where there is a file system for it."""
    fast = Path("/dev/shm")
    folder = fast / f"hostile-{os.getpid()}" if os.access(fast, os.W_OK) else tmp_path / "cases"
    try:
        done = subprocess.run(
            [sys.executable, CASES, folder, str(count)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(CASES.parents[3])},
            capture_output=True,
            text=True,
            timeout=280,
        )
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    assert done.returncode == 0, done.stderr[-5000:]
    told = json.loads(done.stdout)
    assert told["cases"] >= count
    return dict(told["outcomes"])


def test_hundreds_of_hostile_stores(tmp_path: Path) -> None:
    outcomes = run_cases(300, tmp_path)
    assert {"manifest: CorruptManifest", "manifest: UnsafeManifest", "metadata: CorruptObject"} <= set(outcomes)
    assert "shard: CorruptObject" in outcomes


@pytest.mark.slow
def test_a_thousand_hostile_stores(tmp_path: Path) -> None:
    print(json.dumps(run_cases(1000, tmp_path), indent=1))


class TestManifest:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda m: m.update(created="yesterday"), "no time with a zone"),
            (lambda m: m.update(created="2026-01-01T00:00:00"), "no time with a zone"),
            (lambda m: m.update(inputs=["../k"]), "names the input"),
            (lambda m: m.update(family="0" * 64), "family"),
            (lambda m: m["recipe"].update(stage="train"), "family"),
            (lambda m: m["objects"][0].update(size=10**10), "no valid size"),
            (lambda m: m["objects"][0].update(size=10**30), "no valid size"),
            (lambda m: m["objects"].append({**m["objects"][0], "path": "TABLE.json"}), "one file to many systems"),
            (lambda m: m["objects"].append({**m["objects"][0], "path": "table.json/a"}), "a file cannot be a folder"),
            (lambda m: m.update(objects=[{"path": str(i), "size": 0, "sha256": "0" * 64} for i in range(250_001)]),
             "more than 250000 objects"),
            (lambda m: m.update(objects=[{"path": str(i), "size": 2**31, "sha256": "0" * 64} for i in range(32_769)]),
             "objects have"),
            (lambda m: b"[" * 10**6, "nested|array"),
            (lambda m: json.dumps(m).encode().replace(b'"here"', b"[" * 10**6 + b"]" * 10**6), "nested"),
            (lambda m: b" " * (65 * MIB), "more than 64 MiB"),
            (lambda m: m["recipe"].update(a=[0] * (4 * MIB)), "recipe has more than 8 MiB"),
            (lambda m: m.update(inputs=["k"] * (2 * MIB)), "inputs has more than 8 MiB"),
            (lambda m: m.update(provenance={"a": "b" * (8 * MIB)}), "provenance has more than 8 MiB"),
        ],
    )  # fmt: skip
    def test_one_that_is_refused(self, hostile: Any, change: Change, words: str) -> None:
        with pytest.raises(CorruptManifest, match=f"(?s)cannot be used: .*({words}).*Run again"):
            hostile(change).manifest(STAGE, KEY)

    @pytest.mark.parametrize("path", ["nul", "a/COM1.txt", "a.", "a ", "a/b /c", 'a"b', "x" * 256, "é" * 128, "a*"])
    def test_a_name_that_some_system_cannot_store(self, hostile: Any, path: str) -> None:
        with pytest.raises(UnsafePath) as error:
            hostile(lambda m: m["objects"][0].update(path=path)).output(STAGE, KEY)
        assert isinstance(error.value, UnsafeManifest)
        assert (error.value.stage, error.value.key) == (STAGE, KEY)

    @pytest.mark.parametrize("path", ["null", "console.txt", "a.b", "é/ü", "-", "a b", "é" * 127, "com10"])
    def test_a_name_that_every_system_can_store(self, hostile: Any, path: str) -> None:
        assert hostile(lambda m: m["objects"][0].update(path=path)).output(STAGE, KEY)

    def test_an_output_of_an_earlier_version(self, hostile: Any) -> None:
        from store.canonical import digest

        def change(manifest: Any) -> None:
            manifest["recipe"]["rows"] = "0" * 64
            manifest["family"] = digest({k: v for k, v in manifest["recipe"].items() if k != "raw"})

        assert hostile(change).manifest(STAGE, KEY)

    def test_a_store_of_another_kind(self, hostile: Any, tmp_path: Path) -> None:
        store = hostile()
        for content in (b"", b"[" * 10**6, b"\xff", b"{}", b'{"format":"harvest-store","version":2}', b"9" * 10**7):
            (tmp_path / "hostile" / "store.json").write_bytes(content)
            with pytest.raises(UnsupportedFormat, match=r"store\.json says") as error:
                Store.open(store.url)
            assert len(str(error.value)) < 1000

    def test_what_is_published_can_be_read(self, store: Store) -> None:
        large = {"a": "b" * (9 * MIB)}
        with (
            store.draft("train", "k1", recipe=large, inputs=[]) as draft,
            pytest.raises(StoreError, match="cannot be published: its recipe has more than 8 MiB"),
        ):
            draft.publish({})
        with store.draft("train", "k2", recipe={}, inputs=[]) as draft:
            draft.write("a", b"")
            draft.write("A", b"")
            with pytest.raises(StoreError, match="one file to many systems"):
                draft.publish({})


class TestObjects:
    def test_one_that_is_far_larger_than_listed(self, hostile: Any, tmp_path: Path) -> None:
        store = hostile()
        file = tmp_path / "hostile" / "outputs" / STAGE / KEY / ATTEMPT / "table.json"
        os.truncate(file, 1 << 40)  # sparse
        reads = (lambda o: o.read_bytes("table.json"), lambda o: o.verify(), lambda o: o.read_json("table.json", dict))
        for read in reads:
            with pytest.raises(CorruptObject, match=rf"expected 8 bytes .* found {1 << 40} bytes"):
                read(store.output(STAGE, KEY))

    @pytest.mark.parametrize("content", [b"", b"{", b"[" * 10**5, b'{"x": NaN}', b"\xff", b'{"x": "1"}', b"[1]"])
    def test_json_of_another_kind(self, hostile: Any, content: bytes) -> None:
        output = hostile(lambda data: content, "table.json").output(STAGE, KEY)
        with pytest.raises(CorruptObject, match=r"table\.json is not what such an output holds: .*Run again"):
            output.read_json("table.json", dict[str, int])
        with pytest.raises(CorruptObject, match=r"table\.json, line 1, is not what"):
            list(hostile(lambda data: content + b"\n", "table.json").output(STAGE, KEY).read_lines("table.json", int))

    def test_no_more_is_read_than_asked_for(self, store: Store) -> None:
        store._root.put("a", b"x" * (5 * MIB))
        for most in (0, 1, MIB, 5 * MIB - 1):
            assert len(read_bounded(store._root, "a", most)) == most + 1
        assert len(read_bounded(store._root, "a", 5 * MIB)) == 5 * MIB


def _codec(m: Any, place: int) -> Any:
    return m["codecs"][0]["configuration"]["codecs"][place]


class TestZarrMetadata:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda m: m.update(shape=[10**15, 3, 5]), "int"),
            (lambda m: m.update(shape=[10**12, 3, 5]), "are 125000000000 shards, and the manifest lists 3"),
            (lambda m: m.update(shape=[25, 3, 5]), "are 4 shards"),
            (lambda m: m.update(shape=[16, 3, 5]), "are 2 shards"),
            (lambda m: m.update(shape=[ROWS, 3, 6]), "not whole rows"),
            (lambda m: m.update(shape=[0, 3, 5]), "int"),
            (lambda m: m.update(shape=[]), "shape"),
            (lambda m: m.update(shape=[ROWS] * 17), "shape"),
            (lambda m: m.update(data_type="string"), "data_type"),
            (lambda m: m.update(data_type={"name": "numpy.datetime64"}), "data_type"),
            (lambda m: m.update(data_type="object"), "data_type"),
            (lambda m: m.update(fill_value=1.0), "fill value"),
            (lambda m: m.update(fill_value="NaN"), "fill_value"),
            (lambda m: m.update(dimension_names=["recording", "patch"]), "differ in number"),
            (lambda m: m.update(dimension_names=["row", "patch", "feature"]), "'recording'"),
            (lambda m: m.update(dimension_names=None), "dimension_names"),
            (lambda m: m.update(codecs=[{"name": "bytes", "configuration": {"endian": "little"}}]), "codecs"),
            (lambda m: m.update(codecs=m["codecs"] * 2), "codecs"),
            (lambda m: _codec(m, 0)["configuration"].update(endian="big"), "endian"),
            (lambda m: _codec(m, 0).pop("configuration"), "endian"),
            (lambda m: _codec(m, 1).update(name="blosc"), "codecs"),
            (lambda m: _codec(m, 1).update(name="numcodecs.pickle"), "codecs"),
            (lambda m: _codec(m, 1)["configuration"].update(level=10**9), "level"),
            (lambda m: m["codecs"][0]["configuration"].update(index_location="start"), "index_location"),
            (lambda m: m["codecs"][0]["configuration"].update(chunk_shape=[1, 1, 2]), "not whole rows"),
            (lambda m: m["codecs"][0]["configuration"].update(chunk_shape=[3, 3, 5]), "a chunk 3"),
            (lambda m: m["chunk_key_encoding"].update(name="v2"), "chunk_key_encoding"),
            (lambda m: m["chunk_key_encoding"]["configuration"].update(separator="."), "separator"),
            (lambda m: m["chunk_grid"].update(name="rectilinear"), "chunk_grid"),
            (lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[128, 3, 5]), "at most 64"),
            (lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[8, 3, 4000000]), "not whole rows"),
            (lambda m: m.update(zarr_format=2), "zarr_format"),
            (lambda m: m.update(node_type="group"), "node_type"),
            (lambda m: m.update(storage_transformers=[{"name": "x"}]), "storage_transformers"),
            (lambda m: m.update(must_understand={"name": "x"}), "unknown field"),
            (lambda m: json.dumps(m).encode() + b" " * MIB, "which no Zarr metadata has"),
            (lambda m: b"[" * 10**5, "nested|object"),
        ],
    )  # fmt: skip
    def test_an_array_that_is_refused(self, hostile: Any, change: Change, words: str) -> None:
        store = hostile(change, "features/zarr.json")
        store.output(STAGE, KEY).verify()
        with pytest.raises(CorruptObject, match=f"features/zarr.json (is not|has more).*({words})") as error:
            open_features(store.output(STAGE, KEY))
        assert error.value.path == "features/zarr.json"

    def test_huge_shards_and_chunks(self) -> None:
        def problem(shape: tuple[int, ...], shard: tuple[int, ...], chunk: tuple[int, ...]) -> str | None:
            dims = ("recording", "a", "b")[: len(shape)]
            return array_metadata._shape_problem(
                array_metadata.ArrayMetadata("x", shape, shard, chunk, np.dtype("float32"), dims, 1, False)
            )

        assert problem((64, 1 << 20), (64, 1 << 20), (1, 1 << 18)) is None
        assert "more than 256 MiB" in str(problem((64, 1 << 21), (64, 1 << 21), (1, 1 << 18)))
        assert "more than 1 MiB" in str(problem((64, 1 << 20), (64, 1 << 20), (64, 1 << 20)))
        assert "chunks" in str(problem((64, 1 << 20), (64, 1 << 20), (1, 1)))
        assert "chunks" in str(problem((1, 8193, 4097), (1, 16384, 8192), (1, 8192, 4096 >> 3)))

    @settings(deadline=None)
    @given(
        st.lists(st.integers(1, 3000), max_size=3).map(tuple),
        st.sampled_from(["bool", "int64", "float16", "float32", "complex128"]),
        st.integers(1, 200),
    )
    def test_everything_that_is_laid_out_is_trusted(self, tail: tuple[int, ...], dtype: str, rows: int) -> None:
        array = FeatureArray("x", tail, dtype, tuple("abc"[: len(tail)]))
        try:
            layout = FeatureLayout(rows, (array,))
        except LayoutError:
            return
        store = Store.open(f"memory://{os.urandom(8).hex()}")
        with store.draft("encode", "k1", recipe={}, inputs=[]) as draft:
            create(draft, layout, {})
            for shard in range(layout.shards):
                draft.write("/".join(["x", "c", str(shard), *("0" for _ in tail)]), b"")
            _, arrays = array_metadata.read_metadata(draft.publish({}))
        assert arrays["x"].shape == (rows, *tail)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda m: m.update(attributes=[]), "attributes"),
            (lambda m: m.update(node_type="array"), "node_type"),
            (lambda m: m.update(consolidated_metadata={"metadata": {}}), "consolidated_metadata"),
        ],
    )
    def test_a_group_that_is_refused(self, hostile: Any, change: Change, words: str) -> None:
        with pytest.raises(CorruptObject, match=f"zarr.json is not .*{words}"):
            open_features(hostile(change, "zarr.json").output(STAGE, KEY))

    def test_other_objects_among_the_shards(self, good: Any, tmp_path: Path) -> None:
        objects = {**good[1], "features/c/0/0/1": b"x"}
        store = write(tmp_path / "hostile", json.dumps(listed(good[0], objects)).encode(), objects)
        with pytest.raises(CorruptObject, match="20 rows are 3 shards, and the manifest lists 4"):
            open_features(store.output(STAGE, KEY))

    def test_rows_beyond_this_machine(self, hostile: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        features = open_features(hostile().output(STAGE, KEY))
        monkeypatch.setattr(os, "sysconf", lambda name: 10)
        with pytest.raises(LayoutError, match="20 rows take"):
            features.read("features")
        assert features.read("features", [1]).shape == (1, 3, 5)


def shard_of(chunk: bytes, offset: int | None = None, length: int | None = None) -> Callable[[bytes], bytes]:
    """Return what makes a shard of one chunk, its checksums right, its index as given."""
    sealed = chunk + google_crc32c.value(chunk).to_bytes(4, "little")
    index = b"".join(
        (given % 2**64).to_bytes(8, "little")
        for given in (0 if offset is None else offset, len(sealed) if length is None else length)
    )
    return lambda data: sealed + index + google_crc32c.value(index).to_bytes(4, "little")


def frame(content: bytes) -> bytes:
    return bytes(numcodecs.Zstd(level=1).encode(content))


CHUNK = frame(bytes(8 * 3 * 5 * 4))
BOMB = frame(bytes(400 * MIB))


class TestShards:
    def test_a_right_one(self, hostile: Any) -> None:
        features = open_features(hostile(shard_of(CHUNK), SHARD).output(STAGE, KEY))
        assert not features.read("features", range(8)).any()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (shard_of(CHUNK, -1, -1), "leaves chunks out"),
            (shard_of(CHUNK, -1, 5), "beyond its end"),
            (shard_of(CHUNK, 2**63, 10), "beyond its end"),
            (shard_of(CHUNK, 10, 2**63), "beyond its end"),
            (shard_of(CHUNK, 0, 2**64 - 2), "beyond its end"),
            (shard_of(CHUNK, 1, len(CHUNK) + 4), "beyond its end"),
            (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum"),
            (lambda data: data[:19], "less than its index"),
            (lambda data: b"", "less than its index"),
            (shard_of(BOMB), "unpacks to 419430400 bytes; a chunk has 480"),
            (shard_of(frame(b"")), "unpacks to 0 bytes"),
            (shard_of(b"\x28\xb5\x2f\xfd\x00\x58" + CHUNK[6:]), "does not tell its size"),
            (shard_of(b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + CHUNK), "does not tell its size"),
            (shard_of(CHUNK + BOMB), "unpack"),
            (shard_of(CHUNK[:7] + b"\xff" * 20), "unpack"),
            (shard_of(b""), "does not tell its size"),
        ],
    )  # fmt: skip
    def test_one_that_is_refused(self, hostile: Any, change: Change, words: str) -> None:
        store = hostile(change, SHARD)
        features = open_features(store.output(STAGE, KEY))
        tracemalloc.start()
        try:
            for read in (
                lambda: features.read("features"),
                lambda: features.read("features", [1]),
                lambda: features.read("features", range(3, 5)),
            ):
                with pytest.raises(CorruptObject, match=words) as error:
                    read()
                assert (error.value.stage, error.value.key) == (STAGE, KEY)
            assert tracemalloc.get_traced_memory()[1] < 64 * MIB
        finally:
            tracemalloc.stop()
        assert features.read("features", [8]).shape == (1, 3, 5)
        with pytest.raises(CorruptObject, match=words):  # nor is it copied into an output of ours
            read_objects(store.output(STAGE, KEY), LAYOUT, 0)

    @given(st.binary(max_size=3000), st.integers(1, 19), st.booleans())
    def test_the_size_in_a_frame(self, content: bytes, level: int, checksum: bool) -> None:
        assert content_size(bytes(numcodecs.Zstd(level=level, checksum=checksum).encode(content))) == len(content)

    @given(st.binary(max_size=40))
    def test_no_frame(self, content: bytes) -> None:
        assert content_size(content) is None
        content_size(b"\x28\xb5\x2f\xfd" + content)
