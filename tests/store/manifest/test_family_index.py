"""Outputs of one recipe but for their raw data find each other; what finds them is never needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.errors import StoreError
from store.manifest.family_index import family_prefix
from store.manifest.validation import family_of
from store.remotes import find_sibling_outputs


def publish(store: Store, key: str, stage: str = "encode", **recipe: Any) -> str:
    """Publish an output of a recipe, and return its family."""
    with store.draft(stage, key, recipe=recipe, inputs=[]) as draft:
        draft.write("rows.sha256", key.encode())
        return draft.publish({}).manifest.family


def test_outputs_of_grown_data_are_one_family_newest_first(store: Store) -> None:
    families = {publish(store, key, window=6, raw={"depth": key}, rows=f"{key} rows") for key in ("b", "c", "a")}
    other = publish(store, "d", window=7, raw={"depth": "b"}, rows="b rows")
    (family,) = families
    assert family == family_of({"window": 6}) != other
    assert store.family("encode", family) == ["a", "c", "b"]
    assert store.family("encode", other) == ["d"]
    assert store.family("gaf", family) == []


def test_an_output_without_raw_data_has_no_relatives_and_no_mark(store: Store) -> None:
    assert store.family("train", publish(store, "a", "train", seed=0)) == []


def test_who_is_published_second_marks_the_first(store: Store) -> None:
    family = publish(store, "a", raw={})
    store._root.delete(f"{family_prefix('encode', family)}/a")
    publish(store, "a", raw={})
    assert store.family("encode", family) == ["a"]


def test_relatives_are_the_stores_in_order_and_each_output_once(tmp_path: Path) -> None:
    local, remote = Store.open(str(tmp_path / "local")), Store.open(str(tmp_path / "remote"))
    for store, keys in ((local, "ab"), (remote, "bc")):
        for key in keys:
            family = publish(store, key, raw={"depth": key})
    assert [each.manifest.key for each in find_sibling_outputs([local, remote], "encode", family)] == ["b", "a", "c"]


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'{"created": 3}', b"\xff" * 5000])
def test_a_damaged_mark_only_loses_its_place(store: Store, data: bytes) -> None:
    for key in ("a", "b"):
        family = publish(store, key, raw={"depth": key})
    store._root.put(f"{family_prefix('encode', family)}/b", data)
    assert store.family("encode", family) == ["a", "b"]


def test_what_is_gone_or_cannot_be_read_is_passed_over(store: Store) -> None:
    for key in ("a", "b", "c"):
        family = publish(store, key, raw={"depth": key})
    store._root.delete("outputs/encode/c/manifest.json")
    store._root.put("outputs/encode/b/manifest.json", b"not a manifest")
    assert [each.manifest.key for each in find_sibling_outputs([store], "encode", family)] == ["a"]


def test_a_mark_that_cannot_be_written_hinders_no_publication(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put = type(store._root).put

    def full(self: Any, path: str, *rest: Any, **options: Any) -> None:
        if path.startswith("families/"):
            raise StoreError("no space left")
        put(self, path, *rest, **options)

    monkeypatch.setattr(type(store._root), "put", full)
    family = publish(store, "a", raw={})
    assert store.output("encode", "a").read_bytes("rows.sha256") == b"a"
    assert store.family("encode", family) == []
