"""Who writes an output, and whether one could, on every kind of store, without changing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import Store
from store.errors import NotPermitted

KEY = "a" * 64


def test_who_writes_and_who_wrote(url: str) -> None:
    store = Store.open(url)
    assert store.writer("encode", KEY) is None
    with store.draft("encode", KEY, recipe={}, inputs=[]) as draft:
        draft.scratch_write("part", b"half")
        owner = store.writer("encode", KEY)
        assert owner is not None
        assert owner.holds
        assert owner.name.startswith("process ")
    left = store.writer("encode", KEY)
    assert left is None or not left.holds  # a lease is deleted, a lock's file stays


def test_whether_it_could_be_written_to(url: str) -> None:
    store = Store.open(url)
    store.check_writable()
    assert not Store.open(url).exists()
    store.write_ref("me", b"{}")
    assert store.check_writable()
    assert store.read_ref("me") == b"{}"


def test_a_folder_in_which_nobody_may_write() -> None:
    with pytest.raises(NotPermitted, match="may not write there"):
        Store.open(str(Path("/proc/self/store"))).check_writable()
