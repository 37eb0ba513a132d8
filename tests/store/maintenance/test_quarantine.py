"""What is damaged is set aside: not there for any reader, still there for whoever looks into it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from store import Store
from store.backends.local.backend import LocalBackend
from store.errors import CorruptManifest, CorruptObject, DraftLocked
from store.reading.output import Output


def publish(store: Store, text: bytes = b"text") -> Output:
    with store.draft("train", "k1", recipe={}, inputs=[]) as draft:
        draft.write("a/b", text)
        draft.write("manifest.json", b"an object of this name")
        return draft.publish({})


def damage(store: Store, output: Output) -> CorruptObject:
    store._root.put(f"outputs/train/k1/{output.manifest.attempt}/a/b", b"best")
    with pytest.raises(CorruptObject) as error:
        store.output("train", "k1").verify()
    return error.value


def test_the_error_says_where(store: Store) -> None:
    output = publish(store)
    error = damage(store, output)
    found = (error.url, error.stage, error.key, error.attempt, error.path)
    assert found == (store.url, "train", "k1", output.manifest.attempt, "a/b")
    for words in (
        "/a/b",
        "expected 4 bytes",
        "found 4 bytes",
        "Run again (`pipeline run`): that sets",
        "Verify all others",
    ):
        assert words in str(error)


def test_it_is_moved_and_made_again(store: Store) -> None:
    output = publish(store)
    where = store.quarantine("train", "k1", str(damage(store, output)))
    attempt = output.manifest.attempt
    assert where == f"{store.url}/quarantine/train/k1/{attempt}"
    assert not store.has("train", "k1")
    root = store._root
    here = f"quarantine/train/k1/{attempt}"
    assert {path.removeprefix(f"{here}/") for path in root.list_paths(here)} == {
        "why.json",
        "manifest.json",
        "objects/a/b",
        "objects/manifest.json",
    }
    assert root.read(f"{here}/objects/a/b") == b"best"
    assert "changed after it was published" in json.loads(root.read(f"{here}/why.json"))["why"]
    assert [name for name in root.list_dir("outputs/train/k1") if name != "lock"] == []
    assert publish(store).read_bytes("a/b") == b"text"


def test_the_same_attempt_twice(store: Store) -> None:
    output = publish(store)
    manifest = store._root.read("outputs/train/k1/manifest.json")
    first = store.quarantine("train", "k1", "damaged")
    store._root.put(f"outputs/train/k1/{output.manifest.attempt}/a/b", b"again")
    store._root.put("outputs/train/k1/manifest.json", manifest)
    second = store.quarantine("train", "k1", "damaged")
    assert first != second
    assert store._root.read(f"{second.removeprefix(store.url + '/')}/objects/a/b") == b"again"
    assert not store.has("train", "k1")


def test_what_was_made_again_meanwhile_stays(store: Store) -> None:
    old = publish(store).manifest.attempt
    store.quarantine("train", "k1", "damaged", attempt=old)
    output = publish(store)
    store.quarantine("train", "k1", "damaged", attempt=old)
    assert store.output("train", "k1").manifest == output.manifest


@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 5000, b'{"attempt": "../../refs"}'])
def test_a_manifest_that_cannot_be_read(store: Store, content: bytes) -> None:
    publish(store)
    store._root.put("outputs/train/k1/manifest.json", content)
    with pytest.raises(CorruptManifest) as error:
        store.output("train", "k1")
    assert (error.value.url, error.value.stage, error.value.key) == (store.url, "train", "k1")
    store.quarantine("train", "k1", str(error.value))
    assert not store.has("train", "k1")
    assert publish(store, b"new").read_bytes("a/b") == b"new"


def test_a_folder_in_the_manifests_place(folder_store: Store) -> None:
    publish(folder_store)
    manifest = Path(folder_store.url) / "outputs/train/k1/manifest.json"
    manifest.unlink()
    manifest.mkdir()
    (manifest / "mine").write_text("kept")
    with pytest.raises(CorruptManifest, match=r"manifest\.json is a folder where a file belongs") as error:
        folder_store.output("train", "k1")
    assert folder_store.verify("train", "k1").damage  # type: ignore[union-attr]
    moved = folder_store.quarantine("train", "k1", str(error.value))
    assert (Path(moved) / "manifest.json" / "mine").read_text() == "kept"
    assert publish(folder_store, b"new").read_bytes("a/b") == b"new"


def test_what_another_run_has_set_aside(store: Store) -> None:
    publish(store)
    store.quarantine("train", "k1", "damaged")
    before = sorted(store._root.list_paths("quarantine"))
    store.quarantine("train", "k1", "damaged")
    assert sorted(store._root.list_paths("quarantine")) == before


def test_nothing_is_moved_from_under_a_writer(folder_store: Store) -> None:
    publish(folder_store)
    with folder_store.draft("train", "k1", recipe={}, inputs=[]), pytest.raises(DraftLocked):
        folder_store.quarantine("train", "k1", "damaged")
    folder_store.output("train", "k1").verify()


@pytest.mark.parametrize("after", range(4))
def test_stopped_halfway(folder_store: Store, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(folder_store)
    steps = iter(range(after))

    def stop(how):  # type: ignore[no-untyped-def]
        def limited(*args, **kwargs):  # type: ignore[no-untyped-def]
            if next(steps, None) is None:
                raise KeyboardInterrupt
            return how(*args, **kwargs)

        return limited

    with monkeypatch.context() as patch:
        for name in ("put", "move_all"):
            patch.setattr(LocalBackend, name, stop(getattr(LocalBackend, name)))
        if after < 3:
            with pytest.raises(KeyboardInterrupt):
                folder_store.quarantine("train", "k1", "damaged")
        else:
            folder_store.quarantine("train", "k1", "damaged")
    assert folder_store.has("train", "k1") == (after < 2)
    if folder_store.has("train", "k1"):
        folder_store.output("train", "k1").verify()
    assert publish(folder_store).read_bytes("a/b") == b"text"


def test_nothing_leaves_the_store(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "a" / "store"))
    publish(store)
    (tmp_path / "a" / "secret").write_text("kept")
    store._root.put("outputs/train/k1/manifest.json", b'{"attempt": "../../../../secret"}')
    store.quarantine("train", "k1", "damaged")
    assert sorted(os.listdir(tmp_path / "a")) == ["secret", "store"]
