"""An output of grown data takes the rows that an earlier one has, and equals one that was encoded from nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import StepError
from pipeline.sources.base import Modality
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams
from pipeline.stages.encode.video.params import VideoParams
from store import Store

VIDEO: dict[str, Any] = {"backbone": "squeezenet1_1", "weights": "none", "image_size": 32, "patches": 3, "window": 1}
KINDS: dict[str, tuple[Modality, Any]] = {
    "skeleton": (Modality("skeleton", ("data",), 30.0), SkeletonParams(dtype="float16")),
    "series": (Modality("series", ("data",), 50.0), SeriesParams()),
    "padded": (Modality("series", ("data",), 50.0), SeriesParams(align="pad", keep_series=False)),
    "video": (Modality("video", ("data",), 30.0), VideoParams(**VIDEO, stride=1)),
}


def recording(kind: str, seed: int) -> Any:
    random = np.random.default_rng(seed)
    length = int(random.integers(40, 90))
    if kind == "video":
        return random.integers(0, 256, (length // 10, 20, 24, 3), dtype=np.uint8)
    return random.normal(size=(length, *((20, 3) if kind == "skeleton" else (6,))))


def some(kind: str, numbers: Iterable[int]) -> dict[str, Any]:
    return {f"r{n:03}": recording(kind, n) for n in numbers}


@dataclass
class Made:
    """What a run left, and what it read for it."""

    arrays: dict[str, Any]
    rows: dict[str, Any]
    read: list[str]
    key: str


@dataclass
class Growing:
    """Encodes states of one dataset into one store, each taking rows from those before it."""

    encode: Any
    memory: Any
    store: Store
    kind: str = "series"
    keys: list[str] = field(default_factory=list)

    def __call__(self, data: dict[str, Any], *, earlier: bool = True, **options: Any) -> Made:
        source = self.memory({(name, "data"): values for name, values in data.items()})
        source.broken = {(name, "data"): reason for name, reason in options.pop("broken", {}).items()}
        source.explode = set(options.pop("explode", ()))
        modality, params = KINDS[self.kind]
        key = options.pop("key", None) or f"{len(self.keys):064}"
        given: dict[str, Any] = {"strict": False, "digests": [digest(source, r.id) for r in source.recordings()]}
        given["broken"] = options.pop("known_broken", {})
        if earlier:
            given["earlier"] = [self.store.output("encode", each) for each in reversed(self.keys)]
        output, provenance = self.encode(source, modality, params, key=key, **(given | options))
        self.keys.append(key)
        return Made({name: output.read(name) for name in output.names}, provenance["rows"], sorted(source.read), key)

    def damage(self, key: str, path: str) -> None:
        """Flip a bit of an object."""
        attempt = self.store.output("encode", key).manifest.attempt
        file = Path(self.store.url) / "outputs/encode" / key / attempt / path
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    def objects(self, key: str) -> dict[str, str]:
        """Return each object's SHA-256 by path."""
        return {path: entry.sha256 for path, entry in self.store.output("encode", key).entries.items()}


def digest(source: Any, name: str) -> bytes:
    """Digest what a row depends on: id and content, and whether the file is broken."""
    content = [name, source.data[name, "data"].tobytes(), source.broken.get((name, "data"))]
    return hashlib.sha256(repr(content).encode()).digest()


@pytest.fixture
def growing(encode: Any, memory: Any, tmp_path: Path) -> Growing:
    return Growing(encode, memory, Store.open(str(tmp_path / "store")))


def same(made: Made, other: Made) -> None:
    """Check that arrays are equal bit for bit."""
    assert made.arrays.keys() == other.arrays.keys()
    for name, values in made.arrays.items():
        assert values.dtype == other.arrays[name].dtype
        assert values.tobytes() == other.arrays[name].tobytes(), name


Change = Callable[[str, dict[str, Any]], dict[str, Any]]
CHANGES: dict[str, tuple[Change, list[str]]] = {
    "added at the end": (lambda kind, data: data | some(kind, [90]), ["r090"]),
    "added before the others": (lambda kind, data: {"a000": recording(kind, 90)} | data, ["a000"]),
    "added in between": (lambda kind, data: data | {"r030b": recording(kind, 91)}, ["r030b"]),
    "changed": (lambda kind, data: data | {"r033": recording(kind, 92)}, ["r033"]),
    "removed": (lambda kind, data: {name: data[name] for name in data if name != "r005"}, []),
    "two changed places": (lambda kind, data: data | {"r001": data["r002"], "r002": data["r001"]}, ["r001", "r002"]),
    "all at once": (
        lambda kind, data: {name: data[name] for name in data if name not in ("r003", "r068")} | some(kind, [1004, 75]),
        ["r075", "r1004"],
    ),
}


@pytest.mark.parametrize(
    ("kind", "what"),
    [*(("series", what) for what in CHANGES), *((kind, "all at once") for kind in KINDS if kind != "series")],
)
def test_only_what_is_new_is_read_and_the_arrays_are_those_from_nothing(growing: Growing, kind: str, what: str) -> None:
    growing.kind = kind
    change, new = CHANGES[what]
    data = some(kind, range(70))
    first = growing(data)
    assert first.rows == {"computed": 70, "copied": 0, "kept": 0}
    grown_data = change(kind, data)
    grown = growing(grown_data)
    assert grown.read == new
    count = len(grown_data) - len(new)
    assert grown.rows == {"computed": len(new), "copied": count, "kept": 0, "from": first.key}
    anew = growing(grown_data, earlier=False)
    assert len(anew.read) == len(grown_data)
    same(grown, anew)


def test_an_unchanged_shard_is_taken_over_byte_for_byte(growing: Growing) -> None:
    data = some("series", range(140))
    first = growing(data)
    grown = growing(data | some("series", [150]))
    assert grown.rows["copied"] == 140
    before, after = growing.objects(first.key), growing.objects(grown.key)
    shards = {path for path in before if "/c/" in path}
    assert {path for path in shards if before[path] == after[path]} == {p for p in shards if p.split("/")[2] in "01"}

    shifted = {name: values for name, values in data.items() if name >= "r064"}  # the first shard is gone
    made = growing(shifted)
    assert made.rows["copied"] == 76
    there = growing.objects(made.key)
    assert there["features/c/0/0/0"] == before["features/c/1/0/0"]
    assert there["features/c/1/0/0"] == before["features/c/2/0/0"]
    same(made, growing(shifted, earlier=False))


def test_the_earlier_output_with_most_rows_is_taken(growing: Growing) -> None:
    data = some("series", range(20))
    whole = growing(data)
    growing({name: values for name, values in data.items() if name < "r004"})
    grown = growing(data | some("series", [30]))
    assert grown.rows == {"computed": 1, "copied": 20, "kept": 0, "from": whole.key}


def test_a_mended_recording_is_encoded_and_one_still_broken_is_read_again(growing: Growing) -> None:
    data = some("series", range(10))
    growing(data, broken={"r002": "truncated", "r005": "wrong key"})
    mended = growing(data, broken={"r005": "wrong key"})
    assert mended.read == ["r002", "r005"]
    assert mended.rows["copied"] == 8
    assert not mended.arrays["valid"][5].any()
    assert mended.arrays["valid"].any(axis=1).sum() == 9
    output = growing.store.output("encode", mended.key)
    (reason,) = output.read_json("skipped.json", list)
    assert reason["recording"] == "r005"
    assert "data/r005.bin: wrong key" in reason["reason"]
    same(mended, growing(data, broken={"r005": "wrong key"}, earlier=False))
    with pytest.raises(StepError, match=r"data/r005\.bin: wrong key.*on_bad_recording: skip"):
        growing(data, broken={"r005": "wrong key"}, strict=True, key="f" * 64)


def test_rows_known_to_be_broken_stay_empty_with_their_reason_and_shards_with_them_are_copied(growing: Growing) -> None:
    data = some("series", range(70))
    first = growing(data, known_broken={"r003": "r003: truncated"})
    grown = growing(data | some("series", [80]), known_broken={"r003": "r003: truncated"})
    assert grown.read == ["r080"]
    assert grown.rows == {"computed": 1, "copied": 69, "kept": 0, "from": first.key}
    assert growing.objects(grown.key)["features/c/0/0/0"] == growing.objects(first.key)["features/c/0/0/0"]
    listed = growing.store.output("encode", grown.key).read_json("skipped.json", list)
    assert listed == [{"recording": "r003", "reason": "r003: truncated"}]
    usable = growing(data, known_broken={})  # the same file; it is not broken any more
    assert usable.read == ["r003"]
    unusable = growing(data, known_broken={"r004": "r004: empty"})
    assert unusable.read == []
    assert not unusable.arrays["features"][4].any()
    same(unusable, growing(data, known_broken={"r004": "r004: empty"}, earlier=False))


@pytest.mark.parametrize("path", ["rows.sha256", "skipped.json", "zarr.json", "valid/zarr.json"])
def test_an_earlier_output_with_damaged_metadata_is_not_used_and_told_of(growing: Growing, path: str) -> None:
    data = some("series", range(5))
    older = growing({name: data[name] for name in ("r001", "r002")})
    broken = growing(data)
    growing.damage(broken.key, path)
    grown = growing(data | some("series", [9]))
    assert grown.rows["from"] == older.key
    assert (grown.rows["copied"], grown.rows["computed"]) == (2, 4)
    assert path in grown.rows["damaged"][broken.key]
    same(grown, growing(data | some("series", [9]), earlier=False))


@pytest.mark.parametrize("shift", [False, True], ids=["whole shards", "rows"])
def test_a_damaged_shard_ends_the_copying_and_is_never_used(growing: Growing, shift: bool) -> None:
    data = some("series", range(200))
    first = growing(data)
    growing.damage(first.key, "series/c/1/0/0")
    new = {"a000": recording("series", 300)} if shift else some("series", [300])
    grown = growing(new | data)
    copied = 63 if shift else 64
    assert grown.rows["copied"] == copied
    assert grown.rows["computed"] == 201 - copied
    assert "series/c/1/0/0 changed after it was published" in grown.rows["damaged"][first.key]
    same(grown, growing(new | data, earlier=False))


@pytest.mark.parametrize("shift", [False, True], ids=["whole shards", "rows"])
@pytest.mark.parametrize("path", ["features/c/0/0/0", "rows.sha256", "skipped.json", "zarr.json"])
def test_what_was_published_wrong_is_not_used(growing: Growing, path: str, shift: bool) -> None:
    data = some("series", range(66))
    good = growing(data).key
    output = growing.store.output("encode", good)
    growing.keys = ["b" * 64]
    with growing.store.draft("encode", growing.keys[0], recipe={"test": True}, inputs=[]) as draft:
        for name in output.entries:
            draft.write(name, b"[3]" if name == path else output.read_bytes(name))
        draft.publish({})
    new = {"a000": recording("series", 300)} if shift else some("series", [300])
    grown = growing(new | data)
    assert (grown.rows["copied"], grown.rows["computed"]) == (0, 67)
    assert path in grown.rows["damaged"]["b" * 64]
    same(grown, growing(new | data, earlier=False))


def test_rows_of_another_shape_are_not_taken_even_where_their_width_is_the_same(growing: Growing) -> None:
    flat = {name: values.reshape(-1, 6) for name, values in some("series", range(1, 6)).items()}
    growing(flat)
    wide = {"r000": np.zeros((50, 2, 3))} | flat  # the first says how a sample looks: now the others are broken
    grown = growing(wide)
    assert grown.rows == {"computed": 6, "copied": 0, "kept": 0}
    assert grown.arrays["valid"].any(axis=1).tolist() == [True] + [False] * 5


def test_outputs_without_digests_or_from_before_them_are_passed_over(growing: Growing) -> None:
    data = some("series", range(3))
    growing(data, digests=())
    assert "rows.sha256" not in growing.objects(growing.keys[0])
    made = growing(data)
    assert made.rows == {"computed": 3, "copied": 0, "kept": 0}
    assert len(growing.store.output("encode", made.key).read_bytes("rows.sha256")) == 3 * 32


def test_an_interrupted_run_goes_on_copying(growing: Growing) -> None:
    data = some("series", range(200))
    growing(data)
    more = data | some("series", [300]) | {"r070": recording("series", 301)}
    with pytest.raises(KeyboardInterrupt):
        growing(more, explode=["r300"], key="a" * 64)
    resumed = growing(more, key="a" * 64)
    assert resumed.read == ["r300"]
    assert resumed.rows == {"computed": 1, "copied": 8, "kept": 192, "from": growing.keys[0]}
    same(resumed, growing(more, earlier=False))
