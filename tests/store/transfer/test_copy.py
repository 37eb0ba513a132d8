"""Copying an output leaves the same output: whole, checked, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store import Store
from store.backends.local.backend import LocalBackend
from store.errors import CorruptObject, MissingOutput, StoreFull
from store.paths import lock_path
from store.transfer import CopyResult, copy_output

LARGE = os.urandom((16 << 20) + 1)  # three pieces; the last has one byte
OBJECTS = {"large": LARGE, "a/small": b"small", "a/empty": b"", "exact": LARGE[: 8 << 20]}  # exactly one piece
TOTAL = sum(map(len, OBJECTS.values()))


@pytest.fixture(params=["folder", "s3"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    name = os.urandom(8).hex()
    if request.param in ("s3", "azure"):
        return Store.open(request.getfixturevalue(request.param).url(name))
    return Store.open(str(tmp_path / name) if request.param == "folder" else f"memory://{name}")


@pytest.fixture
def source(tmp_path: Path) -> Store:
    store = Store.open(str(tmp_path / "source"))
    publish(store)
    return store


def publish(store: Store, objects: dict[str, bytes] = OBJECTS) -> None:
    with store.draft("encode", "k1", recipe={"raw": "r", "window": 8}, inputs=["k0"]) as draft:
        for path, data in objects.items():
            draft.write(path, data)
        draft.publish({"machine": "here"})


def assert_equal(ours: Store, theirs: Store) -> None:
    path = "outputs/encode/k1/manifest.json"
    assert ours._root.read(path) == theirs._root.read(path)
    output = ours.output("encode", "k1")
    assert {entry: output.read_bytes(entry) for entry in output.entries} == OBJECTS


@pytest.mark.parametrize("elsewhere", ["folder", "memory", "s3", "azure"], indirect=True)
def test_there_and_back(source: Store, elsewhere: Store, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    copied = copy_output(source, elsewhere, "encode", "k1", lambda done, total: seen.append((done, total)))
    assert copied == CopyResult(len(OBJECTS), TOTAL, TOTAL)
    assert_equal(elsewhere, source)
    assert seen == sorted(seen)
    assert seen[-1] == (TOTAL, TOTAL)
    home = Store.open(str(tmp_path / "home"))
    copy_output(elsewhere, home, "encode", "k1")
    assert_equal(home, source)
    assert home.family("encode", home.output("encode", "k1").manifest.family) == ["k1"]


def test_what_is_there_is_not_sent_again(source: Store, elsewhere: Store) -> None:
    copy_output(source, elsewhere, "encode", "k1")
    assert copy_output(source, elsewhere, "encode", "k1") == CopyResult(len(OBJECTS), TOTAL, 0, already_present=True)


def test_an_output_that_is_nowhere(source: Store, elsewhere: Store) -> None:
    with pytest.raises(MissingOutput, match=r"encode/k2/manifest.json .* Run the step"):
        copy_output(source, elsewhere, "encode", "k2")
    assert list(elsewhere._root.list_paths("outputs")) == []


def test_a_broken_transfer_goes_on(source: Store, elsewhere: Store) -> None:
    def stop(done: int, total: int) -> None:
        if done > 8 << 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_output(source, elsewhere, "encode", "k1", stop)
    assert not elsewhere.has("encode", "k1")
    copied = copy_output(source, elsewhere, "encode", "k1")
    assert copied.sent <= TOTAL
    assert_equal(elsewhere, source)


def test_objects_that_arrived_are_kept(source: Store, elsewhere: Store) -> None:
    copy_output(source, elsewhere, "encode", "k1")
    elsewhere._root.delete("outputs/encode/k1/manifest.json")
    elsewhere._root.delete(f"outputs/encode/k1/{elsewhere_attempt(source)}/exact")
    assert copy_output(source, elsewhere, "encode", "k1") == CopyResult(len(OBJECTS), TOTAL, 8 << 20)
    assert_equal(elsewhere, source)


def elsewhere_attempt(store: Store) -> str:
    return store.output("encode", "k1").manifest.attempt


@pytest.mark.parametrize(
    ("path", "change"),
    [("large", "flip"), ("large", "cut"), ("a/small", "flip"), ("a/small", "grow"), ("a/small", "lose")],
)
def test_a_damaged_object_is_named_and_not_published(
    source: Store, elsewhere: Store, path: str, change: str, tmp_path: Path
) -> None:
    file = tmp_path / "source/outputs/encode/k1" / elsewhere_attempt(source) / path
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    if change == "lose":
        file.unlink()
    else:
        file.write_bytes({"flip": data, "cut": data[:-1], "grow": data + b"x"}[change])
    with pytest.raises(CorruptObject, match=f"/{path} changed after it was published") as error:
        copy_output(source, elsewhere, "encode", "k1")
    assert (error.value.url, error.value.stage, error.value.key) == (source.url, "encode", "k1")
    assert error.value.path == path
    assert not elsewhere.has("encode", "k1")
    assert not [each for each in elsewhere._root.list_paths("outputs") if each.endswith(path)]


def test_a_full_folder_is_told_before_the_first_byte(
    source: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalBackend, "free_bytes", lambda self: 1000)
    target = Store.open(str(tmp_path / "target"))
    with pytest.raises(StoreFull, match=f"{TOTAL:,} bytes are missing there and 1,000 are free") as error:
        copy_output(source, target, "encode", "k1")
    assert "Free some space" in str(error.value)
    assert not [path for path in target._root.list_paths("outputs") if path != lock_path("encode", "k1")]


def test_what_lies_damaged_in_a_folder_is_sent_again(source: Store, tmp_path: Path) -> None:
    target = Store.open(str(tmp_path / "target"))
    copy_output(source, target, "encode", "k1")
    target._root.delete("outputs/encode/k1/manifest.json")
    target._root.put(f"outputs/encode/k1/{elsewhere_attempt(source)}/a/small", b"SMALL")
    assert copy_output(source, target, "encode", "k1").sent == 5
    assert_equal(target, source)
