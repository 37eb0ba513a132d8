"""Doing an output anew: the old one stays until the new one is whole."""

from __future__ import annotations

import pytest

from store import Store
from store.writing.draft import Draft


def draft(store: Store) -> Draft:
    return store.draft("encode", "k1", recipe={"stage": "encode"}, inputs=())


def publish(store: Store, content: bytes, *, replace: bool = False) -> None:
    with draft(store) as d:
        d.write("x", content)
        d.publish({}, replace=replace)


def publish_half(store: Store) -> None:
    with draft(store) as d:
        d.write("x", b"half")
        raise ZeroDivisionError


def test_the_new_output_takes_the_old_ones_place(store: Store) -> None:
    publish(store, b"old")
    publish(store, b"new", replace=True)
    assert store.output("encode", "k1").read_bytes("x") == b"new"
    assert store.progress("encode", "k1") == 0  # nothing of the old attempt is left to go on from


def test_a_first_output_needs_nothing_to_replace(store: Store) -> None:
    publish(store, b"only", replace=True)
    assert store.output("encode", "k1").read_bytes("x") == b"only"


def test_a_failure_on_the_way_keeps_the_old_output(store: Store) -> None:
    publish(store, b"old")
    with pytest.raises(ZeroDivisionError):
        publish_half(store)
    assert store.output("encode", "k1").read_bytes("x") == b"old"
    store.output("encode", "k1").verify()
